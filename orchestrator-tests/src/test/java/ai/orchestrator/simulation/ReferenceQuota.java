package ai.orchestrator.simulation;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.quota.QuotaUnit;
import ai.orchestrator.quota.QuotaWindow;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What docs/quotas.md says is left, counted attempt by attempt. Attempts that are close together may come back a little later than
 * after a minute, so it knows how much is used at least and at most. For one thread.
 */
final class ReferenceQuota {

    private static final long MINUTE = 60_000_000_000L;
    private static final long GRAIN = MINUTE / 1_024;

    private final Instant start;
    private final ZoneId zone;
    private final List<Limit> limits = new ArrayList<>();

    ReferenceQuota(QuotaSettings settings, Instant start) {
        this.start = start;
        this.zone = settings.zone();
        add(QuotaUnit.REQUESTS, QuotaWindow.MINUTE, settings.requestsPerMinute());
        add(QuotaUnit.REQUESTS, QuotaWindow.DAY, settings.requestsPerDay());
        add(QuotaUnit.TOKENS, QuotaWindow.MINUTE, settings.tokensPerMinute());
        add(QuotaUnit.TOKENS, QuotaWindow.DAY, settings.tokensPerDay());
    }

    private void add(QuotaUnit unit, QuotaWindow window, OptionalLong limit) {
        limit.ifPresent(most -> limits.add(new Limit(unit, window, most)));
    }

    private static final class Entry {

        private final long at;
        private long amount;

        private Entry(long at, long amount) {
            this.at = at;
            this.amount = amount;
        }
    }

    /** What one attempt has taken. */
    static final class Reservation {

        private final List<Entry> entries = new ArrayList<>();
    }

    private final class Limit {

        private final QuotaUnit unit;
        private final QuotaWindow window;
        private final long most;
        private final List<Entry> entries = new ArrayList<>();

        // What the provider has counted beyond our own.
        private long addedAtLeast;
        private long addedAtLeastUntil;
        private long addedAtMost;
        private long addedAtMostUntil;

        private Limit(QuotaUnit unit, QuotaWindow window, long most) {
            this.unit = unit;
            this.window = window;
            this.most = most;
        }

        private long need(long tokens) {
            return unit == QuotaUnit.REQUESTS ? 1 : Math.min(tokens, most);
        }

        private boolean isDay() {
            return window == QuotaWindow.DAY;
        }

        private long own(long now, long minute) {
            long sum = 0;
            for (Entry entry : entries) {
                if (isDay() ? day(entry.at).equals(day(now)) : now - entry.at < minute) {
                    sum += entry.amount;
                }
            }
            return sum;
        }

        private long atLeast(long now) {
            return own(now, MINUTE) + (now < addedAtLeastUntil ? addedAtLeast : 0);
        }

        private long atMost(long now) {
            return own(now, MINUTE + GRAIN) + (now < addedAtMostUntil ? addedAtMost : 0);
        }

        private void correct(long remaining, long resetsIn, long now) {
            long until = now + (isDay() ? Math.min(resetsIn, untilMidnight(now)) : Math.min(resetsIn, MINUTE));
            if (until <= now) {
                return;
            }
            long mostBefore = now < addedAtMostUntil ? addedAtMost : 0;
            long leastBefore = now < addedAtLeastUntil ? addedAtLeast : 0;
            long atMost = most - own(now, MINUTE) - remaining;
            long atLeast = most - own(now, MINUTE + GRAIN) - remaining;
            if (atLeast > 0 && atLeast >= mostBefore) {
                addedAtLeast = atLeast;
                addedAtLeastUntil = leastBefore > 0 ? Math.max(addedAtLeastUntil, until) : until;
            }
            if (atMost > 0) {
                addedAtMost = Math.max(mostBefore, atMost);
                addedAtMostUntil = mostBefore > 0 ? Math.max(addedAtMostUntil, until) : until;
            }
        }

        @Override
        public String toString() {
            return most + " " + unit + " " + window;
        }
    }

    private LocalDate day(long at) {
        return LocalDate.ofInstant(start.plusNanos(at), zone);
    }

    private long untilMidnight(long now) {
        Instant midnight = day(now).plusDays(1).atStartOfDay(zone).toInstant();
        return Duration.between(start.plusNanos(now), midnight).toNanos();
    }

    /** Which limit does not allow an attempt, even if everything has come back that could; null if all may. */
    @Nullable
    String mustRefuse(long tokens, long now) {
        for (Limit limit : limits) {
            if (limit.atLeast(now) + limit.need(tokens) > limit.most) {
                return limit + ": " + limit.atLeast(now) + " used, " + limit.need(tokens) + " needed";
            }
        }
        return null;
    }

    /** Whether there is enough in any case. */
    boolean mustAllow(long tokens, long now) {
        for (Limit limit : limits) {
            if (limit.atMost(now) + limit.need(tokens) > limit.most) {
                return false;
            }
        }
        return true;
    }

    Reservation reserve(long tokens, long now) {
        Reservation reservation = new Reservation();
        for (Limit limit : limits) {
            Entry entry = new Entry(now, limit.need(tokens));
            limit.entries.add(entry);
            reservation.entries.add(entry);
        }
        return reservation;
    }

    void refund(Reservation reservation) {
        reservation.entries.forEach(entry -> entry.amount = 0);
    }

    void settle(Reservation reservation, long usedTokens, long now) {
        for (int i = 0; i < limits.size(); i++) {
            Limit limit = limits.get(i);
            Entry entry = reservation.entries.get(i);
            if (limit.unit == QuotaUnit.TOKENS) {
                long more = usedTokens - entry.amount;
                entry.amount = Math.min(entry.amount, usedTokens);
                if (more > 0) {
                    limit.entries.add(new Entry(now, more));
                }
            }
        }
    }

    /** Believes reports that name the window of one of the limits; others are not made here. */
    void correct(List<RateLimit> reports, long now) {
        for (RateLimit report : reports) {
            for (Limit limit : limits) {
                String subject = limit.unit == QuotaUnit.REQUESTS ? "requests" : "tokens";
                Duration window = limit.isDay() ? Duration.ofDays(1) : Duration.ofMinutes(1);
                if (report.subject().equals(subject)
                        && report.window().orElseThrow().equals(window)) {
                    limit.correct(
                            report.remaining().orElseThrow(),
                            report.resetsIn().map(Duration::toNanos).orElse(Long.MAX_VALUE / 4),
                            now);
                }
            }
        }
    }

    /** What is wrong with what is shown; null if nothing is. */
    @Nullable
    String difference(List<QuotaStatus> shown, long now) {
        if (shown.size() != limits.size()) {
            return "shows " + shown;
        }
        for (QuotaStatus status : shown) {
            for (Limit limit : limits) {
                if (limit.unit == status.unit()
                        && limit.window == status.window()
                        && (status.used() < limit.atLeast(now) || status.used() > limit.atMost(now))) {
                    return limit + ": shows " + status.used() + " used, but it is " + limit.atLeast(now) + " to "
                            + limit.atMost(now);
                }
            }
        }
        return null;
    }
}
