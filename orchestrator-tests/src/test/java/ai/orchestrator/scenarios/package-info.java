/** The catalogue of docs/scenarios.md over real loopback HTTP, each case in every way of asking in which it makes sense, and part F in every dialect. */
@NullMarked
package ai.orchestrator.scenarios;

import org.jspecify.annotations.NullMarked;
