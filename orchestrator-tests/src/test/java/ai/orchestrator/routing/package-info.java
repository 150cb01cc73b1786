/** Who is asked first, and next, by each strategy and on each route. */
@NullMarked
package ai.orchestrator.routing;

import org.jspecify.annotations.NullMarked;
