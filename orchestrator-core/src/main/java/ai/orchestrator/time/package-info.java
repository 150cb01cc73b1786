/** The one source of time that every wait and limit runs on. */
@NullMarked
package ai.orchestrator.time;

import org.jspecify.annotations.NullMarked;
