package ai.orchestrator.conformance;

import java.util.Locale;

/** A dialect that a vendor has written a client library for. */
enum Family {
    OPENAI("OpenAI chat completions"),
    ANTHROPIC("Anthropic Messages"),
    GEMINI("Gemini generateContent");

    private final String title;

    Family(String title) {
        this.title = title;
    }

    /** Whose dialect a type of provider speaks. */
    static Family of(String type) {
        return switch (type) {
            case "anthropic" -> ANTHROPIC;
            case "gemini" -> GEMINI;
            default -> OPENAI;
        };
    }

    String title() {
        return title;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
