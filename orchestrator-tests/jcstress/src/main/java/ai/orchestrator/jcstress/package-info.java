/** Lets callers of one breaker collide by the million, and says which outcomes its rules (B1, B3, …) allow. */
@NullMarked
package ai.orchestrator.jcstress;

import org.jspecify.annotations.NullMarked;
