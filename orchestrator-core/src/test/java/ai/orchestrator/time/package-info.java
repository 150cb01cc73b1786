/** The system's clock and its timers. */
@NullMarked
package ai.orchestrator.time;

import org.jspecify.annotations.NullMarked;
