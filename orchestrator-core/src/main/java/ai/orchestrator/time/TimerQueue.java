package ai.orchestrator.time;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Tasks in the order in which they are due, those of the same moment as they were added: a binary heap whose entries know their place, so that
 * one that is cancelled leaves at once. Safe for use by several threads.
 */
final class TimerQueue {

    private static final int INITIAL_CAPACITY = 16;
    private static final int NOWHERE = -1;

    private @Nullable Entry[] heap = new @Nullable Entry[INITIAL_CAPACITY];
    private int size;
    private long added;
    private boolean closed;

    /** A task and when it is due. */
    static final class Entry implements TimeSource.Timer {

        private final TimerQueue queue;
        private final long dueNanos;
        private long number;
        private int index = NOWHERE;
        private @Nullable Runnable task;

        private Entry(TimerQueue queue, long dueNanos, Runnable task) {
            this.queue = queue;
            this.dueNanos = dueNanos;
            this.task = task;
        }

        long dueNanos() {
            return dueNanos;
        }

        /** Takes it out of its queue; null if it has left that already. */
        @Nullable
        Runnable take() {
            return queue.take(this);
        }

        @Override
        public void cancel() {
            take();
        }

        private boolean isBefore(Entry other) {
            return dueNanos == other.dueNanos ? number < other.number : dueNanos - other.dueNanos < 0;
        }
    }

    /** Adds a task, unless the queue is closed. */
    Entry add(long dueNanos, Runnable task) {
        Entry entry = new Entry(this, dueNanos, task);
        synchronized (this) {
            if (!closed) {
                entry.number = added++;
                if (size == heap.length) {
                    heap = Arrays.copyOf(heap, 2 * size);
                }
                moveUp(size++, entry);
            }
        }
        return entry;
    }

    /** What is due first; null if there is nothing. */
    synchronized @Nullable Entry first() {
        return heap[0];
    }

    /** How many were added, ever. */
    synchronized long added() {
        return added;
    }

    /** Drops what is there and what comes. */
    synchronized void close() {
        closed = true;
        for (int i = 0; i < size; i++) {
            Entry entry = at(i);
            entry.index = NOWHERE;
            entry.task = null;
        }
        heap = new @Nullable Entry[1];
        size = 0;
    }

    private synchronized @Nullable Runnable take(Entry entry) {
        if (entry.index == NOWHERE) {
            return null;
        }
        size--;
        Entry last = at(size);
        heap[size] = null;
        if (last != entry) {
            moveDown(entry.index, last);
            if (heap[entry.index] == last) {
                moveUp(entry.index, last);
            }
        }
        if (heap.length > 4 * INITIAL_CAPACITY && size < heap.length / 4) {
            heap = Arrays.copyOf(heap, heap.length / 2);
        }
        entry.index = NOWHERE;
        Runnable task = entry.task;
        entry.task = null;
        return task;
    }

    private void moveUp(int from, Entry entry) {
        int index = from;
        while (index > 0 && entry.isBefore(at((index - 1) / 2))) {
            put(index, at((index - 1) / 2));
            index = (index - 1) / 2;
        }
        put(index, entry);
    }

    private void moveDown(int from, Entry entry) {
        int index = from;
        while (2 * index + 1 < size) {
            int child = 2 * index + 1;
            if (child + 1 < size && at(child + 1).isBefore(at(child))) {
                child++;
            }
            if (!at(child).isBefore(entry)) {
                break;
            }
            put(index, at(child));
            index = child;
        }
        put(index, entry);
    }

    private void put(int index, Entry entry) {
        heap[index] = entry;
        entry.index = index;
    }

    private Entry at(int index) {
        Entry entry = heap[index];
        if (entry == null) {
            throw new IllegalStateException("nothing at " + index + " of " + size);
        }
        return entry;
    }
}
