/** Shared by the packages of this module and not for applications. */
@NullMarked
package ai.orchestrator.internal;

import org.jspecify.annotations.NullMarked;
