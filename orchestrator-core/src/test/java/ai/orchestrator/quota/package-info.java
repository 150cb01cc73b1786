@NullMarked
package ai.orchestrator.quota;

import org.jspecify.annotations.NullMarked;
