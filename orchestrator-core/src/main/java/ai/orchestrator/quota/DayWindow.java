package ai.orchestrator.quota;

/** A calendar day: everything comes back at its end. */
final class DayWindow extends Window {

    private final CalendarDay day;
    private long fromMillis;
    private Batch batch;

    DayWindow(QuotaUnit unit, long limit, CalendarDay day, long now) {
        super(unit, QuotaWindow.DAY, limit, CalendarDay.LONGEST_NANOS);
        this.day = day;
        this.fromMillis = day.fromMillis();
        this.batch = new Batch(now);
    }

    /** What counts stays, until the day ends as it is now. */
    void keepDay() {
        fromMillis = day.fromMillis();
    }

    @Override
    void moveTo(long now) {
        super.moveTo(now);
        if (day.fromMillis() != fromMillis) {
            fromMillis = day.fromMillis();
            end(batch);
            batch = new Batch(now);
            startAnew();
        }
    }

    @Override
    Batch batchAt(long now) {
        return batch;
    }

    @Override
    long backInNanos(long amount, long now) {
        long dayLeft = day.leftNanos(now);
        return added() >= amount ? Math.min(addedLeftNanos(now), dayLeft) : dayLeft;
    }

    @Override
    long resetsInNanos(long now) {
        return day.leftNanos(now);
    }
}
