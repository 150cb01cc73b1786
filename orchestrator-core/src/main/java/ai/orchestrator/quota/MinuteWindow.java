package ai.orchestrator.quota;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/**
 * The last 60 seconds at any moment. What is taken comes back exactly 60 seconds later; where calls are closer together than a 1024th of
 * that, they come back with the last of them, so that memory stays bounded and the limit still holds.
 */
final class MinuteWindow extends Window {

    static final long LENGTH_NANOS = TimeUnit.MINUTES.toNanos(1);

    static final long GRAIN_NANOS = LENGTH_NANOS / 1024;

    private final ArrayDeque<Batch> batches = new ArrayDeque<>();

    MinuteWindow(QuotaUnit unit, long limit) {
        super(unit, QuotaWindow.MINUTE, limit, LENGTH_NANOS);
    }

    @Override
    void moveTo(long now) {
        super.moveTo(now);
        Batch oldest;
        while ((oldest = batches.peekFirst()) != null && now - oldest.lastNanos >= LENGTH_NANOS) {
            end(batches.removeFirst());
        }
    }

    @Override
    Batch batchAt(long now) {
        Batch youngest = batches.peekLast();
        if (youngest == null || now - youngest.firstNanos >= GRAIN_NANOS) {
            youngest = new Batch(now);
            batches.addLast(youngest);
        }
        youngest.lastNanos = now;
        return youngest;
    }

    @Override
    long backInNanos(long amount, long now) {
        long back = 0;
        boolean addedIsBack = added() == 0;
        for (Batch batch : batches) {
            long endsIn = batch.lastNanos + LENGTH_NANOS - now;
            if (!addedIsBack && addedLeftNanos(now) <= endsIn) {
                addedIsBack = true;
                back += added();
                if (back >= amount) {
                    return addedLeftNanos(now);
                }
            }
            back += batch.amount;
            if (back >= amount) {
                return endsIn;
            }
        }
        return addedLeftNanos(now);
    }

    @Override
    long resetsInNanos(long now) {
        return used() == 0 ? 0 : backInNanos(1, now);
    }

    @Override
    long changesAtNanos(long horizonNanos) {
        long changesAt = super.changesAtNanos(horizonNanos);
        Batch oldest = batches.peekFirst();
        return oldest == null ? changesAt : sooner(oldest.lastNanos + LENGTH_NANOS, changesAt);
    }
}
