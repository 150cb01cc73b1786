/** Tests of what a call promises its caller, over providers in memory. */
@NullMarked
package ai.orchestrator.calls;

import org.jspecify.annotations.NullMarked;
