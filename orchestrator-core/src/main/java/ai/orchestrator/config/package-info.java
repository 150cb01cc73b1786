/** A properties file becomes a checked configuration. */
@NullMarked
package ai.orchestrator.config;

import org.jspecify.annotations.NullMarked;
