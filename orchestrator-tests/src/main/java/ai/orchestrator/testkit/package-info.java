/** For tests of what uses the orchestrator: a provider on loopback that follows a script, and a clock that is moved by hand. */
@NullMarked
package ai.orchestrator.testkit;

import org.jspecify.annotations.NullMarked;
