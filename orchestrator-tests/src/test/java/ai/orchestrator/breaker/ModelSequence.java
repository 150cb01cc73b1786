package ai.orchestrator.breaker;

import ai.orchestrator.breaker.ReferenceBreaker.Ticket;
import ai.orchestrator.testkit.ManualTimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * One random sequence of steps, taken by a circuit breaker and by its reference model alike and compared after each. The seed decides
 * everything, so a sequence can be repeated. Steps are kept as objects and put into words only when there is something to report.
 */
final class ModelSequence {

    /** What may happen in one step. */
    enum Kind {
        ACQUIRE,
        ACQUIRE_WITH_OWN_LEASE,
        COMPLETE,
        COMPLETE_STALE,
        CALL,
        RECORD_SUCCESS,
        RECORD_FAILURE,
        CAN_REQUEST,
        TIME,
        WALL_CLOCK_JUMP,
        RESET,
        FORCE_OPEN,
        DISABLE,
        MOVE_RESILIENCE4J,
        RECONFIGURE
    }

    /** What a run must have seen often enough to be worth something. */
    enum Event {
        OPENED_BY_FAILURES,
        OPENED_AGAIN_BY_A_TRIAL,
        OPENED_AGAIN_WITHOUT_A_PERMIT,
        CLOSED_BY_TRIALS,
        CLOSED_WITHOUT_A_PERMIT_WHILE_TRIALS_RAN,
        HALF_OPEN_BY_ACQUIRING,
        HALF_OPEN_BY_LOOKING,
        TWO_TRIALS_AT_ONCE,
        FOUR_TRIALS_AT_ONCE,
        REFUSED_IN_OPEN,
        REFUSED_IN_HALF_OPEN,
        REFUSED_IN_FORCED_OPEN,
        LATE_SUCCESS,
        LATE_FAILURE,
        LATE_RELEASE,
        LATE_IN_HALF_OPEN,
        LATE_BY_ITS_LEASE,
        TRIAL_COMPLETED_TWICE,
        SHARED_PERMIT_COMPLETED_TWICE,
        TRIAL_RELEASED,
        LEASE_EXPIRED,
        FAILURES_AGED_OUT,
        FAILURE_COUNTED_AFTER_OTHERS_AGED_OUT,
        A_NANOSECOND_BEFORE_THE_WAIT_ENDS,
        EXACTLY_WHEN_THE_WAIT_ENDS,
        A_NANOSECOND_AFTER_THE_WAIT_ENDS,
        A_NANOSECOND_BEFORE_A_FAILURE_AGES_OUT,
        EXACTLY_WHEN_A_FAILURE_AGES_OUT,
        A_NANOSECOND_AFTER_A_FAILURE_AGES_OUT,
        A_NANOSECOND_BEFORE_A_LEASE_ENDS,
        EXACTLY_WHEN_A_LEASE_ENDS,
        A_NANOSECOND_AFTER_A_LEASE_ENDS,
        NO_PERMIT_IN_CLOSED,
        NO_PERMIT_IN_OPEN,
        NO_PERMIT_IN_HALF_OPEN,
        NO_PERMIT_IN_FORCED_OPEN,
        NO_PERMIT_IN_DISABLED,
        CALL_ENDED_IN_ERROR,
        CALL_REFUSED,
        CALL_OVERTAKEN_BY_A_TRANSITION,
        RESET_IN_CLOSED,
        RESET_ELSEWHERE,
        FORCED_OPEN_FROM_CLOSED,
        FORCED_OPEN_FROM_OPEN,
        FORCED_OPEN_FROM_HALF_OPEN,
        FORCED_OPEN_FROM_DISABLED,
        FORCED_OPEN_ALREADY,
        DISABLED_ELSEWHERE,
        DISABLED_ALREADY,
        WALL_CLOCK_JUMPED,
        ADOPTED_CLOSED_IN_CLOSED,
        ADOPTED_CLOSED_ELSEWHERE,
        ADOPTED_OPEN,
        ADOPTED_HALF_OPEN_IN_HALF_OPEN,
        ADOPTED_HALF_OPEN_ELSEWHERE,
        ADOPTED_FORCED_OPEN_IN_FORCED_OPEN,
        ADOPTED_FORCED_OPEN_ELSEWHERE,
        ADOPTED_DISABLED_IN_DISABLED,
        ADOPTED_DISABLED_ELSEWHERE,
        ADOPTED_METRICS_ONLY,
        ADOPTED_THE_LAST_OF_SEVERAL_MOVES,
        ADOPTED_BY_AN_OPERATOR,
        RECONFIGURED_IN_CLOSED,
        RECONFIGURED_IN_OPEN,
        RECONFIGURED_IN_HALF_OPEN,
        RECONFIGURED_IN_FORCED_OPEN,
        RECONFIGURED_IN_DISABLED,
        CLOSED_BY_RECONFIGURING
    }

    /** How often each event was seen. */
    static final class Coverage {

        private final Map<Event, Long> counts = new EnumMap<>(Event.class);

        long count(Event event) {
            return counts.getOrDefault(event, 0L);
        }

        private void saw(Event event) {
            counts.merge(event, 1L, Long::sum);
        }
    }

    /** An answer that a call must hand through, whatever it is. */
    private static final Object ANSWER = new Object();

    private static final List<Throwable> THROWN = List.of(
            new IllegalStateException("down"),
            new AssertionError("an Error"),
            new StackOverflowError(),
            new CompletionException((Throwable) null));

    private static final long MILLI = 1_000_000;
    private static final long SECOND = 1_000 * MILLI;
    private static final long DEFAULT_LEASE = 600 * SECOND;
    private static final List<Long> TIMEOUTS =
            List.of(MILLI, 7 * MILLI + 3, 50 * MILLI, SECOND, 60 * SECOND, 365 * 86_400 * SECOND);
    private static final List<Long> WINDOWS = List.of(0L, 0L, MILLI, 20 * MILLI + 1, 50 * MILLI, SECOND, 60 * SECOND);
    private static final List<Long> LEASES = List.of(MILLI, 5 * MILLI + 7, 50 * MILLI, SECOND, 30 * SECOND);

    private static final List<Long> OWN_LEASES =
            List.of(1L, MILLI, 5 * MILLI + 7, 50 * MILLI, SECOND, 30 * SECOND, 365 * 86_400 * SECOND);

    /** What a caller may say that an attempt took. */
    private static final List<Duration> TOOK =
            List.of(Duration.ZERO, Duration.ofMillis(-5), Duration.ofMillis(1_234), Duration.ofSeconds(Long.MAX_VALUE));

    /** How likely each kind of step is, by the model's state; in the order of {@link Kind}. */
    private static final Map<String, int[]> WEIGHTS = Map.of(
            ReferenceBreaker.CLOSED, new int[] {20, 5, 34, 4, 9, 2, 6, 3, 16, 2, 1, 1, 1, 4, 3},
            ReferenceBreaker.OPEN, new int[] {16, 8, 0, 10, 6, 3, 3, 10, 38, 2, 2, 2, 1, 4, 3},
            ReferenceBreaker.HALF_OPEN, new int[] {26, 12, 24, 8, 6, 3, 2, 5, 18, 2, 1, 2, 1, 4, 8},
            ReferenceBreaker.FORCED_OPEN, new int[] {10, 3, 0, 8, 4, 3, 3, 4, 10, 2, 12, 6, 4, 16, 2},
            ReferenceBreaker.DISABLED, new int[] {16, 4, 20, 6, 6, 3, 3, 3, 10, 2, 12, 4, 3, 14, 2});

    /** What a landing a nanosecond before, at, or after an ending is; by the model's state. */
    private static final Map<String, List<Event>> ENDINGS = Map.of(
            ReferenceBreaker.OPEN,
            List.of(
                    Event.A_NANOSECOND_BEFORE_THE_WAIT_ENDS,
                    Event.EXACTLY_WHEN_THE_WAIT_ENDS,
                    Event.A_NANOSECOND_AFTER_THE_WAIT_ENDS),
            ReferenceBreaker.CLOSED,
            List.of(
                    Event.A_NANOSECOND_BEFORE_A_FAILURE_AGES_OUT,
                    Event.EXACTLY_WHEN_A_FAILURE_AGES_OUT,
                    Event.A_NANOSECOND_AFTER_A_FAILURE_AGES_OUT),
            ReferenceBreaker.HALF_OPEN,
            List.of(
                    Event.A_NANOSECOND_BEFORE_A_LEASE_ENDS,
                    Event.EXACTLY_WHEN_A_LEASE_ENDS,
                    Event.A_NANOSECOND_AFTER_A_LEASE_ENDS));

    private static final List<Kind> KINDS = List.of(Kind.values());

    /** What may happen while a call runs: anything but another call, which would only repeat the same. */
    private static final List<Kind> DURING_A_CALL = List.of(
            Kind.TIME,
            Kind.TIME,
            Kind.COMPLETE,
            Kind.RECORD_FAILURE,
            Kind.ACQUIRE,
            Kind.RESET,
            Kind.FORCE_OPEN,
            Kind.MOVE_RESILIENCE4J,
            Kind.RECONFIGURE);

    private static final EnumSet<Kind> BY_HAND =
            EnumSet.of(Kind.RESET, Kind.FORCE_OPEN, Kind.DISABLE, Kind.MOVE_RESILIENCE4J, Kind.RECONFIGURE);

    private final long seed;
    private final SplittableRandom random;
    private final Coverage coverage;
    private final CircuitBreakerSettings firstSettings;
    private final long startNanos;
    private final int length;

    /** Half of the sequences are left to themselves: by hand they would seldom get far into what a breaker does on its own. */
    private final boolean leftAlone;

    private final ManualTimeSource time;
    private final ReferenceBreaker model;
    private final ProviderCircuitBreaker breaker;
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private ReferenceBreaker.Settings modelSettings;
    private CircuitBreakerSettings settings;
    private CircuitBreaker resilience4j;
    private long now;
    private Instant wallClock = Instant.parse("2026-11-01T12:00:00Z");

    private final List<Held> held = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();
    private final List<String> differences = new ArrayList<>();
    private @Nullable Throwable unexpected;

    private String lastMove = "";
    private int movesToAdopt;
    private String watchedState = ReferenceBreaker.CLOSED;
    private ReferenceBreaker.Counters watchedCounters;
    private int watchedTrials;
    private int watchedAgedOut;

    /**
     * Prepares a sequence.
     *
     * @param seed decides settings and steps
     * @param newModel what to compare with
     * @param coverage told what was seen
     */
    ModelSequence(
            long seed, BiFunction<ReferenceBreaker.Settings, Instant, ReferenceBreaker> newModel, Coverage coverage) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.coverage = coverage;
        this.modelSettings = anySettings(oneOf(WINDOWS));
        this.settings = settings(modelSettings);
        this.firstSettings = settings;
        // Every fourth starts so late that the time source overflows on the way.
        this.startNanos = random.nextInt(4) == 0 ? Long.MAX_VALUE - random.nextLong(SECOND) : random.nextLong(SECOND);
        this.length = 40 + random.nextInt(21);
        this.leftAlone = random.nextBoolean();

        this.time = new ManualTimeSource(startNanos);
        this.model = newModel.apply(modelSettings, wallClock);
        this.watchedCounters = model.counters();
        this.breaker = ProviderCircuitBreaker.builder("model")
                .settings(settings)
                .timeSource(time)
                .instantSource(() -> wallClock)
                .registry(registry)
                .build();
        this.resilience4j = registry.circuitBreaker("model");
    }

    private ReferenceBreaker.Settings anySettings(long window) {
        return new ReferenceBreaker.Settings(
                1 + random.nextInt(6),
                oneOf(TIMEOUTS),
                1 + random.nextInt(6),
                window,
                random.nextInt(3) > 0 ? oneOf(LEASES) : DEFAULT_LEASE);
    }

    private static CircuitBreakerSettings settings(ReferenceBreaker.Settings model) {
        CircuitBreakerSettings.Builder builder = CircuitBreakerSettings.builder()
                .failureThreshold(model.failureThreshold())
                .timeoutDuration(Duration.ofNanos(model.timeout()))
                .successThreshold(model.successThreshold())
                .failureWindow(Duration.ofNanos(model.window()));
        if (model.lease() != DEFAULT_LEASE) {
            builder.trialLease(Duration.ofNanos(model.lease()));
        }
        return builder.build();
    }

    /**
     * Runs the sequence to its end or to the first difference.
     *
     * @return a report of the difference, or nothing
     */
    Optional<Difference> run() {
        while (steps.size() < length && differences.isEmpty()) {
            perform(nextKind(), false, oneOf(Observed.VALUES));
        }
        if (differences.isEmpty()) {
            compare(Observed.BOTH);
            same(
                    "toString()",
                    "CircuitBreaker(name='model', state=" + model.state().toLowerCase(Locale.ROOT) + ", failures="
                            + model.failureCount() + "/" + modelSettings.failureThreshold() + ")",
                    breaker.toString());
        }
        return differences.isEmpty() ? Optional.empty() : Optional.of(new Difference(report(), unexpected));
    }

    int stepsTaken() {
        return steps.size();
    }

    private Kind nextKind() {
        int[] weights = Objects.requireNonNull(WEIGHTS.get(model.state()));
        int sum = 0;
        for (int weight : weights) {
            sum += weight;
        }
        Kind kind;
        do {
            int pick = random.nextInt(sum);
            int place = 0;
            while (pick >= weights[place]) {
                pick -= weights[place];
                place++;
            }
            kind = KINDS.get(place);
        } while (leftAlone && BY_HAND.contains(kind));
        return kind;
    }

    private void perform(Kind wanted, boolean duringCall, Observed observed) {
        Kind kind = wanted;
        boolean stale = kind == Kind.COMPLETE_STALE;
        int permit = -1;
        if (kind == Kind.COMPLETE || stale) {
            permit = pickPermit(!stale);
            if (permit < 0) {
                kind = Kind.ACQUIRE;
            }
        }
        Step step = new Step(kind, now, duringCall, observed, permit);
        steps.add(step);
        try {
            take(step);
        } catch (Throwable e) {
            // Whatever the breaker throws where it must not is a difference like any other.
            unexpected = e;
            differs("the step", "returns", "threw " + e);
        }
        watch(step);
        if (differences.isEmpty()) {
            compare(observed);
        }
        step.shows(model);
    }

    private void take(Step step) {
        switch (step.kind) {
            case ACQUIRE -> acquire(step, breaker.tryAcquire(), modelSettings.lease());
            case ACQUIRE_WITH_OWN_LEASE -> {
                step.nanos = oneOf(OWN_LEASES);
                acquire(step, breaker.tryAcquire(Duration.ofNanos(step.nanos)), step.nanos);
            }
            case COMPLETE, COMPLETE_STALE -> complete(step);
            case CALL -> call(step);
            case RECORD_SUCCESS -> {
                breaker.recordSuccess();
                model.record(ReferenceBreaker.SUCCESS);
            }
            case RECORD_FAILURE -> {
                breaker.recordFailure();
                model.record(ReferenceBreaker.FAILURE);
            }
            case CAN_REQUEST -> {
                boolean expected = model.canRequest();
                step.outcome = admission(expected);
                same("canRequest()", expected, breaker.canRequest());
            }
            case TIME -> passTime(step);
            case WALL_CLOCK_JUMP -> {
                step.nanos = (random.nextBoolean() ? 3_600 : -3_600) * SECOND;
                wallClock = wallClock.plusNanos(step.nanos);
                model.timeIs(now, wallClock);
                coverage.saw(Event.WALL_CLOCK_JUMPED);
            }
            case RESET -> {
                breaker.reset();
                model.reset();
            }
            case FORCE_OPEN -> {
                breaker.forceOpen();
                model.forceOpen();
            }
            case DISABLE -> {
                breaker.disable();
                model.disable();
            }
            case MOVE_RESILIENCE4J -> moveResilience4j(step);
            case RECONFIGURE -> reconfigure(step);
        }
    }

    private void acquire(Step step, Acquisition acquisition, long lease) {
        Ticket ticket = model.acquire(lease);
        if (acquisition instanceof Acquisition.Permit permit && ticket != null) {
            step.permit = held.size();
            step.outcome = ticket.trial ? "a trial" : "admitted";
            held.add(new Held(permit, ticket));
        } else if (acquisition instanceof Acquisition.Refusal refusal && ticket == null) {
            step.outcome = admission(false);
            same("the refusal's state", model.state(), refusal.state().name());
            same("the refusal's timeUntilRetry", model.untilRetry(), nanos(refusal.timeUntilRetry()));
        } else {
            differs("the acquisition", admission(ticket != null), admission(acquisition instanceof Acquisition.Permit));
        }
    }

    private static String admission(boolean admitted) {
        return admitted ? "admitted" : "refused";
    }

    private void complete(Step step) {
        Held which = held.get(step.permit);
        // Failures close to each other open it; in HALF_OPEN many successes are needed to close it.
        int pick = random.nextInt(100);
        if (model.state().equals(ReferenceBreaker.HALF_OPEN)) {
            step.word = pick < 56
                    ? ReferenceBreaker.SUCCESS
                    : pick < 72 ? ReferenceBreaker.FAILURE : ReferenceBreaker.RELEASE;
        } else {
            step.word = pick < 14
                    ? ReferenceBreaker.SUCCESS
                    : pick < 80 ? ReferenceBreaker.FAILURE : ReferenceBreaker.RELEASE;
        }
        boolean detailed = random.nextBoolean();
        Duration took = oneOf(TOOK);
        switch (step.word) {
            case ReferenceBreaker.SUCCESS -> {
                if (detailed) {
                    which.permit.success(took);
                } else {
                    which.permit.success();
                }
            }
            case ReferenceBreaker.FAILURE -> {
                if (detailed) {
                    which.permit.failure(took, oneOf(THROWN));
                } else {
                    which.permit.failure();
                }
            }
            default -> which.permit.release();
        }
        which.completions++;
        model.complete(which.ticket, step.word);
    }

    private void call(Step step) {
        Throwable toThrow = random.nextInt(3) == 0 ? null : oneOf(THROWN);
        Kind meanwhile = oneOf(DURING_A_CALL);
        boolean interrupted = random.nextBoolean() && !(leftAlone && BY_HAND.contains(meanwhile));
        Observed observed = oneOf(Observed.VALUES);
        step.word = toThrow == null ? "answers" : toThrow.getClass().getSimpleName();
        Ticket[] ticket = new Ticket[1];
        boolean[] made = new boolean[1];
        Object answer = null;
        Throwable caught = null;
        try {
            answer = breaker.call(() -> {
                made[0] = true;
                ticket[0] = model.acquire(modelSettings.lease());
                step.outcome = admission(true);
                if (interrupted) {
                    perform(meanwhile, true, observed);
                }
                if (toThrow instanceof Error error) {
                    throw error;
                }
                if (toThrow != null) {
                    throw (RuntimeException) toThrow;
                }
                return ANSWER;
            });
        } catch (RuntimeException | Error e) {
            caught = e;
        }
        if (made[0]) {
            if (ticket[0] == null) {
                differs("the call", admission(false), admission(true));
                return;
            }
            same("what the call threw", toThrow, caught);
            same("what the call returned", toThrow == null ? ANSWER : null, answer);
            if (!model.isLive(ticket[0])) {
                coverage.saw(Event.CALL_OVERTAKEN_BY_A_TRANSITION);
            }
            model.complete(ticket[0], toThrow == null ? ReferenceBreaker.SUCCESS : ReferenceBreaker.FAILURE);
            if (toThrow instanceof Error) {
                coverage.saw(Event.CALL_ENDED_IN_ERROR);
            }
        } else {
            step.outcome = admission(false);
            coverage.saw(Event.CALL_REFUSED);
            if (model.acquire(modelSettings.lease()) != null) {
                differs("the call", admission(true), admission(false));
            } else if (caught instanceof CircuitOpenException refused) {
                same("the name in the exception", "model", refused.name());
                same("the exception's state", model.state(), refused.state().name());
                same("the exception's timeUntilRetry", model.untilRetry(), nanos(refused.timeUntilRetry()));
            } else {
                differs("what a refused call threw", "CircuitOpenException", caught);
            }
        }
    }

    private void passTime(Step step) {
        List<Long> endings = model.endings();
        long target = -1;
        if (!endings.isEmpty() && random.nextInt(100) < 75) {
            int offset = random.nextInt(3) - 1;
            target = oneOf(endings) + offset;
            step.outcome = offset < 0
                    ? "a nanosecond before an ending"
                    : offset == 0 ? "an ending" : "a nanosecond after an ending";
        }
        if (target <= now) {
            target = now + 1 + random.nextLong(random.nextBoolean() ? 4 * MILLI : 2 * modelSettings.timeout());
            step.outcome = "any time";
        }
        step.nanos = target - now;
        time.advance(Duration.ofNanos(step.nanos));
        now = target;
        wallClock = wallClock.plusNanos(step.nanos);
        model.timeIs(now, wallClock);
        for (long ending : endings) {
            long since = now - ending;
            if (Math.abs(since) <= 1) {
                List<Event> landings = Objects.requireNonNull(ENDINGS.get(model.state()));
                coverage.saw(landings.get((int) since + 1));
            }
        }
    }

    /** The window stays: under another one it would depend on chance which failures have been forgotten. */
    private void reconfigure(Step step) {
        do {
            modelSettings = anySettings(modelSettings.window());
        } while (settings(modelSettings).equals(settings));
        settings = settings(modelSettings);
        step.word = settings.toString();
        breaker.reconfigure(settings);
        model.reconfigure(modelSettings);
        resilience4j = registry.circuitBreaker("model");
    }

    private void moveResilience4j(Step step) {
        String from = model.resilience4jState();
        boolean metricsOnly = from.equals(ReferenceBreaker.METRICS_ONLY);
        List<String> targets = new ArrayList<>(List.of(
                ReferenceBreaker.CLOSED,
                ReferenceBreaker.FORCED_OPEN,
                ReferenceBreaker.DISABLED,
                ReferenceBreaker.METRICS_ONLY));
        // Resilience4j forbids some moves, and OPEN to OPEN can't be told from no move at all.
        if (!metricsOnly && !from.equals(ReferenceBreaker.OPEN)) {
            targets.add(ReferenceBreaker.OPEN);
        }
        if (!metricsOnly && !from.equals(ReferenceBreaker.CLOSED)) {
            targets.add(ReferenceBreaker.HALF_OPEN);
        }
        step.word = oneOf(targets);
        step.outcome = "transition";
        switch (step.word) {
            case ReferenceBreaker.CLOSED -> {
                if (random.nextBoolean()) {
                    step.outcome = "reset";
                    resilience4j.reset();
                } else {
                    resilience4j.transitionToClosedState();
                }
            }
            case ReferenceBreaker.OPEN -> resilience4j.transitionToOpenState();
            case ReferenceBreaker.HALF_OPEN -> resilience4j.transitionToHalfOpenState();
            case ReferenceBreaker.FORCED_OPEN -> resilience4j.transitionToForcedOpenState();
            case ReferenceBreaker.DISABLED -> resilience4j.transitionToDisabledState();
            default -> resilience4j.transitionToMetricsOnlyState();
        }
        model.moveResilience4j(step.word);
        lastMove = step.word;
        movesToAdopt++;
    }

    /** The place of a permit that is still good for something, or of one that is not; -1 if there is none. */
    private int pickPermit(boolean live) {
        int count = 0;
        int picked = -1;
        for (int i = 0; i < held.size(); i++) {
            if (model.isLive(held.get(i).ticket) == live) {
                count++;
                // Each of those seen so far is equally likely.
                if (random.nextInt(count) == 0) {
                    picked = i;
                }
            }
        }
        return picked;
    }

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    // Comparing.

    private void compare(Observed observed) {
        same("state()", model.state(), breaker.state().name());
        same(
                "Resilience4j's state",
                model.resilience4jState(),
                resilience4j.getState().name());
        if (observed != Observed.NOTHING) {
            model.observe();
        }
        if (observed == Observed.STATUS || observed == Observed.BOTH) {
            compareStatus(breaker.status());
        }
        if (observed == Observed.COUNTERS || observed == Observed.BOTH) {
            compareCounters(breaker.counters());
        }
    }

    private void compareStatus(CircuitBreakerStatus status) {
        same("name", "model", status.name());
        same("settings", settings, status.settings());
        same("state", model.state(), status.state().name());
        same("failureCount", model.failureCount(), status.failureCount());
        same("successCount", model.successCount(), status.successCount());
        same(
                "lastFailureTime",
                model.lastFailureTime(),
                status.lastFailureTime().orElse(null));
        same("openedAt", model.openedAt(), status.openedAt().orElse(null));
        same("timeSinceOpened", model.sinceOpened(), nanos(status.timeSinceOpened()));
        same("timeUntilRetry", model.untilRetry(), nanos(status.timeUntilRetry()));
    }

    private void compareCounters(CircuitBreakerCounters counters) {
        ReferenceBreaker.Counters expected = model.counters();
        same("counters().successes()", expected.successes(), counters.successes());
        same("counters().failures()", expected.failures(), counters.failures());
        same("counters().released()", expected.released(), counters.released());
        same("counters().lateResults()", expected.lateResults(), counters.lateResults());
        same("counters().refusals()", expected.refusals(), counters.refusals());
        same("counters().openings()", expected.openings(), counters.openings());
        same("counters().expiredLeases()", expected.expiredLeases(), counters.expiredLeases());
    }

    private static @Nullable Long nanos(Optional<Duration> duration) {
        return duration.isEmpty() ? null : Long.valueOf(duration.get().toNanos());
    }

    private void same(String what, @Nullable Object expected, @Nullable Object actual) {
        if (!Objects.equals(expected, actual)) {
            differs(what, expected, actual);
        }
    }

    private void differs(String what, @Nullable Object expected, @Nullable Object actual) {
        differences.add(
                what + ": the model says " + expected + ", the breaker " + actual + " (step " + steps.size() + ")");
    }

    // Watching what was seen.

    /** Tells from what changed since the last look which events the step was. */
    private void watch(Step step) {
        String from = watchedState;
        String to = model.state();
        boolean adopted = movesToAdopt > 0 && !model.hasMoveToAdopt();
        if (adopted) {
            watchAdoption(step, from);
            movesToAdopt = 0;
        }
        boolean byPermit = step.kind == Kind.COMPLETE || step.kind == Kind.COMPLETE_STALE || step.kind == Kind.CALL;
        boolean noPermit = step.kind == Kind.RECORD_SUCCESS || step.kind == Kind.RECORD_FAILURE;
        ReferenceBreaker.Counters counters = model.counters();

        if (counters.openings() > watchedCounters.openings()) {
            boolean again = from.equals(ReferenceBreaker.HALF_OPEN);
            coverage.saw(
                    !again
                            ? Event.OPENED_BY_FAILURES
                            : byPermit ? Event.OPENED_AGAIN_BY_A_TRIAL : Event.OPENED_AGAIN_WITHOUT_A_PERMIT);
        }
        if (from.equals(ReferenceBreaker.HALF_OPEN) && to.equals(ReferenceBreaker.CLOSED) && !adopted) {
            if (byPermit) {
                coverage.saw(Event.CLOSED_BY_TRIALS);
            } else if (step.kind == Kind.RECONFIGURE) {
                coverage.saw(Event.CLOSED_BY_RECONFIGURING);
            } else if (step.kind == Kind.RECORD_SUCCESS && watchedTrials > 0) {
                coverage.saw(Event.CLOSED_WITHOUT_A_PERMIT_WHILE_TRIALS_RAN);
            }
        }
        if (from.equals(ReferenceBreaker.OPEN) && to.equals(ReferenceBreaker.HALF_OPEN) && !adopted) {
            coverage.saw(step.kind == Kind.CAN_REQUEST ? Event.HALF_OPEN_BY_LOOKING : Event.HALF_OPEN_BY_ACQUIRING);
        }
        if (model.trialsInFlight() > watchedTrials && watchedTrials >= 1) {
            coverage.saw(watchedTrials >= 3 ? Event.FOUR_TRIALS_AT_ONCE : Event.TWO_TRIALS_AT_ONCE);
        }
        if (counters.refusals() > watchedCounters.refusals()) {
            switch (to) {
                case ReferenceBreaker.OPEN -> coverage.saw(Event.REFUSED_IN_OPEN);
                case ReferenceBreaker.HALF_OPEN -> coverage.saw(Event.REFUSED_IN_HALF_OPEN);
                default -> coverage.saw(Event.REFUSED_IN_FORCED_OPEN);
            }
        }
        if (counters.expiredLeases() > watchedCounters.expiredLeases()) {
            coverage.saw(Event.LEASE_EXPIRED);
        }
        int agedOut = model.failuresAgedOut();
        if (agedOut > watchedAgedOut) {
            coverage.saw(Event.FAILURES_AGED_OUT);
        }
        if (agedOut > 0 && counters.failures() > watchedCounters.failures()) {
            coverage.saw(Event.FAILURE_COUNTED_AFTER_OTHERS_AGED_OUT);
        }
        if (step.kind == Kind.COMPLETE || step.kind == Kind.COMPLETE_STALE) {
            watchCompletion(step, counters);
        }
        if (noPermit && !adopted) {
            coverage.saw(
                    switch (from) {
                        case ReferenceBreaker.CLOSED -> Event.NO_PERMIT_IN_CLOSED;
                        case ReferenceBreaker.OPEN -> Event.NO_PERMIT_IN_OPEN;
                        case ReferenceBreaker.HALF_OPEN -> Event.NO_PERMIT_IN_HALF_OPEN;
                        case ReferenceBreaker.FORCED_OPEN -> Event.NO_PERMIT_IN_FORCED_OPEN;
                        default -> Event.NO_PERMIT_IN_DISABLED;
                    });
        }
        if (!adopted) {
            watchOperator(step, from);
        }

        watchedState = to;
        watchedCounters = counters;
        watchedTrials = model.trialsInFlight();
        watchedAgedOut = agedOut;
    }

    private void watchAdoption(Step step, String from) {
        switch (lastMove) {
            case ReferenceBreaker.CLOSED ->
                coverage.saw(
                        from.equals(ReferenceBreaker.CLOSED)
                                ? Event.ADOPTED_CLOSED_IN_CLOSED
                                : Event.ADOPTED_CLOSED_ELSEWHERE);
            case ReferenceBreaker.OPEN -> coverage.saw(Event.ADOPTED_OPEN);
            case ReferenceBreaker.HALF_OPEN ->
                coverage.saw(
                        from.equals(ReferenceBreaker.HALF_OPEN)
                                ? Event.ADOPTED_HALF_OPEN_IN_HALF_OPEN
                                : Event.ADOPTED_HALF_OPEN_ELSEWHERE);
            case ReferenceBreaker.FORCED_OPEN ->
                coverage.saw(
                        from.equals(ReferenceBreaker.FORCED_OPEN)
                                ? Event.ADOPTED_FORCED_OPEN_IN_FORCED_OPEN
                                : Event.ADOPTED_FORCED_OPEN_ELSEWHERE);
            case ReferenceBreaker.DISABLED ->
                coverage.saw(
                        from.equals(ReferenceBreaker.DISABLED)
                                ? Event.ADOPTED_DISABLED_IN_DISABLED
                                : Event.ADOPTED_DISABLED_ELSEWHERE);
            default -> coverage.saw(Event.ADOPTED_METRICS_ONLY);
        }
        if (movesToAdopt > 1) {
            coverage.saw(Event.ADOPTED_THE_LAST_OF_SEVERAL_MOVES);
        }
        if (step.kind == Kind.RESET || step.kind == Kind.FORCE_OPEN || step.kind == Kind.DISABLE) {
            coverage.saw(Event.ADOPTED_BY_AN_OPERATOR);
        }
    }

    private void watchCompletion(Step step, ReferenceBreaker.Counters counters) {
        Held which = held.get(step.permit);
        boolean late = counters.lateResults() > watchedCounters.lateResults();
        if (late) {
            switch (step.word) {
                case ReferenceBreaker.SUCCESS -> coverage.saw(Event.LATE_SUCCESS);
                case ReferenceBreaker.FAILURE -> coverage.saw(Event.LATE_FAILURE);
                default -> coverage.saw(Event.LATE_RELEASE);
            }
            if (model.state().equals(ReferenceBreaker.HALF_OPEN)) {
                coverage.saw(which.ticket.expired ? Event.LATE_BY_ITS_LEASE : Event.LATE_IN_HALF_OPEN);
            }
        }
        if (which.completions > 1) {
            if (which.ticket.trial) {
                coverage.saw(Event.TRIAL_COMPLETED_TWICE);
            } else if (!late) {
                coverage.saw(Event.SHARED_PERMIT_COMPLETED_TWICE);
            }
        }
        if (which.ticket.trial && counters.released() > watchedCounters.released()) {
            coverage.saw(Event.TRIAL_RELEASED);
        }
    }

    private void watchOperator(Step step, String from) {
        switch (step.kind) {
            case RESET ->
                coverage.saw(from.equals(ReferenceBreaker.CLOSED) ? Event.RESET_IN_CLOSED : Event.RESET_ELSEWHERE);
            case FORCE_OPEN ->
                coverage.saw(
                        switch (from) {
                            case ReferenceBreaker.CLOSED -> Event.FORCED_OPEN_FROM_CLOSED;
                            case ReferenceBreaker.OPEN -> Event.FORCED_OPEN_FROM_OPEN;
                            case ReferenceBreaker.HALF_OPEN -> Event.FORCED_OPEN_FROM_HALF_OPEN;
                            case ReferenceBreaker.DISABLED -> Event.FORCED_OPEN_FROM_DISABLED;
                            default -> Event.FORCED_OPEN_ALREADY;
                        });
            case RECONFIGURE -> coverage.saw(Event.valueOf("RECONFIGURED_IN_" + from));
            case DISABLE ->
                coverage.saw(
                        from.equals(ReferenceBreaker.DISABLED) ? Event.DISABLED_ALREADY : Event.DISABLED_ELSEWHERE);
            default -> {
                // The others are no operator's.
            }
        }
    }

    // Reporting.

    private String report() {
        StringBuilder report = new StringBuilder();
        report.append("breaker and reference model differ\n");
        for (String difference : differences) {
            report.append("  ").append(difference).append('\n');
        }
        report.append("replay: mvn -o -B -Dquick -pl orchestrator-tests -am test -Dtest=CircuitBreakerModelTest")
                .append(" -Dsurefire.failIfNoSpecifiedTests=false -Dorchestrator.model.seed=")
                .append(seed)
                .append(" -Dorchestrator.model.sequences=1\n");
        report.append("settings: ")
                .append(firstSettings)
                .append(", the time source starts at ")
                .append(startNanos)
                .append('\n');
        report.append("steps (after each, what the model shows and what the breaker was asked for):\n");
        for (int i = 0; i < steps.size(); i++) {
            report.append(String.format(Locale.ROOT, "%3d. %s%n", i + 1, steps.get(i)));
        }
        return report.toString();
    }

    private static String seconds(long nanos) {
        return String.format(
                Locale.ROOT, "%s%d.%09d s", nanos < 0 ? "-" : "", Math.abs(nanos / SECOND), Math.abs(nanos % SECOND));
    }

    /** What differed, in words. */
    record Difference(String report, @Nullable Throwable cause) {}

    /** What the breaker is asked for after a step: asking makes it notice what it has not noticed yet. */
    private enum Observed {
        NOTHING,
        STATUS,
        COUNTERS,
        BOTH;

        private static final List<Observed> VALUES = List.of(values());
    }

    /** The same permit, twice. */
    private static final class Held {

        private final Acquisition.Permit permit;
        private final Ticket ticket;
        private int completions;

        private Held(Acquisition.Permit permit, Ticket ticket) {
            this.permit = permit;
            this.ticket = ticket;
        }
    }

    private static final class Step {

        private final Kind kind;
        private final long at;
        private final boolean duringCall;
        private final Observed observed;

        private int permit;
        private long nanos;
        private String word = "";
        private String outcome = "";

        private String state = "";
        private String resilience4jState = "";
        private int failures;
        private int successes;
        private int trials;

        private Step(Kind kind, long at, boolean duringCall, Observed observed, int permit) {
            this.kind = kind;
            this.at = at;
            this.duringCall = duringCall;
            this.observed = observed;
            this.permit = permit;
        }

        private void shows(ReferenceBreaker model) {
            state = model.state();
            resilience4jState = model.resilience4jState();
            failures = model.failureCount();
            successes = model.successCount();
            trials = model.trialsInFlight();
        }

        @Override
        public String toString() {
            String what = switch (kind) {
                case ACQUIRE -> "acquire" + acquired();
                case ACQUIRE_WITH_OWN_LEASE -> "acquire with a lease of " + seconds(nanos) + acquired();
                case COMPLETE -> "permit " + permit + ": " + word;
                case COMPLETE_STALE -> "permit " + permit + ", no longer good for anything: " + word;
                case CALL -> "call that ends in " + word + ": " + outcome;
                case RECORD_SUCCESS -> "record a success without a permit";
                case RECORD_FAILURE -> "record a failure without a permit";
                case CAN_REQUEST -> "ask whether a request can be made: " + outcome;
                case TIME -> "let " + seconds(nanos) + " pass, to " + outcome;
                case WALL_CLOCK_JUMP -> "the wall clock jumps by " + seconds(nanos);
                case RESET -> "reset";
                case FORCE_OPEN -> "force open";
                case DISABLE -> "disable";
                case RECONFIGURE -> "go by " + word;
                case MOVE_RESILIENCE4J -> "move the Resilience4j breaker to " + word + " by " + outcome;
            };
            return String.format(
                    Locale.ROOT,
                    "at %s: %s%s -> %s, failures %d, successes %d, trials %d, Resilience4j %s; asked: %s",
                    seconds(at),
                    duringCall ? "during the call, " : "",
                    what,
                    state,
                    failures,
                    successes,
                    trials,
                    resilience4jState,
                    observed.name().toLowerCase(Locale.ROOT));
        }

        private String acquired() {
            return ": " + outcome + (permit < 0 ? "" : ", permit " + permit);
        }
    }
}
