/** Answers that are kept for identical requests. */
@NullMarked
package ai.orchestrator.cache;

import org.jspecify.annotations.NullMarked;
