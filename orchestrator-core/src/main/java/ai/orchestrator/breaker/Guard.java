package ai.orchestrator.breaker;

import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.breaker.Resilience4jMirror.Result;
import ai.orchestrator.breaker.Resilience4jMirror.Step;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides who may call, and when the state changes.
 *
 * <p>The state is one object, replaced whole; its identity is the generation. A result carries the object that its call started in, so a late
 * one is known by comparing identities, as in SmallRye Fault Tolerance. What happens on the way of a healthy call, acquiring and
 * succeeding while closed, reads the state without a lock and allocates nothing. All else is decided under one short lock, under which
 * nothing foreign runs but the two clocks. What follows from a decision for Resilience4j, the log and the listeners is noted under the lock,
 * so in order, and done after it.
 */
final class Guard {

    private static final Logger logger = LoggerFactory.getLogger(ProviderCircuitBreaker.class);

    /**
     * How many steps may wait for Resilience4j, whose consumers may block. Beyond that its counts are given up, and it is
     * only brought to the right state.
     */
    static final int MAX_PENDING = 1_000;

    private final String name;

    /** Written under the lock, as the next one. */
    private volatile CircuitBreakerSettings settings;

    private volatile long timeoutNanos;
    private volatile long leaseNanos;
    private final TimeSource timeSource;
    private final InstantSource instantSource;
    private final Resilience4jMirror mirror;
    private final @Nullable ListenerQueue listeners;
    private final @Nullable CircuitBreakerMeters meters;

    private final LongAdder refusals = new LongAdder();

    /** Guards the writing of the state, and all that follows. */
    private final ReentrantLock lock = new ReentrantLock();

    private volatile State state;
    private final FailureTimes failures;
    private @Nullable Instant lastFailureTime;
    private final ArrayDeque<Step> pending = new ArrayDeque<>(2);
    private final List<Runnable> unsaid = new ArrayList<>(1);
    private boolean applying;
    private long settledSuccesses;
    private long settledFailures;
    private long released;
    private long lateResults;
    private long openings;
    private long expiredLeases;

    private record Moment(long nanoTime, Instant time) {}

    Guard(
            String name,
            CircuitBreakerSettings settings,
            TimeSource timeSource,
            InstantSource instantSource,
            Resilience4jMirror mirror,
            @Nullable ListenerQueue listeners,
            @Nullable CircuitBreakerMeters meters) {
        this.name = name;
        this.settings = settings;
        this.timeoutNanos = settings.timeoutDuration().toNanos();
        this.leaseNanos = leaseNanos(settings);
        this.failures = new FailureTimes(
                settings.failureThreshold(), settings.failureWindow().toNanos());
        this.timeSource = timeSource;
        this.instantSource = instantSource;
        this.mirror = mirror;
        this.listeners = listeners;
        this.meters = meters;
        this.state = new Closed();
        mirror.accept(CircuitBreaker.State.CLOSED, state);
    }

    // ---- What a caller asks

    private static long leaseNanos(CircuitBreakerSettings settings) {
        return settings.trialLease()
                .orElse(CircuitBreakerSettings.DEFAULT_TRIAL_LEASE)
                .toNanos();
    }

    Acquisition tryAcquire() {
        return tryAcquire(leaseNanos);
    }

    Acquisition tryAcquire(long leaseNanos) {
        if (mirror.moved()) {
            adoptMove();
        }
        return state.acquire(leaseNanos);
    }

    boolean canRequest() {
        if (mirror.moved()) {
            adoptMove();
        }
        if (state instanceof Admitting) {
            return true;
        }
        lock.lock();
        try {
            adopt();
            long now = timeSource.nanoTime();
            endWait(now);
            boolean allowed =
                    state instanceof Admitting || (state instanceof HalfOpen halfOpen && halfOpen.hasRoom(now));
            if (!allowed) {
                refusals.increment();
            }
            return allowed;
        } finally {
            unlock();
        }
    }

    /** What {@link #tryAcquire} would refuse with now; takes nothing, moves nothing and counts nothing. */
    Optional<Refusal> refusal() {
        if (state instanceof Admitting && !mirror.moved()) {
            return Optional.empty();
        }
        lock.lock();
        try {
            adopt();
            long now = timeSource.nanoTime();
            boolean allowed = state instanceof Admitting
                    || (state instanceof Open open && !open.refusesAt(now))
                    || (state instanceof HalfOpen halfOpen && halfOpen.hasRoom(now));
            return allowed ? Optional.empty() : Optional.of((Refusing) state);
        } finally {
            unlock();
        }
    }

    /** A result without a token counts in the state in which it arrives. */
    void record(@Nullable Throwable failure) {
        if (failure == null && state instanceof Closed closed && succeedStraight(closed, Token.NOT_MEASURED)) {
            return;
        }
        lock.lock();
        try {
            adopt();
            state.record(new Result(0, failure));
        } finally {
            unlock();
        }
    }

    CircuitState kind() {
        return state.kind;
    }

    CircuitBreakerStatus status() {
        lock.lock();
        try {
            long now = timeSource.nanoTime();
            State current = state;
            if (current instanceof HalfOpen halfOpen) {
                halfOpen.expireLeases(now);
            }
            Optional<Moment> opening = Optional.ofNullable(current.opening());
            return new CircuitBreakerStatus(
                    name,
                    current.kind,
                    failureCount(now),
                    current instanceof HalfOpen halfOpen ? halfOpen.successes : 0,
                    settings,
                    Optional.ofNullable(lastFailureTime),
                    opening.map(Moment::time),
                    opening.map(opened -> Duration.ofNanos(now - opened.nanoTime())),
                    current instanceof Open open ? open.timeUntilRetry(now) : Optional.empty());
        } finally {
            unlock();
        }
    }

    CircuitBreakerCounters counters() {
        lock.lock();
        try {
            if (state instanceof HalfOpen halfOpen) {
                halfOpen.expireLeases(timeSource.nanoTime());
            }
            return new CircuitBreakerCounters(
                    mirror.straightSuccesses() + settledSuccesses,
                    settledFailures,
                    released,
                    lateResults,
                    refusals.sum(),
                    openings,
                    expiredLeases);
        } finally {
            unlock();
        }
    }

    CircuitBreakerSettings settings() {
        return settings;
    }

    // ---- What an operator decides

    /**
     * Goes by other settings from now on.
     *
     * @param successor a Resilience4j breaker that has them, of no use if the one that follows now does
     */
    void reconfigure(CircuitBreakerSettings changed, CircuitBreaker successor) {
        lock.lock();
        try {
            adopt();
            CircuitBreakerSettings before = settings;
            settings = changed;
            timeoutNanos = changed.timeoutDuration().toNanos();
            leaseNanos = leaseNanos(changed);
            failures.resize(changed.failureThreshold(), changed.failureWindow().toNanos());
            unsaid.add(() -> logger.info("Circuit breaker '{}' goes by {} from now on", name, changed));
            if (Resilience4jMirror.needsAnother(before, changed)) {
                follow(Step.replace(state, state.mirrored, successor));
            }
            if (state instanceof HalfOpen halfOpen) {
                halfOpen.closeIfWell(null);
            }
        } finally {
            unlock();
        }
    }

    void reset() {
        lock.lock();
        try {
            adopt();
            Closed closed = new Closed();
            become(closed, Step.reset(closed), () -> logger.info("{} was reset", closed));
        } finally {
            unlock();
        }
    }

    void forceOpen() {
        lock.lock();
        try {
            adopt();
            if (!(state instanceof ForcedOpen)) {
                ForcedOpen forced = new ForcedOpen(now(), failureCount(timeSource.nanoTime()));
                become(
                        forced,
                        Step.override(forced, forced.mirrored),
                        () -> logger.info("{} was forced open by an operator", forced));
            }
        } finally {
            unlock();
        }
    }

    void disable() {
        lock.lock();
        try {
            adopt();
            if (!(state instanceof Disabled)) {
                Disabled disabled = new Disabled(CircuitBreaker.State.DISABLED);
                become(
                        disabled,
                        Step.override(disabled, disabled.mirrored),
                        () -> logger.info("{} was disabled by an operator", disabled));
            }
        } finally {
            unlock();
        }
    }

    // ---- Decisions. All of this runs under the lock, but for what says otherwise.

    private void become(State next, @Nullable Step step, Runnable log) {
        if (listeners != null && state.kind != next.kind) {
            // Before anything is changed, because it asks a clock, which may fail.
            listeners.add(new CircuitTransition(name, state.kind, next.kind, instantSource.instant()));
        }
        // Before the failures are cleared, so that a straight success that finds none for that reason finds itself
        // late.
        state = next;
        failures.clear();
        if (next instanceof Admitting) {
            lastFailureTime = null;
        }
        follow(step, log);
    }

    /** Leaves something to be done when the lock is free again. */
    private void follow(@Nullable Step step, Runnable log) {
        unsaid.add(log);
        if (step != null) {
            follow(step);
        }
    }

    private void follow(Step step) {
        pending.add(step);
        if (pending.size() <= MAX_PENDING) {
            return;
        }
        CircuitBreaker successor = null;
        for (Step given : pending) {
            if (given.successor != null) {
                // The last one has all settings that were changed.
                successor = given.successor;
            }
        }
        pending.clear();
        pending.add(Step.afresh(state, state.mirrored, successor));
        unsaid.add(() -> logger.warn("{}: Resilience4j fell behind and misses {} results", name, MAX_PENDING));
    }

    /** Takes over what another hand did to the Resilience4j breaker, unless it is just being moved by our own. */
    private void adopt() {
        if (applying || !pending.isEmpty() || !mirror.moved()) {
            return;
        }
        CircuitBreaker.State moved = mirror.delegate().getState();
        int count = failureCount(timeSource.nanoTime());
        State adopted = switch (moved) {
            case CLOSED -> new Closed();
            case OPEN -> new Open(now(), count);
            case HALF_OPEN -> new HalfOpen(state.opening(), count);
            case FORCED_OPEN -> new ForcedOpen(now(), count);
            case DISABLED, METRICS_ONLY -> new Disabled(moved);
        };
        mirror.accept(moved, adopted);
        become(adopted, null, () -> logger.info("{} was moved by an operator, by way of Resilience4j", adopted));
    }

    /** The wait is over at its very end, not a moment later (B5). */
    private void endWait(long now) {
        if (state instanceof Open open && !open.refusesAt(now)) {
            HalfOpen halfOpen = new HalfOpen(open.opening(), open.failureCount);
            become(
                    halfOpen,
                    Step.to(halfOpen, halfOpen.mirrored, null),
                    () -> logger.info("{} lets trials through", halfOpen));
        }
    }

    private void open(Moment opening, int failureCount, Result result, Runnable warning) {
        Open open = new Open(opening, failureCount);
        become(open, Step.to(open, open.mirrored, result), () -> {
            warning.run();
            logger.error("{} opened; next try in {}", open, Durations.text(settings.timeoutDuration()));
        });
        openings++;
    }

    private Moment now() {
        return new Moment(timeSource.nanoTime(), instantSource.instant());
    }

    private int failureCount(long now) {
        if (state instanceof Closed) {
            return failures.countAt(now);
        }
        return state instanceof Refusing refusing ? refusing.failureCount : 0;
    }

    /** Not under the lock. */
    private Acquisition admit(long leaseNanos) {
        lock.lock();
        try {
            adopt();
            long now = timeSource.nanoTime();
            endWait(now);
            if (state instanceof HalfOpen halfOpen && halfOpen.hasRoom(now)) {
                return halfOpen.admit(now, leaseNanos);
            }
            if (state instanceof Refusing refusing) {
                return refuse(refusing);
            }
            return (Admitting) state;
        } finally {
            unlock();
        }
    }

    /** Under the lock or not. */
    private Refusal refuse(Refusing refusing) {
        refusals.increment();
        return refusing;
    }

    // ---- Results. Not under the lock.

    /**
     * The way of a healthy call.
     *
     * @return false if there is more to it, and nothing was done
     */
    private boolean succeedStraight(Closed closed, long tookNanos) {
        if (state != closed || !failures.isEmpty() || !mirror.reflects(closed) || mirror.moved()) {
            return false;
        }
        mirror.begin();
        if (state != closed) {
            mirror.giveUp();
            applySteps();
            return false;
        }
        try {
            mirror.success(Math.max(0, tookNanos));
        } finally {
            mirror.end();
            if (state != closed) {
                // The step to the state after it may have waited for this one.
                applySteps();
            }
        }
        measure(null, false, tookNanos);
        return true;
    }

    private void settle(Admitting token, long tookNanos, @Nullable Throwable failure) {
        boolean late;
        lock.lock();
        try {
            adopt();
            late = state != token;
            if (late) {
                lateResults++;
            } else {
                token.record(new Result(Math.max(0, tookNanos), failure));
            }
        } finally {
            unlock();
        }
        settled(late, tookNanos, failure);
    }

    private void settle(Trial trial, long tookNanos, @Nullable Throwable failure) {
        boolean late;
        lock.lock();
        try {
            adopt();
            if (trial.completed) {
                return;
            }
            late = !trial.finish();
            if (late) {
                lateResults++;
            } else {
                trial.halfOpen.record(new Result(Math.max(0, tookNanos), failure));
            }
        } finally {
            unlock();
        }
        settled(late, tookNanos, failure);
    }

    private void settled(boolean late, long tookNanos, @Nullable Throwable failure) {
        if (late) {
            logger.debug("{}: a late {} changes nothing", name, failure == null ? "success" : "failure");
        }
        measure(failure, late, tookNanos);
    }

    private void measure(@Nullable Throwable failure, boolean late, long tookNanos) {
        if (meters != null && tookNanos != Token.NOT_MEASURED) {
            meters.record(failure == null, late, tookNanos);
        }
    }

    private void release(Admitting token) {
        lock.lock();
        try {
            adopt();
            countRelease(state == token);
        } finally {
            unlock();
        }
    }

    private void release(Trial trial) {
        lock.lock();
        try {
            adopt();
            if (!trial.completed) {
                countRelease(trial.finish());
            }
        } finally {
            unlock();
        }
    }

    /** Under the lock. */
    private void countRelease(boolean inTime) {
        if (inTime) {
            released++;
        } else {
            lateResults++;
        }
    }

    // ---- What follows from a decision. Not under the lock.

    private void adoptMove() {
        lock.lock();
        try {
            adopt();
        } finally {
            unlock();
        }
    }

    private void unlock() {
        List<Runnable> said = unsaid.isEmpty() ? List.of() : List.copyOf(unsaid);
        unsaid.clear();
        boolean more = !pending.isEmpty();
        lock.unlock();
        said.forEach(Runnable::run);
        if (listeners != null) {
            listeners.deliver();
        }
        if (more) {
            applySteps();
        }
    }

    /** One thread applies at a time; another one's steps are left to it. A Resilience4j consumer that calls back is such another. */
    private void applySteps() {
        Step next;
        while ((next = takeStep()) != null) {
            try {
                mirror.apply(next);
            } catch (RuntimeException e) {
                // From a time source that fails: what was decided stands.
                logger.warn("{}: Resilience4j could not follow", name, e);
            } finally {
                stepApplied();
            }
        }
    }

    private @Nullable Step takeStep() {
        lock.lock();
        try {
            Step next = applying ? null : pending.peek();
            if (next == null || mirror.mustWait(next)) {
                return null;
            }
            pending.remove();
            applying = true;
            return next;
        } finally {
            lock.unlock();
        }
    }

    private void stepApplied() {
        lock.lock();
        try {
            applying = false;
        } finally {
            lock.unlock();
        }
    }

    static String describe(String name, CircuitState state, int failures, int threshold) {
        return "CircuitBreaker(name='" + name + "', state=" + state.key() + ", failures=" + failures + "/" + threshold
                + ")";
    }

    // ---- States

    private abstract static sealed class State {

        final CircuitState kind;
        final CircuitBreaker.State mirrored;

        State(CircuitState kind, CircuitBreaker.State mirrored) {
            this.kind = kind;
            this.mirrored = mirrored;
        }

        /** Not under the lock. */
        abstract Acquisition acquire(long leaseNanos);

        /** Takes note of a result that belongs here. Under the lock. */
        abstract void record(Result result);

        abstract @Nullable Moment opening();
    }

    /** Lets every call through, and is itself the permit of each. */
    private abstract sealed class Admitting extends State implements Token {

        Admitting(CircuitState kind, CircuitBreaker.State mirrored) {
            super(kind, mirrored);
        }

        @Override
        final Acquisition acquire(long leaseNanos) {
            return this;
        }

        @Override
        final @Nullable Moment opening() {
            return null;
        }

        @Override
        public void succeed(long tookNanos) {
            settle(this, tookNanos, null);
        }

        @Override
        public final void fail(long tookNanos, Throwable cause) {
            settle(this, tookNanos, cause);
        }

        @Override
        public final void release() {
            Guard.this.release(this);
        }

        @Override
        public final String toString() {
            return describe(name, kind, 0, settings.failureThreshold());
        }
    }

    private final class Closed extends Admitting {

        Closed() {
            super(CircuitState.CLOSED, CircuitBreaker.State.CLOSED);
        }

        @Override
        public void succeed(long tookNanos) {
            if (!succeedStraight(this, tookNanos)) {
                super.succeed(tookNanos);
            }
        }

        @Override
        void record(Result result) {
            if (result.failure() == null) {
                recordSuccess(result);
            } else {
                recordFailure(result);
            }
        }

        private void recordSuccess(Result result) {
            settledSuccesses++;
            if (!failures.isEmpty()) {
                unsaid.add(() -> logger.debug("{}: the failure count is back to 0", name));
            }
            failures.clear();
            lastFailureTime = null;
            follow(Step.to(this, mirrored, result));
        }

        private void recordFailure(Result result) {
            Moment now = now();
            if (failures.forgetOld(now.nanoTime())) {
                // Resilience4j knows no age; without this it would trip before the guard (B4).
                follow(
                        Step.afresh(this, mirrored),
                        () -> logger.debug(
                                "{}: failures older than {} no longer count",
                                name,
                                Durations.text(settings.failureWindow())));
            }
            failures.add(now.nanoTime());
            settledFailures++;
            lastFailureTime = now.time();
            int count = failures.countAt(now.nanoTime());
            Runnable warning = () -> logger.warn("{}: failure {} of {}", name, count, settings.failureThreshold());
            if (count < settings.failureThreshold()) {
                follow(Step.to(this, mirrored, result), warning);
            } else {
                open(now, count, result, warning);
            }
        }
    }

    private final class Disabled extends Admitting {

        /**
         * @param mirrored disabled, or counting only
         */
        Disabled(CircuitBreaker.State mirrored) {
            super(CircuitState.DISABLED, mirrored);
        }

        @Override
        void record(Result result) {
            if (result.failure() == null) {
                settledSuccesses++;
            } else {
                settledFailures++;
            }
            // Disabled, Resilience4j would ignore it.
            if (mirrored == CircuitBreaker.State.METRICS_ONLY) {
                follow(Step.to(this, mirrored, result));
            }
        }
    }

    private abstract sealed class Refusing extends State implements Refusal {

        private final @Nullable Moment opening;
        final int failureCount;

        Refusing(CircuitState kind, CircuitBreaker.State mirrored, @Nullable Moment opening, int failureCount) {
            super(kind, mirrored);
            this.opening = opening;
            this.failureCount = failureCount;
        }

        @Override
        final @Nullable Moment opening() {
            return opening;
        }

        @Override
        void record(Result result) {
            String what = result.failure() == null ? "success" : "failure";
            follow(null, () -> logger.warn("{}: a {} without a permit changes nothing", this, what));
        }

        @Override
        public final CircuitState state() {
            return kind;
        }

        @Override
        public Optional<Duration> timeUntilRetry() {
            return Optional.empty();
        }

        @Override
        public final String toString() {
            return describe(name, kind, failureCount, settings.failureThreshold());
        }
    }

    private final class Open extends Refusing {

        private final long openedNanos;

        Open(Moment opening, int failureCount) {
            super(CircuitState.OPEN, CircuitBreaker.State.OPEN, opening, failureCount);
            this.openedNanos = opening.nanoTime();
        }

        boolean refusesAt(long now) {
            return now - openedNanos < timeoutNanos;
        }

        @Override
        Acquisition acquire(long leaseNanos) {
            return refusesAt(timeSource.nanoTime()) ? refuse(this) : admit(leaseNanos);
        }

        @Override
        public Optional<Duration> timeUntilRetry() {
            return timeUntilRetry(timeSource.nanoTime());
        }

        private Optional<Duration> timeUntilRetry(long now) {
            return Optional.of(Duration.ofNanos(Math.max(0, timeoutNanos - (now - openedNanos))));
        }
    }

    private final class ForcedOpen extends Refusing {

        ForcedOpen(Moment opening, int failureCount) {
            super(CircuitState.FORCED_OPEN, CircuitBreaker.State.FORCED_OPEN, opening, failureCount);
        }

        @Override
        Acquisition acquire(long leaseNanos) {
            return refuse(this);
        }
    }

    /** Lets as many trials through as successes are still needed. */
    private final class HalfOpen extends Refusing {

        private int successes;
        private final List<Trial> trials = new ArrayList<>(1);

        /** Set while no trial can be admitted: when the first lease ends. Lets a crowd be refused without the lock. */
        private volatile @Nullable Long fullUntil;

        HalfOpen(@Nullable Moment opening, int failureCount) {
            super(CircuitState.HALF_OPEN, CircuitBreaker.State.HALF_OPEN, opening, failureCount);
        }

        @Override
        Acquisition acquire(long leaseNanos) {
            // Read before the time: what was full then, and is not over now, was full at that moment.
            Long until = fullUntil;
            return until != null && timeSource.nanoTime() - until < 0 ? refuse(this) : Guard.this.admit(leaseNanos);
        }

        boolean hasRoom(long now) {
            expireLeases(now);
            return successes + trials.size() < settings.successThreshold();
        }

        Trial admit(long now, long leaseNanos) {
            Trial trial = new Trial(this, now + leaseNanos);
            trials.add(trial);
            noteRoom();
            return trial;
        }

        /**
         * Ends a trial.
         *
         * @return false if its lease has ended before
         */
        boolean remove(Trial trial) {
            long now = timeSource.nanoTime();
            expireLeases(now);
            boolean inTime = trials.remove(trial);
            noteRoom();
            return inTime;
        }

        void expireLeases(long now) {
            int before = trials.size();
            trials.removeIf(trial -> now - trial.leaseEnd >= 0);
            int expired = before - trials.size();
            if (expired > 0) {
                expiredLeases += expired;
                follow(null, () -> logger.warn("{}: {} trial(s) never reported; others may try", this, expired));
            }
        }

        private void noteRoom() {
            fullUntil = successes + trials.size() < settings.successThreshold() ? null : firstLeaseEnd();
        }

        private long firstLeaseEnd() {
            long first = trials.get(0).leaseEnd;
            for (Trial trial : trials) {
                if (trial.leaseEnd - first < 0) {
                    first = trial.leaseEnd;
                }
            }
            return first;
        }

        @Override
        void record(Result result) {
            Moment now = now();
            expireLeases(now.nanoTime());
            if (result.failure() != null) {
                settledFailures++;
                lastFailureTime = now.time();
                open(now, failureCount, result, () -> logger.warn("{}: a trial failed", name));
                return;
            }
            settledSuccesses++;
            successes++;
            if (!closeIfWell(result)) {
                int count = successes;
                follow(
                        Step.to(this, mirrored, result),
                        () -> logger.info("{}: success {} of {}", this, count, settings.successThreshold()));
            }
        }

        /** Closes the breaker if there have been successes enough; else knows again whether there is room. */
        boolean closeIfWell(@Nullable Result last) {
            if (successes < settings.successThreshold()) {
                noteRoom();
                return false;
            }
            Closed closed = new Closed();
            become(closed, Step.to(closed, closed.mirrored, last), () -> logger.info("{} closed", closed));
            return true;
        }
    }

    /** A permit of its own, which a call may lose. */
    private final class Trial implements Token {

        private final HalfOpen halfOpen;
        private final long leaseEnd;
        private boolean completed;

        Trial(HalfOpen halfOpen, long leaseEnd) {
            this.halfOpen = halfOpen;
            this.leaseEnd = leaseEnd;
        }

        /**
         * Completes it. Under the lock.
         *
         * @return false if it is late
         */
        private boolean finish() {
            completed = true;
            return state == halfOpen && halfOpen.remove(this);
        }

        @Override
        public void succeed(long tookNanos) {
            settle(this, tookNanos, null);
        }

        @Override
        public void fail(long tookNanos, Throwable cause) {
            settle(this, tookNanos, cause);
        }

        @Override
        public void release() {
            Guard.this.release(this);
        }
    }
}
