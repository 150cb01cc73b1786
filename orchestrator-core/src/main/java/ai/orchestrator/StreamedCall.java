package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hands the events of a call, which runs on a thread of its own, to the thread that reads them. What an attempt reports before its first
 * piece of text or of a tool call is held back, so that a failure until then is not seen.
 */
final class StreamedCall implements ChatStream, LiveAnswer {

    /** How far the provider may be ahead of the reader before it is made to wait. */
    private static final int MAX_UNREAD = 256;

    /** How much reasoning is held back before it is shown after all, in events. */
    private static final int MAX_HELD = 16_384;

    private final Cancellation cancellation;

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

    /** Whether the reader has seen the answer's end: the call itself may end a little later. */
    private boolean finishedRead;

    StreamedCall(Cancellation cancellation) {
        this.cancellation = cancellation;
    }

    // ---- The call's side

    @Override
    public Reception attempt() {
        HeldReception reception = new HeldReception();
        lock.lock();
        try {
            current = reception;
        } finally {
            lock.unlock();
        }
        return reception;
    }

    @Override
    public boolean failed() {
        lock.lock();
        try {
            HeldReception reception = current;
            current = null;
            changed.signalAll();
            return reception != null && reception.shown;
        } finally {
            lock.unlock();
        }
    }

    /** The call has ended with an answer. */
    void complete(ChatResponse answer) {
        end(() -> response = answer);
    }

    /** The call has ended with a failure. */
    void fail(Throwable cause) {
        end(() -> {
            if (cause instanceof RuntimeException exception) {
                failure = exception;
            } else {
                error = (Error) cause;
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
    }

    /** One attempt's events. */
    private final class HeldReception implements Reception {

        private final List<ChatEvent> held = new ArrayList<>();
        private boolean shown;
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
                    held.add(event);
                    if (!commits(event) && held.size() < MAX_HELD) {
                        return;
                    }
                    shown = true;
                    unread.addAll(held);
                    held.clear();
                } else {
                    while (unread.size() >= MAX_UNREAD && isCurrent()) {
                        waits = true;
                        changed.awaitUninterruptibly();
                    }
                    if (waits) {
                        resumed.run();
                        waits = false;
                    }
                    if (!isCurrent()) {
                        return;
                    }
                    unread.add(event);
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        private boolean isCurrent() {
            return current == this && !over && !closed;
        }

        private static boolean commits(ChatEvent event) {
            return event instanceof ChatEvent.Text
                    || event instanceof ChatEvent.ToolCallPiece
                    || event instanceof ChatEvent.ToolCalled
                    || event instanceof ChatEvent.Finished;
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
            lock.unlock();
        }
    }

    @Override
    public ChatEvent next() {
        lock.lock();
        try {
            if (!hasNext()) {
                throw new NoSuchElementException("the stream has ended");
            }
            ChatEvent next = unread.remove();
            finishedRead |= next instanceof ChatEvent.Finished;
            changed.signalAll();
            return next;
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
            lock.unlock();
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
                    new CallCancelledException(CallCancelledException.Reason.INTERRUPTED, e, Trail.EMPTY);
            if (!ended && !closed) {
                failure = interrupted;
                closed = true;
                // Nothing that it runs waits for this lock.
                cancellation.cancel();
            }
            throw interrupted;
        }
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
                return;
            }
            boolean unfinished = !ended || !unread.isEmpty();
            if (unfinished && failure == null && error == null) {
                failure = new CallCancelledException(CallCancelledException.Reason.CANCELLED, null, Trail.EMPTY);
            }
            closed = true;
            unread.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        cancellation.cancel();
    }
}
