/** How well providers have served lately. */
@NullMarked
package ai.orchestrator.health;

import org.jspecify.annotations.NullMarked;
