/** Answers from the cache, and identical calls that share one flight. */
@NullMarked
package ai.orchestrator.cache;

import org.jspecify.annotations.NullMarked;
