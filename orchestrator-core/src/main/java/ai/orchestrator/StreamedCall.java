package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hands the events of a call, which runs on a thread of its own, to whoever reads them. What an attempt reports is held back for as long as
 * the contract says, so that a failure until then is not seen.
 */
final class StreamedCall implements ChatStream, LiveAnswer, SubmittedCall.Outcome {

    /** How far the provider may be ahead of the reader before it is made to wait. */
    private static final int MAX_UNREAD = 256;

    /** How much is held back before it is shown after all. */
    private static final int MAX_HELD = 65_536;

    private static final int MAX_HELD_CHARACTERS = 4_000_000;

    /** For a reader that comes by itself. */
    static final Runnable NOTHING = () -> {};

    private final Cancellation cancellation;
    private final StreamRescue rescue;
    private final boolean liveReasoning;

    /** Told, without the lock, that there may be something to read, or that nothing more will come. */
    private final Runnable onChange;

    /** Guards every field; never held while anything blocks but on its own conditions. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition changed = lock.newCondition();
    private final Queue<ChatEvent> unread = new ArrayDeque<>();
    private @Nullable HeldReception current;
    private @Nullable ChatResponse response;
    private @Nullable RuntimeException failure;
    private @Nullable Error error;
    private boolean ended;
    private boolean closed;

    /** What the call has done, for a reader that does not wait for its end. */
    private Trail soFar = Trail.EMPTY;

    private @Nullable ProviderException firstFailure;

    /** Whether the thread that reads, or the call's own, was interrupted, so that the call is to be cancelled. */
    private boolean abandoned;

    /** Whether the reader has seen the answer's end: the call itself may end a little later. */
    private boolean finishedRead;

    /** Whether the reader has seen something of an answer that has not been declared void. */
    private boolean answerRead;

    /** What the reader must see before anything of another answer. */
    private ChatEvent.@Nullable Restarted restart;

    StreamedCall(Cancellation cancellation, StreamRescue rescue, boolean liveReasoning, Runnable onChange) {
        this.cancellation = cancellation;
        this.rescue = rescue;
        this.liveReasoning = liveReasoning;
        this.onChange = onChange;
    }

    // ---- The call's side

    @Override
    public Delivery delivery() {
        return Delivery.STREAMED;
    }

    @Override
    public Reception attempt(String provider, Trail trail) {
        HeldReception reception = new HeldReception();
        lock.lock();
        try {
            soFar = trail;
            current = reception;
        } finally {
            lock.unlock();
        }
        return reception;
    }

    @Override
    public boolean failed(BrokenOff attempt) {
        FailureKind kind = attempt.failure().kind();
        lock.lock();
        try {
            soFar = attempt.trail();
            firstFailure = firstFailure == null ? attempt.failure() : firstFailure;
            HeldReception reception = current;
            current = null;
            changed.signalAll();
            if (reception == null || !reception.shown) {
                return false;
            }
            if (!reception.canBeTakenBack(kind)) {
                return true;
            }
            // What the reader has not fetched is taken back unnoticed.
            unread.clear();
            if (answerRead) {
                restart = new ChatEvent.Restarted(attempt.provider(), kind);
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean endsAt(FailureKind kind) {
        lock.lock();
        try {
            return current != null && !current.canBeTakenBack(kind);
        } finally {
            lock.unlock();
        }
    }

    /** The call has ended with an answer. */
    @Override
    public void complete(ChatResponse answer) {
        end(() -> {
            if (current != null) {
                if (!current.endTaken) {
                    // It came in time, and a limit or a cancellation between then and here.
                    current.held.add(new ChatEvent.Finished(answer.finishReason()));
                }
                current.show();
            }
            response = answer;
        });
    }

    /** The call has ended with a failure. */
    @Override
    public void fail(Throwable cause) {
        end(() -> {
            if (cause instanceof Error thrown) {
                error = thrown;
            } else {
                failure = cause instanceof RuntimeException exception ? exception : new CompletionException(cause);
            }
        });
    }

    private void end(Runnable outcome) {
        lock.lock();
        try {
            // What the reader was told first stays true.
            if (failure == null) {
                outcome.run();
            }
            ended = true;
            current = null;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        onChange.run();
    }

    /** One attempt's events. */
    private final class HeldReception implements Reception {

        private final List<ChatEvent> held = new ArrayList<>();
        private int heldCharacters;
        private boolean shown;
        private boolean endTaken;
        private volatile boolean waits;
        private boolean over;

        @Override
        public void end() {
            lock.lock();
            try {
                over = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean waits() {
            return waits;
        }

        @Override
        public void event(ChatEvent event, Runnable resumed) {
            lock.lock();
            try {
                if (!isCurrent()) {
                    return;
                }
                if (!shown) {
                    hold(event);
                } else {
                    show(event, resumed);
                }
            } finally {
                unlock();
            }
            if (onChange != NOTHING) {
                tellSubscriber(resumed);
            }
        }

        /** It may be called on this thread and take its time, which is no silence of the provider's. */
        private void tellSubscriber(Runnable resumed) {
            // Written by this thread alone.
            waits = shown;
            onChange.run();
            if (waits) {
                resumed.run();
                waits = false;
            }
        }

        /** Under the lock, but not while it waits. */
        private void show(ChatEvent event, Runnable resumed) {
            while (unread.size() >= MAX_UNREAD && isCurrent()) {
                waits = true;
                try {
                    changed.await();
                } catch (InterruptedException e) {
                    // By the executor's owner: the call ends, as when its caller is interrupted.
                    Thread.currentThread().interrupt();
                    over = true;
                    abandoned = true;
                }
            }
            if (waits) {
                resumed.run();
                waits = false;
            }
            if (isCurrent()) {
                endTaken |= event instanceof ChatEvent.Finished;
                unread.add(event);
                changed.signalAll();
            }
        }

        /** Under the lock. */
        private void hold(ChatEvent event) {
            held.add(event);
            endTaken |= event instanceof ChatEvent.Finished;
            heldCharacters += characters(event);
            if (commits(event) || held.size() >= MAX_HELD || heldCharacters >= MAX_HELD_CHARACTERS) {
                show();
            }
        }

        /** Under the lock. */
        private void show() {
            if (restart != null && !held.isEmpty()) {
                unread.add(restart);
                restart = null;
            }
            shown = true;
            unread.addAll(held);
            held.clear();
            changed.signalAll();
        }

        /** Under the lock. A reader that was too slow is not helped by another answer, and one that has seen the end asks for none. */
        private boolean canBeTakenBack(FailureKind kind) {
            return !shown || (rescue == StreamRescue.RESTART && kind != FailureKind.CANCELLED && !finishedRead);
        }

        private boolean isCurrent() {
            return current == this && !over && !closed;
        }

        private boolean commits(ChatEvent event) {
            if (rescue == StreamRescue.HOLD) {
                return false;
            }
            return event instanceof ChatEvent.Text
                    || event instanceof ChatEvent.ToolCallPiece
                    || event instanceof ChatEvent.ToolCalled
                    || event instanceof ChatEvent.Finished
                    || (liveReasoning && event instanceof ChatEvent.Reasoning);
        }

        private static int characters(ChatEvent event) {
            if (event instanceof ChatEvent.Text piece) {
                return piece.text().length();
            }
            if (event instanceof ChatEvent.Reasoning piece) {
                return piece.text().length();
            }
            return event instanceof ChatEvent.ToolCallPiece piece
                    ? piece.arguments().length()
                    : 0;
        }
    }

    // ---- The reader's side

    @Override
    public boolean hasNext() {
        lock.lock();
        try {
            awaitNext();
            if (!unread.isEmpty()) {
                return true;
            }
            throwFailure();
            return false;
        } finally {
            unlock();
        }
    }

    @Override
    public ChatEvent next() {
        lock.lock();
        try {
            if (!hasNext()) {
                throw new NoSuchElementException("the stream has ended");
            }
            return remove();
        } finally {
            unlock();
        }
    }

    /** Under the lock. */
    private ChatEvent remove() {
        ChatEvent next = unread.remove();
        finishedRead |= next instanceof ChatEvent.Finished;
        answerRead = !(next instanceof ChatEvent.Restarted);
        changed.signalAll();
        return next;
    }

    /** What follows, if it is there already. */
    @Nullable
    ChatEvent poll() {
        lock.lock();
        try {
            return unread.isEmpty() ? null : remove();
        } finally {
            lock.unlock();
        }
    }

    /** Whether nothing follows and nothing will. */
    boolean isOver() {
        lock.lock();
        try {
            return unread.isEmpty() && (ended || closed);
        } finally {
            lock.unlock();
        }
    }

    /** What ended the call; null for an answer. */
    @Nullable
    Throwable failure() {
        lock.lock();
        try {
            return failure != null ? failure : error;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public ChatResponse response() {
        lock.lock();
        try {
            while (response == null) {
                awaitNext();
                throwFailure();
                unread.clear();
                changed.signalAll();
            }
            unread.clear();
            return response;
        } finally {
            unlock();
        }
    }

    /** Waits until there is something to read, or nothing more will come. */
    private void awaitNext() {
        try {
            while (unread.isEmpty() && !ended && !closed) {
                changed.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            CallCancelledException interrupted =
                    new CallCancelledException(CallCancelledException.Reason.INTERRUPTED, cause(e), soFar);
            if (!ended && !closed) {
                failure = interrupted;
                closed = true;
                abandoned = true;
            }
            throw interrupted;
        }
    }

    /** Without the lock, because a provider may hold one of its own that it waits for when it is cancelled. */
    private void unlock() {
        boolean cancel = abandoned && lock.getHoldCount() == 1;
        lock.unlock();
        if (cancel) {
            cancellation.cancel();
        }
    }

    private Throwable cause(InterruptedException e) {
        return firstFailure == null ? e : firstFailure;
    }

    private void throwFailure() {
        if (failure != null) {
            throw failure;
        }
        if (error != null) {
            throw error;
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (finishedRead) {
                // The answer stays. What its provider may still be doing is not waited for.
                return;
            }
            boolean unfinished = !ended || !unread.isEmpty();
            if (unfinished && failure == null && error == null) {
                failure = new CallCancelledException(CallCancelledException.Reason.CANCELLED, firstFailure, soFar);
            }
            closed = true;
            unread.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
            cancellation.cancel();
        }
    }
}
