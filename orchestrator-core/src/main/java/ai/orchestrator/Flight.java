package ai.orchestrator;

import ai.orchestrator.cache.CachedAnswer;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One call on behalf of all who ask the same at the same time, on a thread of its own. It writes down what happens, and each caller reads
 * that at its own pace; what all have read is garbage, but for the attempt under way, of which one who comes later needs everything.
 */
final class Flight implements LiveAnswer {

    /** Something that happened, and a link to what did next. */
    abstract static sealed class Entry {

        /** Written once, under the flight's lock. */
        volatile @Nullable Entry next;
    }

    static final class Boarding extends Entry {}

    static final class Began extends Entry {

        final String provider;
        final Trail soFar;

        /** How the attempt ended, if it failed, so that a reader need not go through an answer that is void. */
        volatile @Nullable Failed failed;

        Began(String provider, Trail soFar) {
            this.provider = provider;
            this.soFar = soFar;
        }
    }

    static final class Event extends Entry {

        final ChatEvent event;

        Event(ChatEvent event) {
            this.event = event;
        }
    }

    static final class Failed extends Entry {

        final BrokenOff attempt;

        Failed(BrokenOff attempt) {
            this.attempt = attempt;
        }
    }

    /** The last entry: an answer, or a failure, or neither if there is another way to an answer. */
    static final class Ended extends Entry {

        final @Nullable ChatResponse response;
        final @Nullable Throwable failure;

        Ended(@Nullable ChatResponse response, @Nullable Throwable failure) {
            this.response = response;
            this.failure = failure;
        }
    }

    /**
     * A caller's place.
     *
     * @param from what it reads begins after this
     * @param joined what its trail begins with; null for the caller for whom the flight was begun
     */
    record Seat(Entry from, Trail.@Nullable Joined joined) {}

    private final TimeSource timeSource;
    private final Delivery delivery;
    private final long startNanos;
    private final Cancellation cancellation = new Cancellation();

    // All but what is volatile is guarded by this, which is never held while anything blocks.
    private final Set<SharedCall> callers = new LinkedHashSet<>();
    private boolean closed;
    private Entry last = new Boarding();

    /** What comes after this is all that one who boards now must read. */
    private Entry boarding = last;

    private @Nullable Began current;
    private volatile @Nullable Ended ended;
    private volatile @Nullable ProviderException firstFailure;
    private volatile Trail soFar = Trail.EMPTY;

    /** What had come of the last attempt that broke off. */
    private String partialText = "";

    /** That of the caller who can wait longest. */
    private volatile Deadline latest;

    Flight(TimeSource timeSource, SharedCall first) {
        this.timeSource = timeSource;
        this.startNanos = timeSource.nanoTime();
        this.delivery = first.delivery();
        this.latest = first.deadline();
    }

    // ---- The callers' side

    /** Takes a caller in; null if it comes too late. */
    synchronized @Nullable Seat board(SharedCall caller) {
        if (isClosed()) {
            return null;
        }
        Trail.Joined joined = callers.isEmpty()
                ? null
                : new Trail.Joined(
                        current == null ? "" : current.provider, Duration.ofNanos(timeSource.nanoTime() - startNanos));
        callers.add(caller);
        if (caller.deadline().remainingNanos() > latest.remainingNanos()) {
            latest = caller.deadline();
        }
        return new Seat(boarding, joined);
    }

    /** A caller waits no longer. What nobody waits for is cancelled, unless it ends by itself now. */
    void leave(SharedCall caller) {
        synchronized (this) {
            callers.remove(caller);
            if (!callers.isEmpty() || isClosed()) {
                return;
            }
            closed = true;
        }
        cancellation.cancel();
    }

    /** Whether nobody is taken in any more. */
    synchronized boolean isClosed() {
        // Once its deadline has been reached it ends by itself, and nothing must move that any more.
        closed |= latest.isExpired();
        return closed;
    }

    /** Whether its last deadline has been reached, so that it is about to end. */
    boolean isExpired() {
        return isClosed() && latest.isExpired();
    }

    @Nullable
    Ended ended() {
        return ended;
    }

    /** What it has done so far. */
    List<Trail.Step> steps() {
        return soFar.steps();
    }

    @Nullable
    ProviderException firstFailure() {
        return firstFailure;
    }

    /** What has come of the answer under way, or else of the last one that broke off. */
    synchronized String partialText() {
        StringBuilder text = new StringBuilder();
        for (ChatEvent event : events()) {
            if (event instanceof ChatEvent.Text piece) {
                text.append(piece.text());
            }
        }
        return text.isEmpty() ? partialText : text.toString();
    }

    // ---- The call's side

    /** Makes the call, and blocks until it has ended. */
    ChatResponse run(Call.Context context, SharedCall first) {
        Deadline deadline = Deadline.following(() -> latest);
        return new Call(context, first.route(), first.request(), first.allowed(), deadline, cancellation, this).run();
    }

    Cancellation cancellation() {
        return cancellation;
    }

    /** The answer that has come, to be kept. */
    synchronized CachedAnswer answer(ChatResponse response, Instant now) {
        List<ChatEvent> events = events();
        if (events.isEmpty() || !(events.get(events.size() - 1) instanceof ChatEvent.Finished)) {
            // It came in time, and a limit or a cancellation between then and here.
            events.add(new ChatEvent.Finished(response.finishReason()));
        }
        return new CachedAnswer(response.provider(), events, now);
    }

    /** Those of the attempt under way. */
    private List<ChatEvent> events() {
        List<ChatEvent> events = new ArrayList<>();
        for (Entry entry = boarding.next; entry != null; entry = entry.next) {
            if (entry instanceof Event came) {
                events.add(came.event);
            }
        }
        return events;
    }

    /** Takes nobody in any more, and tells everybody how it ended. */
    synchronized void end(Ended how) {
        closed = true;
        current = null;
        append(how);
        ended = how;
        callers.forEach(SharedCall::wake);
    }

    @Override
    public Delivery delivery() {
        return delivery;
    }

    @Override
    public synchronized Reception attempt(String provider, Trail trail) {
        soFar = trail;
        Began began = new Began(provider, trail);
        current = began;
        append(began);
        return new Reception() {
            @Override
            public void event(ChatEvent event, Runnable resumed) {
                report(began, event);
            }

            @Override
            public void end() {
                // Nothing waits.
            }

            @Override
            public boolean waits() {
                return false;
            }
        };
    }

    private synchronized void report(Began attempt, ChatEvent event) {
        if (current == attempt) {
            append(new Event(event));
        }
    }

    /** Some callers may be served by another attempt, and others have seen too much of this one; only where all have is it the end. */
    @Override
    public synchronized boolean failed(BrokenOff attempt) {
        Failed failed = new Failed(attempt);
        Began began = current;
        current = null;
        soFar = attempt.trail();
        partialText = attempt.partialText().isEmpty() ? partialText : attempt.partialText();
        firstFailure = firstFailure == null ? attempt.failure() : firstFailure;
        boolean over = endsAt(attempt.failure().kind());
        closed |= over;
        if (began != null) {
            began.failed = failed;
        }
        append(failed);
        boarding = failed;
        return over;
    }

    @Override
    public synchronized boolean endsAt(FailureKind kind) {
        return !callers.isEmpty() && callers.stream().allMatch(caller -> caller.endsAt(kind));
    }

    /** Under the lock. */
    private void append(Entry entry) {
        last.next = entry;
        last = entry;
        for (SharedCall caller : callers) {
            if (caller.delivery() == Delivery.STREAMED) {
                caller.wake();
            }
        }
    }
}
