/** Free checks of providers. */
@NullMarked
package ai.orchestrator.checks;

import org.jspecify.annotations.NullMarked;
