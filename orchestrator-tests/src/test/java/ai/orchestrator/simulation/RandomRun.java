package ai.orchestrator.simulation;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.CredentialsRejectedException;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerCounters;
import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ReferenceBreaker;
import ai.orchestrator.breaker.ReferenceBreaker.Ticket;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.simulation.ReferenceCall.Way;
import ai.orchestrator.testkit.SimulatedTimeSource;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One random run: callers come and go at random times, and providers do what they like. Whatever can be seen from outside is held against a
 * model that knows only the documentation and what the providers saw. The seed decides everything, so a run can be repeated; it is put into
 * words only then.
 */
final class RandomRun implements RandomProvider.Stage {

    /** What many runs must have seen often enough to be worth something. */
    enum Seen {
        ANSWERED,
        ALL_FAILED,
        ALL_FAILED_UNASKED,
        CREDENTIALS_REJECTED,
        REQUEST_REJECTED,
        DEADLINE_EXCEEDED,
        STREAM_FAILED,
        CANCELLED,
        LEAVES_TIME,
        INTERRUPTED,
        LEFT,
        RESTARTED,
        FAILED_OVER,
        RETRIED,
        BUDGET_REFUSED,
        ASKED_ALTHOUGH_OPEN,
        TRIAL,
        OPENED,
        LATE_RESULT,
        LEASE_EXPIRED,
        PARKED,
        FIRST_AFTER_PARK,
        SKIPPED_AS_PARKED,
        SKIPPED_AS_OPEN,
        SKIPPED_AS_FULL,
        SKIPPED_FOR_QUOTA,
        SKIPPED_AS_UNFIT,
        ENDED_BY_CONNECT_LIMIT,
        ENDED_BY_LIMIT,
        MUST_ASK_ANOTHER
    }

    /** Most of a run's callers come in bursts, for else nothing would meet. */
    private static final int MOST_CALLERS = 60;

    private static final long NEVER = -1;

    private final long seed;
    private final boolean tells;
    private final Map<Seen, Integer> seen;
    private final SimulatedTimeSource time;
    private final long startNanos;
    private final RandomScene scene;
    private final Orchestrator orchestrator;
    private final ReferenceBudget budget = new ReferenceBudget();
    private final List<ReferenceCall> calls = new ArrayList<>();
    private final List<String> story = new ArrayList<>();

    /** Whose call is being submitted. */
    private @Nullable ReferenceCall submitting;

    private @Nullable String difference;

    /**
     * @param tells whether each event is put into words
     * @param seen counts what has happened
     */
    RandomRun(long seed, boolean tells, Map<Seen, Integer> seen) {
        this.seed = seed;
        this.tells = tells;
        this.seen = seen;
        Draw draw = new Draw(seed);
        this.startNanos = draw.of(0L, Long.MAX_VALUE - draw.below(1_000_000_000), draw.seed());
        this.time = new SimulatedTimeSource(startNanos);
        this.scene = new RandomScene(draw, this);
        this.orchestrator = scene.builder
                .timeSource(time)
                .instantSource(time.instantSource(scene.start))
                .executor(this::execute)
                .random(draw::next)
                .build();
        arrivals(draw);
    }

    static Map<Seen, Integer> nothingSeen() {
        return new EnumMap<>(Seen.class);
    }

    /**
     * Runs it to its end.
     *
     * @return what is wrong; empty if nothing is
     */
    Optional<String> run() {
        try (time) {
            time.run();
            atTheEnd();
            orchestrator.close();
        } catch (RuntimeException | Error e) {
            differs(() -> "a caller met " + e);
        }
        return Optional.ofNullable(difference);
    }

    String story() {
        StringBuilder told = new StringBuilder("seed " + seed + "\n");
        scene.story().forEach(line -> told.append(line).append('\n'));
        story.forEach(line -> told.append(line).append('\n'));
        return told.toString();
    }

    // ---- Who comes, and when

    private void arrivals(Draw draw) {
        boolean storm = scene.isStorm;
        int count = storm ? MOST_CALLERS : draw.chance(20) ? draw.between(1, MOST_CALLERS) : draw.between(1, 15);
        Duration pace =
                storm ? draw.millis(50, 2_000) : draw.millis(1, 50, 2_000, 2_000, 30_000, 3_600_000, 2 * 86_400_000);
        long at = 0;
        for (int i = 0; i < count; i++) {
            if (draw.chance(60)) {
                at += draw.nanosUpTo(pace);
            }
            arrival(draw, i, Duration.ofNanos(at));
        }
    }

    private void arrival(Draw draw, int number, Duration at) {
        RandomScene.Route route = draw.of(scene.routes);
        CallOptions options = CallOptions.defaults();
        if (!route.name().isEmpty()) {
            options = options.withRoute(route.name());
        }
        Duration allowed = route.deadline();
        if (draw.chance(20)) {
            allowed = scene.deadline();
            options = options.withDeadline(allowed);
        }
        StreamRescue rescue = route.rescue();
        if (draw.chance(15)) {
            rescue = draw.of(StreamRescue.values());
            options = options.withStreamRescue(rescue);
        }
        Way way = draw.chance(50) ? Way.CHAT : draw.of(Way.values());
        String text = number + " " + "x".repeat(draw.chance(80) ? draw.below(200) : draw.below(8_000));
        ChatRequest.Builder request = ChatRequest.builder().user(text);
        long tokens = 16L + (text.length() + 1) / 2;
        if (draw.chance(50)) {
            int most = draw.of(1, 50, 500, 4_000);
            request.maxTokens(most);
            tokens += most;
        } else {
            tokens += 1_024;
        }
        boolean wantsSeed = draw.chance(10);
        if (wantsSeed) {
            request.seed(26);
        }
        ReferenceCall call = new ReferenceCall(number, way, route, rescue, allowed.toNanos(), wantsSeed, tokens);
        calls.add(call);
        if (draw.chance(scene.isStorm ? 40 : 15)) {
            long patience = draw.nanosUpTo(Duration.ofSeconds(scene.isStorm ? 3 : 20));
            boolean leaves = draw.chance(50);
            time.start(at.plusNanos(patience), () -> unwant(call, leaves));
            options = options.withCancellation(call.cancellation);
        }
        CallOptions chosen = options;
        time.start(at, () -> call(call, request.build(), chosen));
    }

    private void unwant(ReferenceCall call, boolean leaves) {
        if (call.submitted == NEVER || call.ends > 0 || call.left || call.over == now()) {
            return;
        }
        Thread thread = call.thread;
        call.unwanted = now();
        if (!leaves) {
            saw(Seen.CANCELLED);
            tell(() -> call + " is cancelled");
            call.cancellation.cancel();
        } else if (thread != null && call.way == Way.CHAT) {
            saw(Seen.INTERRUPTED);
            tell(() -> call + "'s thread is interrupted");
            thread.interrupt();
        } else if (call.way != Way.CHAT) {
            saw(Seen.LEFT);
            tell(() -> call + "'s caller leaves");
            call.left = true;
            call.leave.run();
        }
    }

    private void execute(Runnable task) {
        ReferenceCall call = Objects.requireNonNull(submitting);
        time.execute(() -> {
            begins(call);
            task.run();
            returned(call);
        });
    }

    private void call(ReferenceCall call, ChatRequest request, CallOptions options) {
        call.submitted = now();
        call.deadline = now() + call.allowed;
        tell(() -> call + " " + call.way + " on route '" + call.route.name() + "', " + call.rescue + ", within "
                + seconds(call.allowed) + ", " + call.tokens + " tokens" + (call.wantsSeed ? ", seed" : ""));
        submitting = call;
        switch (call.way) {
            case CHAT -> {
                begins(call);
                ChatResponse answer;
                try {
                    answer = orchestrator.chat(request, options);
                } catch (Throwable e) {
                    ended(call, null, e);
                    return;
                } finally {
                    call.thread = null;
                }
                ended(call, answer, null);
            }
            case ASYNC -> {
                CompletableFuture<ChatResponse> future = orchestrator.chatAsync(request, options);
                call.leave = () -> future.cancel(true);
                var unused = future.whenComplete((answer, failure) -> ended(call, answer, failure));
            }
            case STREAM -> {
                ChatStream stream = orchestrator.stream(request, options);
                call.leave = stream::close;
                call.read = () -> read(call, stream);
            }
            case PUBLISH -> orchestrator.publish(request, options).subscribe(new Subscriber(call));
        }
        submitting = null;
    }

    /** Reads all of a stream, when its call has ended, so that nothing blocks. */
    private void read(ReferenceCall call, ChatStream stream) {
        if (call.left) {
            return;
        }
        try {
            stream.forEach(event -> readEvent(call, event));
            ended(call, stream.response(), null);
        } catch (RuntimeException e) {
            ended(call, null, e);
        }
    }

    private static void readEvent(ReferenceCall call, ChatEvent event) {
        if (event instanceof ChatEvent.Text piece) {
            call.shown.append(piece.text());
        } else if (event instanceof ChatEvent.Restarted) {
            call.shown.setLength(0);
            call.restarts++;
        }
    }

    private final class Subscriber implements Flow.Subscriber<ChatEvent> {

        private final ReferenceCall call;

        private Subscriber(ReferenceCall call) {
            this.call = call;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            call.leave = subscription::cancel;
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(ChatEvent event) {
            readEvent(call, event);
        }

        @Override
        public void onError(Throwable failure) {
            ended(call, null, failure);
        }

        @Override
        public void onComplete() {
            ended(call, null, null);
        }
    }

    // ---- What happens

    private void begins(ReferenceCall call) {
        call.began = now();
        call.thread = Thread.currentThread();
        if (call.unwanted == NEVER) {
            mustAsk(call);
        }
    }

    /** An engine's task is done: its call must have ended. */
    private void returned(ReferenceCall call) {
        call.thread = null;
        call.read.run();
        if (call.left) {
            settledAs(call, call.unwanted);
        } else if (call.ends == 0) {
            differs(() -> call + " has ended, and its caller was not told");
        }
    }

    private void mustAsk(ReferenceCall call) {
        call.mustAsk = surelyFree(call);
        call.mustAskAt = now();
    }

    /** Whom the call has not asked, and could in any case. */
    private List<ReferenceProvider> surelyFree(ReferenceCall call) {
        long now = now();
        if (now >= call.deadline) {
            return List.of();
        }
        List<ReferenceProvider> free = new ArrayList<>();
        for (ReferenceProvider provider : call.route.members()) {
            if (!call.hasAsked(provider)
                    && call.fits(provider)
                    && provider.mustAllow(call.tokens, now)
                    && provider.breakerAllows(now)) {
                free.add(provider);
            }
        }
        return free;
    }

    @Override
    public long now() {
        return time.nanoTime() - startNanos;
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        return time.await(signal, nanos);
    }

    @Override
    public Attempt begins(ReferenceProvider provider, ChatRequest request, Delivery delivery, Deadline deadline) {
        long now = now();
        String text = request.messages().get(0).text();
        ReferenceCall call = calls.get(Integer.parseInt(text.substring(0, text.indexOf(' '))));
        long latest = provider.settings
                .totalTimeout()
                .map(total -> Math.min(call.deadline, now + total.toNanos()))
                .orElse(call.deadline);
        boolean streamed = call.way.isStreamed() || provider.settings.collectStreams();
        long attemptDeadline = now + deadline.remainingNanos();
        Attempt attempt = new Attempt(provider, call, streamed, now, attemptDeadline);
        tell(() -> call + " asks " + provider.name());
        check(call.ends == 0 && call.over == NEVER, () -> call + " asks when it is over");
        check(call.unwanted == NEVER, () -> call + " asks although nobody wants it");
        check(call.running == null, () -> call + " asks two at once");
        check(
                call.route.members().contains(provider),
                () -> call + " asks who is not in its route or may not be asked");
        check(now < call.deadline, () -> call + " asks at or after its deadline");
        check(
                attemptDeadline == latest,
                () -> "the attempt is given " + deadline + " but has " + seconds(latest - now));
        if (attempt.halfway() != Long.MAX_VALUE) {
            // The engine has armed its timer anew, perhaps, and looks after what was due at the same moment before.
            attempt.look = time.schedule(
                    attempt.halfway() - now, () -> attempt.look = time.schedule(0, () -> goesOnHalfway(attempt)));
        }
        check((delivery == Delivery.STREAMED) == streamed, () -> "the answer is wanted " + delivery);
        check(call.fits(provider), () -> call + " asks " + provider.name() + ", which cannot serve it");
        int attempts = call.attemptsAt(provider) + 1;
        check(
                attempts <= provider.settings.retry().maxAttempts(),
                () -> call + " asks " + provider.name() + " for the " + attempts + ". time");
        if (!call.mustAsk.isEmpty()) {
            check(
                    now == call.mustAskAt && !call.hasAsked(provider),
                    () -> call + " could have asked " + names(call.mustAsk) + " at " + seconds(call.mustAskAt));
            call.mustAsk = List.of();
        }
        String refusal = provider.mustRefuse(call.tokens, now);
        check(refusal == null, () -> call + " asks " + provider.name() + " although it is out: " + refusal);
        takeFromBudget(attempt);
        Ticket ticket = takeFromBreaker(attempt, latest);
        if (provider.parkedAfter() != null) {
            saw(Seen.FIRST_AFTER_PARK);
        }
        provider.begins(attempt, ticket, call.tokens, provider.leaseEnd(now, latest));
        call.attempts.add(attempt);
        call.running = attempt;
        compareAll();
        return attempt;
    }

    /** It has not been ended although half of the time is over. */
    private void goesOnHalfway(Attempt attempt) {
        ReferenceCall call = attempt.call;
        boolean others = surelyFree(call).stream().anyMatch(other -> other != attempt.provider);
        check(
                !others || !isSlower(attempt, true),
                () -> call + " gives " + attempt.provider.name() + " all of its time, though there are others");
    }

    private boolean mayEndHalfway(Attempt attempt) {
        return now() == attempt.halfway()
                && isSlower(attempt, false)
                && attempt.call.route.members().stream()
                        .anyMatch(other -> mayTurnTo(attempt.call, attempt.provider, other));
    }

    /** What is recent is not known to the second, so it is certain only where it makes no difference. */
    private boolean isSlower(Attempt attempt, boolean surely) {
        long now = now();
        boolean first = attempt.provider.isSlowerThanUsual(now - attempt.began, now, Duration.ofMinutes(5));
        boolean second = attempt.provider.isSlowerThanUsual(now - attempt.began, now, Duration.ofSeconds(330));
        return surely ? first && second : first || second;
    }

    /** Whether another one could perhaps be asked now in place of a provider. */
    private boolean mayTurnTo(ReferenceCall call, ReferenceProvider provider, ReferenceProvider other) {
        long now = now();
        if (other == provider || !call.fits(other)) {
            return false;
        }
        Attempt last = call.lastAt(other);
        return last == null
                ? other.mustRefuse(call.tokens, now) == null && other.breakerAllows(now)
                : rule(last).allowsRetry() && last.ended + leastWait(call, last) <= now;
    }

    private void takeFromBudget(Attempt attempt) {
        ReferenceCall call = attempt.call;
        ReferenceProvider provider = attempt.provider;
        long now = now();
        Attempt before = call.lastAt(provider);
        if (call.attempts.isEmpty()) {
            budget.first(now);
            return;
        }
        if (before == null) {
            saw(Seen.FAILED_OVER);
        } else {
            saw(Seen.RETRIED);
            check(budget.mayAllow(now), () -> call + " asks " + provider.name() + " again beyond the retry budget");
            check(rule(before).allowsRetry(), () -> call + " asks " + provider.name() + " again after " + before);
            long due = before.ended + leastWait(call, before);
            check(
                    now >= due,
                    () -> call + " asks " + provider.name() + " again before " + seconds(due) + ", after " + before);
        }
        attempt.taken = budget.take(now);
    }

    private long leastWait(ReferenceCall call, Attempt failed) {
        return Math.max(backoff(call, failed) / 2, hint(failed));
    }

    private static long hint(Attempt failed) {
        return failed.hint == null ? 0 : failed.provider.cappedHint(failed.hint);
    }

    /** The longest one. */
    private static long backoff(ReferenceCall call, Attempt failed) {
        int doublings = 0;
        for (Attempt attempt : call.attempts) {
            if (attempt == failed) {
                break;
            }
            doublings += attempt.provider == failed.provider ? 1 : 0;
        }
        return Math.min(
                failed.provider.settings.retry().backoff().toNanos() << doublings,
                failed.provider.settings.retry().maxBackoff().toNanos());
    }

    private AfterFailure rule(Attempt failed) {
        return AfterFailure.of(Objects.requireNonNull(failed.failure), failed.silent, scene.passesFilteredOn);
    }

    private @Nullable Ticket takeFromBreaker(Attempt attempt, long attemptDeadline) {
        ReferenceCall call = attempt.call;
        ReferenceProvider provider = attempt.provider;
        long now = now();
        provider.timeIs(now);
        Ticket ticket = provider.breaker.acquire(provider.leaseEnd(now, attemptDeadline) - now);
        if (ticket != null) {
            if (ticket.isTrial()) {
                saw(Seen.TRIAL);
            }
            return ticket;
        }
        saw(Seen.ASKED_ALTHOUGH_OPEN);
        check(
                call.route.failOpen() && call.attempts.isEmpty(),
                () -> call + " asks " + provider.name() + " although its breaker refuses");
        check(
                surelyFree(call).isEmpty(),
                () -> call + " asks " + provider.name() + " although its breaker refuses, and "
                        + names(surelyFree(call)) + " could be asked");
        for (ReferenceProvider other : call.route.members()) {
            if (call.fits(other) && other.mustAllow(call.tokens, now)) {
                other.timeIs(now);
                check(
                        other.breakerOpensIn() >= provider.breakerOpensIn(),
                        () -> call + " asks " + provider.name() + " although " + other.name() + " would open sooner");
            }
        }
        return null;
    }

    @Override
    public void ends(Attempt attempt, boolean cancelled, @Nullable RuntimeException thrown) {
        ReferenceCall call = attempt.call;
        long now = now();
        attempt.ended = now;
        call.running = null;
        if (attempt.look != null) {
            attempt.look.cancel();
        }
        explain(attempt, cancelled, thrown);
        tell(() -> attempt.provider.name() + " " + (attempt.failure == null ? "answers " : "fails ") + call
                + (attempt.failure == null ? "" : " with " + attempt.failure + (attempt.silent ? ", silent" : ""))
                + (attempt.hint == null ? "" : ", wants to be left alone for " + attempt.hint)
                + (attempt.text.isEmpty() ? "" : ", said '" + attempt.text + "'")
                + (attempt.reports.isEmpty() ? "" : ", " + attempt.reports));
        check(now <= attempt.limit(), () -> attempt + " has passed its limit, which was " + attempt.limit());
        attempt.provider.ends(attempt, now);
        if (attempt.failure != null && attempt.provider.isParked(now)) {
            saw(Seen.PARKED);
        }
        if (attempt.failure == FailureKind.CANCELLED && attempt.taken != null) {
            budget.giveBack(attempt.taken);
        }
        if (attempt.failure == FailureKind.CONTEXT_TOO_LONG) {
            call.tooLongFor(attempt.provider);
        }
        follow(attempt);
    }

    private void explain(Attempt attempt, boolean cancelled, @Nullable RuntimeException thrown) {
        long now = now();
        if (attempt.finished) {
            return;
        }
        if (attempt.call.unwanted != NEVER) {
            attempt.failure = FailureKind.CANCELLED;
        } else if (cancelled) {
            boolean halfway = mayEndHalfway(attempt);
            if (halfway) {
                saw(Seen.LEAVES_TIME);
            }
            check(
                    now == attempt.limit() || halfway,
                    () -> attempt + " was ended, but not by its limit, which is " + attempt.limit());
            attempt.failure = FailureKind.TIMEOUT;
            attempt.silent = attempt.isConnected();
            saw(attempt.silent ? Seen.ENDED_BY_LIMIT : Seen.ENDED_BY_CONNECT_LIMIT);
        } else if (thrown instanceof ProviderException failure) {
            attempt.failure = failure.kind();
            attempt.hint = failure.retryAfter().orElse(null);
            attempt.status = failure.status();
            int status = failure.status().orElse(0);
            attempt.silent = failure.kind() == FailureKind.TIMEOUT
                    && failure.mayHaveBeenProcessed()
                    && status != 408
                    && status != 504;
        } else {
            attempt.failure = thrown == null ? FailureKind.TRUNCATED : FailureKind.SERVER;
        }
    }

    /** What the call must do now. */
    private void follow(Attempt attempt) {
        ReferenceCall call = attempt.call;
        if (attempt.failure == null
                || attempt.failure == FailureKind.CANCELLED
                || call.breaksOff(attempt)
                || rule(attempt) == AfterFailure.END) {
            call.over = now();
            return;
        }
        long hint = attempt.hint == null ? 0 : attempt.hint.toNanos();
        boolean mayStay = rule(attempt).allowsRetry()
                && (hint > 0
                        ? leastWait(call, attempt)
                                <= attempt.provider
                                        .settings
                                        .retry()
                                        .waitForHint()
                                        .toNanos()
                        : rule(attempt) == AfterFailure.HERE_ONCE && call.attemptsAt(attempt.provider) == 1);
        if (!mayStay) {
            mustAsk(call);
            if (!call.mustAsk.isEmpty()) {
                saw(Seen.MUST_ASK_ANOTHER);
            }
        }
    }

    // ---- How a call ends

    private void ended(ReferenceCall call, @Nullable ChatResponse answer, @Nullable Throwable thrown) {
        call.ends++;
        check(call.ends == 1, () -> call + " has ended twice");
        if (call.left) {
            check(
                    thrown instanceof CancellationException,
                    () -> call + " was left, and its caller heard of " + (thrown == null ? answer : thrown));
            return;
        }
        call.ended = now();
        Throwable failure =
                thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
        tell(() -> call + " ends: "
                + (failure == null
                        ? answer == null ? "complete" : answer.trail().toString()
                        : failure.getClass().getSimpleName() + " "
                                + (failure instanceof OrchestratorException known ? known.trail() : failure)));
        check(call.ended <= call.deadline, () -> call + " ends after its deadline, " + seconds(call.deadline));
        if (failure == null) {
            answered(call, answer);
        } else if (failure instanceof OrchestratorException known && !(failure instanceof ProviderException)) {
            failed(call, known);
        } else {
            differs(() -> call + " ends with " + failure);
        }
        compareAll();
    }

    /** The caller has gone, so that only the moment is known. */
    private void settledAs(ReferenceCall call, long at) {
        check(call.running == null && now() == at, () -> call + " was left at " + seconds(at) + " and goes on");
        call.ended = now();
        compareAll();
    }

    private void answered(ReferenceCall call, @Nullable ChatResponse answer) {
        saw(Seen.ANSWERED);
        Attempt last = call.last();
        if (last == null || last.failure != null || last.ended != now()) {
            differs(() -> call + " has an answer that nobody gave, after " + last);
            return;
        }
        String text = last.text.toString();
        if (answer != null) {
            check(
                    answer.provider().equals(last.provider.name())
                            && answer.text().equals(text),
                    () -> call + " has the answer " + answer + " but " + last + " said " + text);
            trail(call, answer.trail());
        }
        if (call.way.isStreamed()) {
            check(
                    call.shown.toString().equals(text),
                    () -> call + " was shown " + call.shown + " but " + last + " said " + text);
        }
        restarts(call);
    }

    private void restarts(ReferenceCall call) {
        if (call.restarts > 0) {
            saw(Seen.RESTARTED);
            check(call.rescue == StreamRescue.RESTART, () -> call + " was restarted under " + call.rescue);
        }
    }

    private void failed(ReferenceCall call, OrchestratorException failure) {
        long now = now();
        Attempt last = call.last();
        FailureKind kind = last == null ? null : last.failure;
        if (last != null && kind == null && failure instanceof CallCancelledException == false) {
            differs(() -> call + " fails with " + failure + " although " + last);
        }
        trail(call, failure.trail());
        restarts(call);
        String partial = "";
        for (Attempt attempt : call.attempts) {
            partial = attempt.text.isEmpty() ? partial : attempt.text.toString();
        }
        String expected = partial;
        check(
                failure.partialText().equals(expected),
                () -> call + " kept '" + failure.partialText() + "' but should have '" + expected + "'");
        if (failure instanceof CallCancelledException) {
            check(call.unwanted == now, () -> call + " is cancelled, but that was wanted at " + seconds(call.unwanted));
            return;
        }
        check(call.unwanted == NEVER, () -> call + " was cancelled but fails with " + failure);
        if (failure instanceof DeadlineExceededException) {
            saw(Seen.DEADLINE_EXCEEDED);
            check(now == call.deadline, () -> call + " ends before its deadline, " + seconds(call.deadline));
            check(
                    (last != null && last.ended == now) || waitsForAnother(call),
                    () -> call + " has waited in vain for its deadline since " + last);
            return;
        }
        boolean brokenOff = last != null && call.breaksOff(last);
        check(
                failure instanceof StreamFailedException == brokenOff,
                () -> call + " fails with " + failure + " after " + last);
        if (failure instanceof StreamFailedException) {
            saw(Seen.STREAM_FAILED);
            check(
                    last != null && last.ended == now && call.shown.toString().equals(last.text.toString()),
                    () -> call + " was shown " + call.shown + " before " + last);
            return;
        }
        if (last != null && rule(last) == AfterFailure.END) {
            saw(Seen.REQUEST_REJECTED);
            check(
                    failure instanceof RequestRejectedException && last.ended == now,
                    () -> call + " fails with " + failure + " after " + last);
            return;
        }
        gaveUp(call, failure);
    }

    /** Whether it waits for a call that goes first somewhere, which may be over at any moment. */
    private boolean waitsForAnother(ReferenceCall call) {
        return call.attempts.stream()
                .anyMatch(attempt -> rule(attempt).allowsRetry() && attempt.provider.isWaitedFor(now()));
    }

    /** Nobody is left: nobody must be. */
    private void gaveUp(ReferenceCall call, OrchestratorException failure) {
        check(
                call.mustAsk.isEmpty(),
                () -> call + " was refused, but could have asked " + names(call.mustAsk) + " at "
                        + seconds(call.mustAskAt));
        List<ReferenceProvider> free = surelyFree(call);
        check(free.isEmpty(), () -> call + " was refused, but could ask " + names(free));
        Attempt last = call.last();
        // Where the request is at fault the others are not gone through.
        boolean atOnce = failure instanceof RequestRejectedException
                && last != null
                && last.failure != null
                && AfterFailure.isRequestsFault(last.failure);
        for (ReferenceProvider provider : call.route.members()) {
            check(
                    !isSurelyWorthTheWait(call, provider, failure.trail()),
                    () -> call + " was refused, but could wait for " + provider.name());
            check(
                    call.hasAsked(provider) || atOnce || isSkipped(provider, failure.trail()),
                    () -> call + " does not say why it has not asked " + provider.name());
            check(
                    !(call.attempts.isEmpty()
                            && call.route.failOpen()
                            && call.fits(provider)
                            && now() < call.deadline
                            && provider.mustAllow(call.tokens, now())),
                    () -> call + " was refused, but fails open and could ask " + provider.name());
        }
        boolean unfit = call.attempts.isEmpty() && call.route.members().stream().noneMatch(call::fits);
        boolean requestsFault = !call.attempts.isEmpty()
                && call.attempts.stream()
                        .allMatch(attempt -> attempt.failure != null && AfterFailure.isRequestsFault(attempt.failure));
        if (failure instanceof RequestRejectedException) {
            saw(Seen.REQUEST_REJECTED);
            check(unfit || requestsFault || atOnce, () -> call + " is told that its request is wrong");
        } else if (failure instanceof CredentialsRejectedException) {
            saw(Seen.CREDENTIALS_REJECTED);
            for (ReferenceProvider provider : call.route.members()) {
                Attempt at = call.lastAt(provider);
                check(
                        at == null || at.failure == FailureKind.CREDENTIAL,
                        () -> call + " is told that keys are rejected, but " + at);
            }
        } else {
            saw(call.attempts.isEmpty() ? Seen.ALL_FAILED_UNASKED : Seen.ALL_FAILED);
            check(
                    failure instanceof AllProvidersFailedException && !unfit && !requestsFault,
                    () -> call + " fails with " + failure);
        }
    }

    /** Whether one that has failed could be waited for, whatever is drawn for the wait. */
    private boolean isSurelyWorthTheWait(ReferenceCall call, ReferenceProvider provider, Trail trail) {
        long now = now();
        Attempt last = call.lastAt(provider);
        if (last == null
                || !rule(last).allowsRetry()
                || call.attemptsAt(provider) >= provider.settings.retry().maxAttempts()
                || !call.fits(provider)
                || provider.isTriedFirst(now)
                || wasTurnedAway(call, provider, trail)) {
            return false;
        }
        if (!budget.mustAllow(now)) {
            saw(Seen.BUDGET_REFUSED);
            return false;
        }
        long soonest = last.ended + leastWait(call, last);
        // Waits are counted in milliseconds, rounded up.
        long latest = last.ended + Math.max(backoff(call, last), hint(last)) + 1_000_000;
        if (provider.isParked(now)) {
            soonest = Math.max(soonest, provider.parkedUntil());
            latest = Math.max(latest, provider.parkedUntil());
        }
        provider.timeIs(now);
        return latest < call.deadline
                && provider.breakerOpensIn() <= Math.max(0, soonest - now)
                && provider.quota.mustAllow(call.tokens, Math.max(now, soonest));
    }

    /** Whether it was asked for again and refused, as one that is full: that is final. */
    private boolean wasTurnedAway(ReferenceCall call, ReferenceProvider provider, Trail trail) {
        Attempt last = call.last();
        // What other calls had used up of the budget then may be back by now.
        boolean timeHasPassed = last != null && last.ended < now();
        for (int i = trail.steps().size() - 1; i >= 0; i--) {
            Trail.Step step = trail.steps().get(i);
            timeHasPassed |= step instanceof Trail.Failed;
            if (step.provider().equals(provider.name())) {
                return step instanceof Trail.Skipped skipped
                        && (!skipped.reason().startsWith("not asked again")
                                || (timeHasPassed && skipped.reason().contains("budget")));
            }
        }
        return false;
    }

    private static boolean isSkipped(ReferenceProvider provider, Trail trail) {
        return trail.steps().stream()
                .anyMatch(
                        step -> step instanceof Trail.Skipped && step.provider().equals(provider.name()));
    }

    /** What the trail says must be what the providers saw. */
    private void trail(ReferenceCall call, Trail trail) {
        int next = 0;
        for (Trail.Step step : trail.steps()) {
            if (step instanceof Trail.Skipped skipped) {
                seeSkip(skipped);
                continue;
            }
            Attempt attempt = next < call.attempts.size() ? call.attempts.get(next) : null;
            next++;
            if (attempt == null || !agrees(step, attempt)) {
                differs(() -> call + "'s trail says " + step + " but the providers saw " + call.attempts);
                return;
            }
        }
        int said = next;
        check(
                said == call.attempts.size(),
                () -> call + "'s trail has " + said + " attempts, but the providers saw " + call.attempts);
        check(
                trail.elapsed().toNanos() == (call.began == NEVER ? 0 : now() - call.began),
                () -> call + "'s trail says that it took " + trail.elapsed());
    }

    private static boolean agrees(Trail.Step step, Attempt attempt) {
        if (!step.provider().equals(attempt.provider.name())) {
            return false;
        }
        if (step instanceof Trail.Answered answered) {
            return attempt.failure == null && answered.took().toNanos() == attempt.ended - attempt.began;
        }
        return step instanceof Trail.Failed failed
                && failed.kind() == attempt.failure
                && failed.status().equals(attempt.status)
                && failed.retryAfter().equals(Optional.ofNullable(attempt.hint))
                && failed.took().toNanos() == attempt.ended - attempt.began;
    }

    private void seeSkip(Trail.Skipped skipped) {
        String reason = skipped.reason();
        if (reason.startsWith("parked")) {
            saw(Seen.SKIPPED_AS_PARKED);
        } else if (reason.startsWith("circuit breaker")) {
            saw(Seen.SKIPPED_AS_OPEN);
        } else if (reason.startsWith("full")) {
            saw(Seen.SKIPPED_AS_FULL);
        } else if (reason.startsWith("quota")) {
            saw(Seen.SKIPPED_FOR_QUOTA);
        } else if (reason.startsWith("cannot do") || reason.startsWith("its context window")) {
            saw(Seen.SKIPPED_AS_UNFIT);
        }
    }

    // ---- What is shown, against what a provider's own attempts come to

    private void compareAll() {
        if (difference != null) {
            return;
        }
        List<ProviderStatus> shown = orchestrator.status().providers();
        for (int i = 0; i < shown.size(); i++) {
            compare(shown.get(i), scene.providers.get(i));
        }
    }

    private void compare(ProviderStatus shown, ReferenceProvider provider) {
        long now = now();
        provider.timeIs(now);
        compare(shown.circuitBreaker(), provider);
        boolean kept = provider.isParked(now) || provider.isTriedFirst(now);
        long left = provider.isParked(now) ? provider.parkedUntil() - now : 0;
        check(
                shown.parked().isPresent() == kept
                        && shown.parked()
                                .filter(parked -> parked.kind() != provider.parkedAfter()
                                        || parked.left().toNanos() != left)
                                .isEmpty(),
                () -> provider.name() + " is shown as parked: " + shown.parked() + ", but is it: " + kept + " after "
                        + provider.parkedAfter() + " for " + seconds(left));
        String quota = provider.quota.difference(shown.quotas(), now);
        check(quota == null, () -> provider.name() + "'s quota of " + quota);
        check(
                shown.attempts().underWay() == provider.running,
                () -> provider.name() + " has " + provider.running + " under way, but shows " + shown.attempts());
    }

    private void compare(CircuitBreakerStatus shown, ReferenceProvider provider) {
        ReferenceBreaker breaker = provider.breaker;
        breaker.observe();
        // The end of the wait is noticed at the next request, and which that was makes no difference.
        boolean over = provider.breakerOpensIn() == 0 && breaker.state().equals(ReferenceBreaker.OPEN);
        String state = over ? ReferenceBreaker.HALF_OPEN : breaker.state();
        boolean shownOver = shown.timeUntilRetry().filter(Duration::isZero).isPresent();
        CircuitState shownState = shownOver ? CircuitState.HALF_OPEN : shown.state();
        check(
                shownState.name().equals(state)
                        && shown.failureCount() == breaker.failureCount()
                        && shown.successCount() == breaker.successCount()
                        && shown.timeUntilRetry().orElse(Duration.ZERO).toNanos() == provider.breakerOpensIn(),
                () -> provider.name() + "'s breaker is " + breaker.state() + ", " + breaker.failureCount()
                        + " failures, " + breaker.successCount() + " successes, " + provider.breakerOpensIn()
                        + " ns to wait, but shows " + shown);
    }

    private void atTheEnd() {
        check(time.pendingTimers() == 0, () -> time.pendingTimers() + " timers are left");
        for (ReferenceCall call : calls) {
            check(call.left || call.ends == 1, () -> call + " has ended " + call.ends + " times");
            check(call.running == null, () -> call + " has left an attempt behind");
        }
        compareAll();
        for (ProviderStatus status : orchestrator.status().providers()) {
            ReferenceProvider provider = scene.providers.stream()
                    .filter(one -> one.name().equals(status.name()))
                    .findFirst()
                    .orElseThrow();
            check(
                    provider.running == 0
                            && status.attempts().answered() == provider.answered
                            && status.attempts().failed() == provider.failed
                            // Those that were let in and not made are in it.
                            && status.attempts().abandoned() >= provider.abandoned,
                    () -> provider.name() + " answered " + provider.answered + ", failed " + provider.failed
                            + ", was cancelled " + provider.abandoned + " times, but shows " + status.attempts());
            ReferenceBreaker.Counters counted = provider.breaker.counters();
            CircuitBreakerCounters shown =
                    orchestrator.circuitBreaker(provider.name()).counters();
            check(
                    shown.successes() == counted.successes()
                            && shown.failures() == counted.failures()
                            && shown.lateResults() == counted.lateResults()
                            && shown.openings() == counted.openings()
                            && shown.expiredLeases() == counted.expiredLeases(),
                    () -> provider.name() + "'s breaker counted " + shown + " but should have " + counted);
            saw(Seen.OPENED, counted.openings());
            saw(Seen.LATE_RESULT, counted.lateResults());
            saw(Seen.LEASE_EXPIRED, counted.expiredLeases());
        }
    }

    // ---- What is wrong

    private void check(boolean right, Supplier<String> otherwise) {
        if (!right) {
            differs(otherwise);
        }
    }

    /** Only the first one counts: from then on the model knows nothing. Not thrown, because the engine would take it for a provider's. */
    private void differs(Supplier<String> what) {
        if (difference == null) {
            difference = at() + what.get();
            tell(() -> "*** " + what.get());
        }
    }

    private void tell(Supplier<String> what) {
        if (tells) {
            story.add(at() + what.get());
        }
    }

    private String at() {
        return "at " + seconds(now()) + ": ";
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.9f s", nanos / 1e9);
    }

    private static List<String> names(List<ReferenceProvider> providers) {
        return providers.stream().map(ReferenceProvider::name).toList();
    }

    private void saw(Seen what) {
        saw(what, 1);
    }

    private void saw(Seen what, long times) {
        if (difference == null && times > 0) {
            seen.merge(what, (int) times, Integer::sum);
        }
    }
}
