package ai.orchestrator.chat;

import java.util.Objects;

/** Whether the model must, may or must not call tools. Immutable and safe for use by several threads. */
public sealed interface ToolChoice {

    /**
     * Without a particular tool in mind.
     */
    enum Mode implements ToolChoice {
        /** The model decides, which is the default where there are tools. */
        AUTO,
        /** The model must answer in words. */
        NONE,
        /** The model must call at least one tool. */
        REQUIRED
    }

    /**
     * The model must call this tool.
     *
     * @param tool its name
     */
    record Named(String tool) implements ToolChoice {

        /** Checks that nothing is null. */
        public Named {
            Objects.requireNonNull(tool, "tool");
        }
    }
}
