/** The README, compiled and checked. */
@NullMarked
package ai.orchestrator.examples;

import org.jspecify.annotations.NullMarked;
