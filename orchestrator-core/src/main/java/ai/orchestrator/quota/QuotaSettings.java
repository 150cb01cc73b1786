package ai.orchestrator.quota;

import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * How much a provider may be asked. Immutable and safe for use by several threads.
 *
 * <p>Nothing is limited unless it is set. Tokens are those of the request and of the answer together.
 */
public final class QuotaSettings {

    private static final QuotaSettings NONE = builder().build();

    private final OptionalLong requestsPerMinute;
    private final OptionalLong requestsPerDay;
    private final OptionalLong tokensPerMinute;
    private final OptionalLong tokensPerDay;
    private final ZoneId zone;

    private QuotaSettings(Builder builder) {
        this.requestsPerMinute = builder.requestsPerMinute;
        this.requestsPerDay = builder.requestsPerDay;
        this.tokensPerMinute = builder.tokensPerMinute;
        this.tokensPerDay = builder.tokensPerDay;
        this.zone = builder.zone;
    }

    /**
     * No limit at all.
     *
     * @return settings that nothing was set in
     */
    public static QuotaSettings none() {
        return NONE;
    }

    /**
     * A builder without any limit.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * How many requests may be made in any 60 seconds.
     *
     * @return more than zero; empty for no limit
     */
    public OptionalLong requestsPerMinute() {
        return requestsPerMinute;
    }

    /**
     * How many requests may be made in a calendar day.
     *
     * @return more than zero; empty for no limit
     */
    public OptionalLong requestsPerDay() {
        return requestsPerDay;
    }

    /**
     * How many tokens may be used in any 60 seconds.
     *
     * @return more than zero; empty for no limit
     */
    public OptionalLong tokensPerMinute() {
        return tokensPerMinute;
    }

    /**
     * How many tokens may be used in a calendar day.
     *
     * @return more than zero; empty for no limit
     */
    public OptionalLong tokensPerDay() {
        return tokensPerDay;
    }

    /**
     * Where the calendar day begins at midnight.
     *
     * @return the zone
     */
    public ZoneId zone() {
        return zone;
    }

    /** One of the four. */
    OptionalLong limit(QuotaUnit unit, QuotaWindow window) {
        boolean isMinute = window == QuotaWindow.MINUTE;
        return unit == QuotaUnit.REQUESTS
                ? (isMinute ? requestsPerMinute : requestsPerDay)
                : (isMinute ? tokensPerMinute : tokensPerDay);
    }

    /**
     * Whether tokens are limited, by the minute or by the day.
     *
     * @return true if a call's tokens are of importance
     */
    public boolean countsTokens() {
        return tokensPerMinute().isPresent() || tokensPerDay().isPresent();
    }

    /**
     * Whether nothing is limited.
     *
     * @return true if no limit is set
     */
    public boolean isEmpty() {
        return requestsPerMinute.isEmpty()
                && requestsPerDay.isEmpty()
                && tokensPerMinute.isEmpty()
                && tokensPerDay.isEmpty();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof QuotaSettings other
                && requestsPerMinute.equals(other.requestsPerMinute)
                && requestsPerDay.equals(other.requestsPerDay)
                && tokensPerMinute.equals(other.tokensPerMinute)
                && tokensPerDay.equals(other.tokensPerDay)
                && zone.equals(other.zone);
    }

    @Override
    public int hashCode() {
        return Objects.hash(requestsPerMinute, requestsPerDay, tokensPerMinute, tokensPerDay, zone);
    }

    @Override
    public String toString() {
        return "QuotaSettings(requestsPerMinute=" + text(requestsPerMinute) + ", requestsPerDay=" + text(requestsPerDay)
                + ", tokensPerMinute=" + text(tokensPerMinute) + ", tokensPerDay=" + text(tokensPerDay) + ", zone="
                + zone + ")";
    }

    private static String text(OptionalLong limit) {
        return limit.isPresent() ? Long.toString(limit.getAsLong()) : "unlimited";
    }

    /** Builds settings; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private OptionalLong requestsPerMinute = OptionalLong.empty();
        private OptionalLong requestsPerDay = OptionalLong.empty();
        private OptionalLong tokensPerMinute = OptionalLong.empty();
        private OptionalLong tokensPerDay = OptionalLong.empty();
        private ZoneId zone = ZoneOffset.UTC;

        private Builder() {}

        /**
         * Sets how many requests may be made in any 60 seconds; no limit by default.
         *
         * @param requestsPerMinute more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder requestsPerMinute(long requestsPerMinute) {
            this.requestsPerMinute = limit("requestsPerMinute", requestsPerMinute);
            return this;
        }

        /**
         * Sets how many requests may be made in a calendar day; no limit by default.
         *
         * @param requestsPerDay more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder requestsPerDay(long requestsPerDay) {
            this.requestsPerDay = limit("requestsPerDay", requestsPerDay);
            return this;
        }

        /**
         * Sets how many tokens may be used in any 60 seconds; no limit by default. A single call that may need more is let through when
         * nothing else is under way, since it could never be served otherwise.
         *
         * @param tokensPerMinute more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder tokensPerMinute(long tokensPerMinute) {
            this.tokensPerMinute = limit("tokensPerMinute", tokensPerMinute);
            return this;
        }

        /**
         * Sets how many tokens may be used in a calendar day; no limit by default. A single call that may need more is let through when
         * nothing of the day is used, since it could never be served otherwise.
         *
         * @param tokensPerDay more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder tokensPerDay(long tokensPerDay) {
            this.tokensPerDay = limit("tokensPerDay", tokensPerDay);
            return this;
        }

        /**
         * Sets where the calendar day begins at midnight; UTC by default. Vendors that count by the day name their zone.
         *
         * @param zone the zone
         * @return this builder
         */
        public Builder zone(ZoneId zone) {
            this.zone = zone.normalized();
            return this;
        }

        /**
         * Builds the settings.
         *
         * @return immutable settings
         */
        public QuotaSettings build() {
            return new QuotaSettings(this);
        }

        private static OptionalLong limit(String option, long value) {
            if (value <= 0) {
                throw new IllegalArgumentException(option + " must be more than zero but is " + value);
            }
            return OptionalLong.of(value);
        }
    }
}
