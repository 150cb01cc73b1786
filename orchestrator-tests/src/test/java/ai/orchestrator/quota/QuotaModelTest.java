package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.quota.Quota.Outcome;
import ai.orchestrator.quota.Quota.Refusal;
import ai.orchestrator.quota.Quota.Reservation;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Takes quotas through random lives and compares them, after each step, with logs that forget nothing and know no batches. One log lets a
 * share go after exactly a minute, the other after a minute and the time over which a batch may stretch: what is used lies between them.
 */
class QuotaModelTest {

    private static final int STEPS = 20_000;

    /** What one call has taken. */
    private static final class Share {
        private final long nanos;
        private long amount;

        private Share(long nanos, long amount) {
            this.nanos = nanos;
            this.amount = amount;
        }
    }

    /** All that was ever taken in one window. */
    private static final class Log {
        private final QuotaUnit unit;
        private final QuotaWindow kind;
        private final long limit;
        private final List<Share> shares = new ArrayList<>();
        private long dayBeganNanos = Long.MIN_VALUE;

        private Log(QuotaUnit unit, QuotaWindow kind, long limit) {
            this.unit = unit;
            this.kind = kind;
            this.limit = limit;
        }

        private long need(long tokens) {
            return unit == QuotaUnit.REQUESTS ? 1 : Math.min(tokens, limit);
        }

        private long used(long now, long extraNanos) {
            // Those far in the past are forgotten after all, for speed.
            while (shares.size() > 1
                    && now - shares.get(0).nanos > Duration.ofDays(3).toNanos()) {
                shares.remove(0);
            }
            long used = 0;
            for (int i = shares.size() - 1; i >= 0; i--) {
                Share share = shares.get(i);
                boolean counts = kind == QuotaWindow.DAY
                        ? share.nanos >= dayBeganNanos
                        : now - share.nanos < MinuteWindow.LENGTH_NANOS + extraNanos;
                if (!counts) {
                    break;
                }
                used += share.amount;
            }
            return used;
        }

        private Share take(long now, long amount) {
            Share share = new Share(now, amount);
            shares.add(share);
            return share;
        }
    }

    private record Open(Reservation reservation, long tokens, List<Share> shares) {}

    private final Random random = new Random(42);
    private final Clocks clocks = new Clocks("2026-10-24T12:00:00Z");
    private final List<Log> logs = new ArrayList<>();
    private final List<Open> open = new ArrayList<>();
    private long now;
    private int admitted;
    private int refused;

    @ParameterizedTest
    @CsvSource({
        // seed, limits (0 for none), the zone, and how far time moves at a time, at most
        "1, 20, 0, 0, 0, UTC, PT5S",
        "2, 0, 0, 5000, 0, UTC, PT3S",
        "3, 50, 500, 10000, 60000, Europe/Berlin, PT2M",
        "4, 0, 30, 0, 9000, Asia/Kolkata, PT4H",
        "5, 300, 0, 30000, 0, UTC, PT0.2S",
        "6, 2000, 0, 700000, 0, UTC, PT0.01S",
        "7, 3, 40, 999, 5000, America/Havana, PT20M",
        "8, 1, 1, 1, 1, Pacific/Chatham, PT30S"
    })
    void a_quota_does_what_a_log_of_all_calls_says(
            long seed,
            long requestsPerMinute,
            long requestsPerDay,
            long tokensPerMinute,
            long tokensPerDay,
            ZoneId zone,
            Duration longest) {
        random.setSeed(seed);
        QuotaSettings.Builder settings = QuotaSettings.builder().zone(zone);
        if (requestsPerMinute > 0) {
            settings.requestsPerMinute(requestsPerMinute);
            logs.add(new Log(QuotaUnit.REQUESTS, QuotaWindow.MINUTE, requestsPerMinute));
        }
        if (requestsPerDay > 0) {
            settings.requestsPerDay(requestsPerDay);
            logs.add(new Log(QuotaUnit.REQUESTS, QuotaWindow.DAY, requestsPerDay));
        }
        if (tokensPerMinute > 0) {
            settings.tokensPerMinute(tokensPerMinute);
            logs.add(new Log(QuotaUnit.TOKENS, QuotaWindow.MINUTE, tokensPerMinute));
        }
        if (tokensPerDay > 0) {
            settings.tokensPerDay(tokensPerDay);
            logs.add(new Log(QuotaUnit.TOKENS, QuotaWindow.DAY, tokensPerDay));
        }
        Quota quota = clocks.quota(settings.build());
        long mostTokens = 1 + (tokensPerMinute > 0 ? tokensPerMinute : 1_000) / 5;

        for (int step = 0; step < STEPS; step++) {
            switch (random.nextInt(8)) {
                case 0, 1 -> advance(aTime(longest), zone);
                case 2, 3, 4 -> reserve(quota, tokens(mostTokens), zone);
                case 5 -> complete(Reservation::settle, Long.MIN_VALUE);
                case 6 -> {
                    long tokens = tokens(mostTokens);
                    complete(reservation -> reservation.settle(tokens), tokens);
                }
                default -> complete(Reservation::refund, -1);
            }
            compare(quota, step);
        }
        assertThat(admitted).as("calls let in").isGreaterThan(STEPS / 200);
        assertThat(refused).as("calls refused").isGreaterThan(STEPS / 200);
    }

    private long tokens(long most) {
        // Some need more than all there is.
        return random.nextInt(50) == 0 ? random.nextLong(10 * most) : random.nextLong(most);
    }

    private Duration aTime(Duration longest) {
        return Duration.ofNanos(
                switch (random.nextInt(6)) {
                    case 0 -> 1;
                    case 1 -> random.nextLong(2 * MinuteWindow.GRAIN_NANOS);
                    case 2 -> MinuteWindow.GRAIN_NANOS + random.nextInt(3) - 1;
                    default -> random.nextLong(longest.toNanos());
                });
    }

    private void advance(Duration duration, ZoneId zone) {
        LocalDate before = date(zone);
        clocks.advance(duration);
        now += duration.toNanos();
        if (!date(zone).equals(before)) {
            for (Log log : logs) {
                log.dayBeganNanos = now;
            }
        }
    }

    private LocalDate date(ZoneId zone) {
        Instant wall = clocks.instantSource().instant();
        return LocalDate.ofInstant(wall, zone);
    }

    private void reserve(Quota quota, long tokens, ZoneId zone) {
        boolean fitsNow = logs.stream().allMatch(log -> fits(log, tokens, 0));
        boolean fitsLater = logs.stream().allMatch(log -> fits(log, tokens, MinuteWindow.GRAIN_NANOS));
        assertThat(quota.refusal(tokens).isEmpty()).isEqualTo(wouldReserve(quota, tokens));
        Outcome outcome = quota.reserve(tokens);
        if (outcome instanceof Reservation reservation) {
            assertThat(fitsNow).as("never more than the limit").isTrue();
            admitted++;
            open.add(new Open(
                    reservation,
                    tokens,
                    logs.stream().map(log -> log.take(now, log.need(tokens))).toList()));
            return;
        }
        assertThat(fitsLater).as("never less than the limit").isFalse();
        refused++;
        if (random.nextInt(20) == 0) {
            waitUntilItFits(quota, tokens, (Refusal) outcome, zone);
        }
    }

    private static boolean wouldReserve(Quota quota, long tokens) {
        if (quota.reserve(tokens) instanceof Reservation reservation) {
            reservation.refund();
            return true;
        }
        return false;
    }

    private boolean fits(Log log, long tokens, long extraNanos) {
        return Math.max(1, log.need(tokens)) <= log.limit - log.used(now, extraNanos);
    }

    private void waitUntilItFits(Quota quota, long tokens, Refusal refusal, ZoneId zone) {
        // The wall clock is read in milliseconds.
        Duration tick = refusal.window() == QuotaWindow.DAY ? Duration.ofMillis(1) : Duration.ofNanos(1);
        advance(refusal.retryIn().minus(tick), zone);
        assertThat(quota.refusal(tokens)).as("a moment too early").isPresent();
        advance(tick, zone);
        assertThat(quota.refusal(tokens)).as("as soon as was said").isEmpty();
    }

    private interface Completion {
        void complete(Reservation reservation);
    }

    /** Completes one of those under way; sometimes one that was completed before. */
    private void complete(Completion completion, long used) {
        if (open.isEmpty()) {
            return;
        }
        int index = random.nextInt(open.size());
        Open one = open.get(index);
        completion.complete(one.reservation);
        if (used != Long.MIN_VALUE) {
            for (int i = 0; i < logs.size(); i++) {
                settle(logs.get(i), one.shares.get(i), one.tokens, used);
            }
        }
        if (random.nextInt(3) == 0) {
            one.reservation.settle(1_000_000);
            one.reservation.refund();
        }
        open.remove(index);
    }

    private void settle(Log log, Share share, long tokens, long used) {
        long reserved = log.need(tokens);
        long more = used < 0 ? -reserved : log.unit == QuotaUnit.REQUESTS ? 0 : used - reserved;
        if (more < 0) {
            share.amount += more;
        } else if (more > 0) {
            Share unused = log.take(now, more);
        }
    }

    private void compare(Quota quota, int step) {
        List<QuotaStatus> status = quota.status();
        double left = 1;
        boolean isNearlyUsedUp = false;
        for (int i = 0; i < logs.size(); i++) {
            Log log = logs.get(i);
            QuotaStatus shown = status.get(i);
            long atMost = log.used(now, log.kind == QuotaWindow.DAY ? 0 : MinuteWindow.GRAIN_NANOS);
            assertThat(shown.used()).as("step %d, window %d", step, i).isBetween(log.used(now, 0), atMost);
            left = Math.min(left, (double) shown.left() / shown.limit());
            isNearlyUsedUp |= 10 * shown.left() <= shown.limit();
        }
        assertThat(quota.left()).as("step %d", step).isEqualTo(left);
        assertThat(quota.isNearlyUsedUp()).as("step %d", step).isEqualTo(isNearlyUsedUp);
    }
}
