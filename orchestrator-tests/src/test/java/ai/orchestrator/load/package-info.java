/** Many calls at once against providers that come and go: nothing is lost, mixed or left behind. */
@NullMarked
package ai.orchestrator.load;

import org.jspecify.annotations.NullMarked;
