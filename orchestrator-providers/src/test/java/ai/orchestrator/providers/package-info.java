/** What providers send, and what is made of it. */
@NullMarked
package ai.orchestrator.providers;

import org.jspecify.annotations.NullMarked;
