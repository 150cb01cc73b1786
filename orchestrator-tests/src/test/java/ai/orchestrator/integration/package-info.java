/** The whole way of a call over real loopback HTTP. */
@NullMarked
package ai.orchestrator.integration;

import org.jspecify.annotations.NullMarked;
