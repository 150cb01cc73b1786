/** Providers over HTTP: the dialects of OpenAI and everything compatible with it, of Anthropic, and of Gemini. */
@NullMarked
package ai.orchestrator.providers;

import org.jspecify.annotations.NullMarked;
