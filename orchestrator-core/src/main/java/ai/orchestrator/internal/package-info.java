/** Shared by the packages of this module and exported to nobody. */
@NullMarked
package ai.orchestrator.internal;

import org.jspecify.annotations.NullMarked;
