/** For tests of what uses the orchestrator: a provider on loopback that follows a script, a clock that is moved by hand, and one that jumps. */
@NullMarked
package ai.orchestrator.testkit;

import org.jspecify.annotations.NullMarked;
