/** What a circuit breaker and a call cost: time and allocation by JMH, memory by JOL, wall time beside bare OkHttp. */
@NullMarked
package ai.orchestrator.benchmarks;

import org.jspecify.annotations.NullMarked;
