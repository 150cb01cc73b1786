package ai.orchestrator;

import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.quota.Quota;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What changes of a provider when its configuration does; an attempt goes by one from its beginning to its end. Immutable.
 *
 * @param withdrawn why nobody may ask it any more; null if it may be asked
 * @param target what to call; null for a provider of the application's own
 * @param answers what its answers are known by in the cache
 * @param quota null where there is no limit, so that such a provider pays nothing for it
 */
record ProviderSetup(
        ProviderSettings settings,
        @Nullable String withdrawn,
        @Nullable ProviderTarget target,
        String answers,
        Client client,
        ProviderRetry retry,
        @Nullable Quota quota) {

    static ProviderSetup of(
            ProviderSettings settings,
            @Nullable ProviderTarget target,
            String answers,
            Client client,
            ProviderRetry retry,
            @Nullable Quota quota) {
        String withdrawn = settings.mayBeAsked() ? null : settings.enabled() ? "its weight is 0" : "it is disabled";
        return new ProviderSetup(settings, withdrawn, target, answers, client, retry, quota);
    }

    ProviderSetup withdrawn(String reason) {
        return new ProviderSetup(settings, reason, target, answers, client, retry, quota);
    }

    /** What the answers of a target are known by. */
    static String answers(ProviderTarget target) {
        return String.join(
                "\n",
                target.name(),
                target.type().name(),
                target.baseUrl().toString(),
                target.model(),
                new TreeMap<>(target.options()).toString());
    }

    Optional<String> model() {
        return Optional.ofNullable(target).map(ProviderTarget::model);
    }

    /** How much of its quota is left: from zero to one, one if it has none. */
    double quotaLeft() {
        return quota == null ? 1 : quota.left();
    }

    boolean isNearlyOutOfQuota() {
        return quota != null && quota.isNearlyUsedUp();
    }

    /** Whether it is the same provider, so that what is known of it stays true: its name, and what answers under it. */
    boolean isSameAs(ProviderSettings others, @Nullable ProviderTarget othersTarget) {
        if (!settings.name().equals(others.name())) {
            return false;
        }
        if (target == null || othersTarget == null) {
            return target == null
                    && othersTarget == null
                    && settings.chatProvider().orElseThrow()
                            == others.chatProvider().orElseThrow();
        }
        return target.type().name().equals(othersTarget.type().name())
                && target.baseUrl().equals(othersTarget.baseUrl())
                && target.model().equals(othersTarget.model());
    }

    /** Whether what talks to the one can talk to the other. */
    boolean hasClientFor(@Nullable ProviderTarget others) {
        return target == null
                || others == null
                || (target.apiKey().equals(others.apiKey()) && target.options().equals(others.options()));
    }

    /** When an attempt under it that begins now must have ended at the latest. */
    Deadline attemptDeadline(Deadline callDeadline) {
        Optional<Duration> limit = settings.totalTimeout();
        return limit.isPresent() ? callDeadline.orAfter(limit.get()) : callDeadline;
    }
}
