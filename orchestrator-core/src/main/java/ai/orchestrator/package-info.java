/** Ask several providers as one: the orchestrator, its settings and its errors. */
@NullMarked
package ai.orchestrator;

import org.jspecify.annotations.NullMarked;
