/** What a circuit breaker costs: time and allocation by JMH, memory by JOL. */
@NullMarked
package ai.orchestrator.benchmarks;

import org.jspecify.annotations.NullMarked;
