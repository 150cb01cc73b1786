/** The engine over real sockets against servers that do everything wrong, at random by a seed: the run that {@code docs/chaos.md} shows. */
@NullMarked
package ai.orchestrator.chaos;

import org.jspecify.annotations.NullMarked;
