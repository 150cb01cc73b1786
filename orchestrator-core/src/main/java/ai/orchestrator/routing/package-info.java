/** Which provider of a route a call turns to first: pure functions of snapshots. */
@NullMarked
package ai.orchestrator.routing;

import org.jspecify.annotations.NullMarked;
