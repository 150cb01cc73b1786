package ai.orchestrator.testkit;

import ai.orchestrator.RetrySettings;
import java.time.Duration;

/** How often providers are asked in tests that are not about the waits between attempts. */
public final class Retries {

    /** Each provider once. */
    public static final RetrySettings NONE =
            RetrySettings.builder().maxAttempts(1).build();

    /** As often as by default, but without a wait, which on a manual time source would need somebody to end it. */
    public static final RetrySettings AT_ONCE =
            RetrySettings.builder().backoff(Duration.ZERO).build();

    private Retries() {}
}
