/** Providers over HTTP. Types: {@code openai} and everything compatible with it, {@code groq}, {@code huggingface}. */
@NullMarked
package ai.orchestrator.providers;

import org.jspecify.annotations.NullMarked;
