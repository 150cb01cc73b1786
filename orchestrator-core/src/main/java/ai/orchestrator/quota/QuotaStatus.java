package ai.orchestrator.quota;

import java.time.Duration;

/**
 * What one of a provider's quotas showed at one moment.
 *
 * @param unit what it counts
 * @param window over which time
 * @param limit how much is allowed in the window; more than zero
 * @param used how much is used up or reserved; more than the limit if calls took more than was estimated
 * @param left how much may still be reserved; zero or more
 * @param resetsIn for a minute, when the next part of what is used comes back, zero if nothing is used; for a day, when the day ends
 */
public record QuotaStatus(QuotaUnit unit, QuotaWindow window, long limit, long used, long left, Duration resetsIn) {}
