/** The command line. */
@NullMarked
package ai.orchestrator.server;

import org.jspecify.annotations.NullMarked;
