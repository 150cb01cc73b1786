package ai.orchestrator;

import ai.orchestrator.cache.CacheKey;
import ai.orchestrator.cache.CachedAnswer;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A call that is answered from the cache, or together with all others that ask the same at the same time. It has its own deadline,
 * cancellation and contract, whatever the others have. For one thread, but for what says otherwise.
 */
final class SharedCall {

    private final SharedCalls calls;
    private final Route route;
    private final ChatRequest request;
    private final Duration allowed;
    private final Deadline deadline;
    private final Cancellation cancellation;
    private final LiveAnswer live;
    private final TimeSource timeSource;
    private final long startNanos;

    private final Thread thread = Thread.currentThread();

    /** Whether something has happened since this thread looked. */
    private volatile boolean signalled;

    /** Whether the deadline was reached, or the call cancelled: since then the reader may have missed something. */
    private volatile boolean over;

    private volatile LiveAnswer.@Nullable Reception reception;

    /** Whether the end of the answer was passed on before that. */
    private boolean finished;

    // Of the flight that it waits for.
    private @Nullable Flight flight;
    private Trail.@Nullable Joined joined;
    private Flight.@Nullable Entry read;

    SharedCall(
            SharedCalls calls,
            Route route,
            ChatRequest request,
            Duration allowed,
            Deadline deadline,
            Cancellation cancellation,
            LiveAnswer live) {
        this.calls = calls;
        this.route = route;
        this.request = request;
        this.allowed = allowed;
        this.deadline = deadline;
        this.cancellation = cancellation;
        this.live = live;
        this.timeSource = calls.context().timeSource();
        this.startNanos = timeSource.nanoTime();
    }

    Route route() {
        return route;
    }

    ChatRequest request() {
        return request;
    }

    Duration allowed() {
        return allowed;
    }

    Deadline deadline() {
        return deadline;
    }

    Delivery delivery() {
        return live.delivery();
    }

    /** Whether a failure of the attempt under way would be the end of this call. For any thread. */
    boolean endsAt(FailureKind kind) {
        return live.endsAt(kind);
    }

    /** Something has happened. For any thread. */
    void wake() {
        signalled = true;
        LockSupport.unpark(thread);
    }

    /**
     * Waits until something happens, or has happened since {@link #signalled} was taken back, or the thread is interrupted. By the flag,
     * because a lock that the thread had to wait for since may have used up the permit of {@link LockSupport}.
     */
    private void awaitSignal() {
        while (!signalled && !Thread.currentThread().isInterrupted()) {
            LockSupport.park(this);
        }
    }

    /** Blocks as {@link Call#run} does. */
    ChatResponse run() {
        CacheKey key = SharedCalls.key(route, request);
        TimeSource.Timer limit = timeSource.schedule(deadline.remainingNanos(), this::stop);
        try (Cancellation.Registration registration = cancellation.onCancel(this::stop)) {
            ChatResponse response;
            do {
                stopIfOver();
                response = answer(key);
            } while (response == null);
            return response;
        } finally {
            limit.cancel();
        }
    }

    private void stop() {
        over = true;
        LiveAnswer.Reception waiting = reception;
        if (waiting != null) {
            waiting.end();
        }
        wake();
    }

    /** Null if the call is to look again. */
    private @Nullable ChatResponse answer(CacheKey key) {
        CachedAnswer cached = calls.lookUp(key);
        if (cached != null) {
            return replay(cached);
        }
        Flight taken = calls.take(key, this);
        try {
            if (!board(taken)) {
                return null;
            }
            cached = joined == null ? calls.start(key, taken, this) : null;
            return cached == null ? follow(taken) : replay(cached);
        } finally {
            taken.leave(this);
        }
    }

    private boolean board(Flight taken) {
        Flight.Seat seat = taken.board(this);
        if (seat != null) {
            flight = taken;
            joined = seat.joined();
            read = seat.from();
        }
        return seat != null;
    }

    // ---- From the cache

    private ChatResponse replay(CachedAnswer cached) {
        flight = null;
        joined = null;
        AnswerCollector collector = new AnswerCollector();
        begin(cached.provider(), Trail.EMPTY);
        for (ChatEvent event : cached.events()) {
            collector.add(event);
            pass(event);
        }
        if (missedSomething()) {
            stopIfOver();
        }
        Trail.Step step = new Trail.Cached(cached.provider(), calls.age(cached));
        return collector.answer(cached.provider()).trail(trail(List.of(step))).build();
    }

    private void begin(String provider, Trail soFar) {
        LiveAnswer.Reception began = live.attempt(provider, soFar);
        reception = began;
        if (over) {
            began.end();
        }
    }

    private void pass(ChatEvent event) {
        finished = event instanceof ChatEvent.Finished && !over;
        LiveAnswer.Reception current = reception;
        if (current != null) {
            current.event(event, StreamedCall.NOTHING);
        }
    }

    private boolean missedSomething() {
        return over && !finished && delivery() == Delivery.STREAMED;
    }

    // ---- From a flight

    private @Nullable ChatResponse follow(Flight flight) {
        Flight.Began attempt = null;
        while (true) {
            signalled = false;
            Flight.Entry next = delivery() == Delivery.WHOLE || read == null ? flight.ended() : read.next;
            if (next == null || missedSomething()) {
                stopUnlessEnding(flight);
            }
            if (next == null) {
                awaitSignal();
                continue;
            }
            if (attempt != null && next instanceof Flight.Event) {
                Flight.Failed failed = attempt.failed;
                if (failed != null && !live.endsAt(failed.attempt.failure().kind())) {
                    // Void already, and nothing of it was shown that stays.
                    next = failed;
                }
            }
            read = next;
            if (next instanceof Flight.Began began) {
                attempt = began;
                begin(began.provider, trail(began.soFar.steps()));
            } else if (next instanceof Flight.Event came) {
                pass(came.event);
            } else if (next instanceof Flight.Failed failed) {
                failed(failed.attempt);
            } else if (next instanceof Flight.Ended ended) {
                return take(ended);
            }
        }
    }

    private void failed(LiveAnswer.BrokenOff attempt) {
        reception = null;
        LiveAnswer.BrokenOff own = new LiveAnswer.BrokenOff(
                attempt.provider(),
                attempt.failure(),
                attempt.partialText(),
                trail(attempt.trail().steps()));
        if (live.failed(own)) {
            stopIfUnwanted();
            throw new StreamFailedException(own);
        }
    }

    private @Nullable ChatResponse take(Flight.Ended ended) {
        ChatResponse response = ended.response;
        if (response != null) {
            if (missedSomething()) {
                stopIfOver();
            }
            return response.withTrail(trail(response.trail().steps()));
        }
        Throwable failure = ended.failure;
        if (failure == null || failure instanceof DeadlineExceededException) {
            // Its own deadline; or it came too late to move the flight's, and looks again.
            stopIfOver();
            return null;
        }
        stopIfUnwanted();
        if (failure instanceof OrchestratorException e) {
            throw e.forCaller(trail(e.trail().steps()));
        }
        if (failure instanceof Error e) {
            throw e;
        }
        throw failure instanceof RuntimeException e ? e : new CompletionException(failure);
    }

    // ---- The end of this call alone

    /** A flight whose own deadline has been reached, too, ends in a moment, and knows how its attempt ended. */
    private void stopUnlessEnding(Flight flight) {
        stopIfUnwanted();
        if (deadline.isExpired() && !flight.isExpired()) {
            throw ended(new DeadlineExceededException(allowed, firstFailure(), soFar()));
        }
    }

    private void stopIfOver() {
        stopIfUnwanted();
        if (deadline.isExpired()) {
            throw ended(new DeadlineExceededException(allowed, firstFailure(), soFar()));
        }
    }

    private void stopIfUnwanted() {
        CallCancelledException.Reason reason = calls.context().unwanted(cancellation);
        if (reason != null) {
            throw ended(new CallCancelledException(reason, firstFailure(), soFar()));
        }
    }

    private OrchestratorException ended(OrchestratorException end) {
        if (flight != null) {
            end.keep(flight.partialText());
        }
        return end;
    }

    private @Nullable Throwable firstFailure() {
        return flight == null ? null : flight.firstFailure();
    }

    private Trail soFar() {
        return trail(flight == null ? List.of() : flight.steps());
    }

    private Trail trail(List<Trail.Step> steps) {
        List<Trail.Step> all = steps;
        if (joined != null) {
            all = new ArrayList<>(steps.size() + 1);
            all.add(joined);
            all.addAll(steps);
        }
        return new Trail(all, Duration.ofNanos(timeSource.nanoTime() - startNanos));
    }
}
