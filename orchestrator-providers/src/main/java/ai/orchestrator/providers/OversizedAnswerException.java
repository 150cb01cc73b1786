package ai.orchestrator.providers;

import java.io.IOException;

/** What the provider sends is larger than any answer. */
final class OversizedAnswerException extends IOException {

    private static final long serialVersionUID = 1L;

    OversizedAnswerException(String message) {
        super(message);
    }
}
