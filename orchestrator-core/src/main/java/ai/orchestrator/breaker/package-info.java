/** One circuit breaker per provider, over Resilience4j. */
@NullMarked
package ai.orchestrator.breaker;

import org.jspecify.annotations.NullMarked;
