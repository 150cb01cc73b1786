/** Hours of trouble in seconds: the real engine in front of simulated providers, on simulated time. */
@NullMarked
package ai.orchestrator.simulation;

import org.jspecify.annotations.NullMarked;
