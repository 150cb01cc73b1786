/** Another configuration while calls are under way. */
@NullMarked
package ai.orchestrator.reload;

import org.jspecify.annotations.NullMarked;
