/** What each dialect sends for a request, and what it makes of an answer. */
@NullMarked
package ai.orchestrator.dialects;

import org.jspecify.annotations.NullMarked;
