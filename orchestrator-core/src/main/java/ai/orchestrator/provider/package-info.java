/** The contract between deciding and talking: what a dialect implements, and what its failures mean. */
@NullMarked
package ai.orchestrator.provider;

import org.jspecify.annotations.NullMarked;
