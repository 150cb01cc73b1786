package ai.orchestrator.providers;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.UnknownHostException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import okhttp3.Call;
import org.jspecify.annotations.Nullable;

/**
 * A call that runs on the thread that makes it, which may be interrupted. A thread that is blocked in a socket notices nothing of that, but
 * {@link Thread#interrupt} closes the channel in which the thread has said that it blocks: this is one, and closing it cancels the call. May be
 * cancelled by any thread; the rest is for the one that makes the call.
 */
final class CallOnThread extends AbstractInterruptibleChannel {

    private static final ThreadLocal<@Nullable CallOnThread> OF_THREAD = new ThreadLocal<>();

    private final Call call;

    /** The one that this call was made from, by an interceptor or whoever takes the answer. */
    private final @Nullable CallOnThread outer = OF_THREAD.get();

    private volatile @Nullable CompletableFuture<?> detached;

    CallOnThread(Call call) {
        this.call = call;
    }

    /** From here on an interrupt cancels the call. One that came before does so now. */
    void enter() {
        OF_THREAD.set(this);
        begin();
    }

    /**
     * From here on an interrupt finds the thread as it was before.
     *
     * @return whether one came in between
     */
    boolean leave() {
        boolean interrupted = false;
        try {
            end(true);
        } catch (AsynchronousCloseException e) {
            interrupted = true;
        }
        if (outer == null) {
            OF_THREAD.remove();
        } else {
            outer.enter();
        }
        return interrupted;
    }

    /** To be told before the thread may block for long: whatever else it has blocked in since has taken the place of the call. */
    static void blocks() {
        CallOnThread current = OF_THREAD.get();
        if (current != null) {
            current.begin();
        }
    }

    /** Cancels the call, on any thread. */
    void cancel() {
        try {
            close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    protected void implCloseChannel() throws IOException {
        try {
            call.cancel();
        } catch (RuntimeException e) {
            // From a listener of the application's, and not to be thrown at whoever interrupts.
            throw new IOException(e);
        } finally {
            CompletableFuture<?> pending = detached;
            if (pending != null) {
                pending.cancel(false);
            }
        }
    }

    /**
     * Does what can be neither interrupted nor cancelled. A thread that makes a call by itself has it done by another, and leaves that alone
     * when the call is cancelled.
     *
     * @throws UnknownHostException as the work does, or if the call is cancelled
     */
    static <T> T detached(Executor executor, Callable<T> work) throws UnknownHostException {
        CallOnThread current = OF_THREAD.get();
        try {
            return current == null ? work.call() : current.await(executor, work);
        } catch (UnknownHostException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw unknown(e.getMessage() == null ? e.toString() : e.getMessage(), e);
        }
    }

    private <T> T await(Executor executor, Callable<T> work) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        detached = result;
        if (!isOpen()) {
            throw unknown("cancelled", null);
        }
        try {
            executor.execute(() -> {
                try {
                    result.complete(work.call());
                } catch (Throwable e) {
                    // Whoever waits must be told, whatever it was.
                    result.completeExceptionally(e);
                }
            });
            return result.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (CancellationException | RejectedExecutionException e) {
            throw unknown("cancelled", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            detached = null;
        }
    }

    private static UnknownHostException unknown(String message, @Nullable Throwable cause) {
        UnknownHostException unknown = new UnknownHostException(message);
        if (cause != null) {
            unknown.initCause(cause);
        }
        return unknown;
    }
}
