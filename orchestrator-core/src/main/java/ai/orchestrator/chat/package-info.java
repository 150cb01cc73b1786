/** What is asked and what is answered: immutable values without behaviour. */
@NullMarked
package ai.orchestrator.chat;

import org.jspecify.annotations.NullMarked;
