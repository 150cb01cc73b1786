/** How much a provider may be asked, by the minute and by the day. */
@NullMarked
package ai.orchestrator.quota;

import org.jspecify.annotations.NullMarked;
