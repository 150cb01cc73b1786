package ai.orchestrator.simulation;

import ai.orchestrator.ProviderSettings;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.QuotaSettings;
import java.time.Duration;

/** Traffic at three providers, the first of which has trouble in most of them. */
@SuppressWarnings("ImmutableEnumChecker") // Its functions have no state.
enum Scenario {
    FAIR("Fair weather", "Nothing happens.", (from, until, load) -> Weather.fair()),

    LONG_ANSWERS(
            "Long answers",
            "All three providers are well, but the answers are long: 12, 18 and 24 seconds in the median, of a deadline of 30.",
            (from, until, load) -> Weather.during(Duration.ZERO, Duration.ofDays(1), Condition.slow(12))),

    OUTAGE(
            "Outage",
            "The first provider answers 503 at once.",
            (from, until, load) -> Weather.during(from, until, Condition.fails(FailureKind.OVERLOADED, 503))),

    BROWN_OUT(
            "Brown-out",
            "Three in ten of the first provider's attempts fail with 500, and the others take four times as long.",
            (from, until, load) -> Weather.during(
                    from, until, Condition.fails(FailureKind.SERVER, 500).partly(0.3, 4))),

    FLAPPING(
            "Flapping",
            "The first provider answers 503 for half a minute, is well for half a minute, and so on.",
            (from, until, load) ->
                    Weather.byTurns(from, until, Duration.ofSeconds(30), Condition.fails(FailureKind.OVERLOADED, 503))),

    RATE_LIMIT(
            "Rate limit",
            "The first provider takes a third of the load in each minute, which is no sickness and counts here all the same, and answers"
                    + " 429 to the rest, with `Retry-After`.",
            (from, until, load) ->
                    Weather.limited(from, until, load * 20, Condition.fails(FailureKind.RATE_LIMITED, 429), true)),

    RATE_LIMIT_WITHOUT_HINT(
            "Rate limit without a hint",
            "The same, but it does not say when to come back.",
            (from, until, load) ->
                    Weather.limited(from, until, load * 20, Condition.fails(FailureKind.RATE_LIMITED, 429), false)),

    QUOTA_EXHAUSTED(
            "Quota exhausted",
            "The first provider says that its quota is used up, and does not say until when.",
            (from, until, load) -> Weather.during(from, until, Condition.fails(FailureKind.QUOTA_EXHAUSTED, 429))),

    QUOTA_KNOWN(
            "Quota known",
            "The first provider takes 900 attempts a day, as the configuration says, and midnight comes after half an hour.",
            (from, until, load) -> Weather.daily(until, 900, Condition.fails(FailureKind.QUOTA_EXHAUSTED, 429))) {
        @Override
        void configure(ProviderSettings.Builder first) {
            first.quota(QuotaSettings.builder().requestsPerDay(900).build());
        }
    },

    SLOW_DEATH(
            "Slow death",
            "The first provider becomes slower and slower, thirty times as slow in the end, and then falls silent.",
            (from, until, load) -> Weather.slowDeath(from, until, 30)),

    BLACK_HOLE(
            "Black hole",
            "The first provider takes every request and never answers.",
            (from, until, load) -> Weather.during(from, until, Condition.SILENT)),

    HOT_RESTART(
            "Hot restart",
            "The first provider refuses connections for a quarter of the time. Then it gets warm: it works on a part of what comes,"
                    + " which grows, and answers 503 to the rest.",
            (from, until, load) -> Weather.restart(
                    from,
                    until,
                    load,
                    Condition.fails(FailureKind.NETWORK, 0),
                    Condition.fails(FailureKind.OVERLOADED, 503))),

    BLIP(
            "Blip",
            "Nobody can be reached for ten seconds, as when the caller's own network fails.",
            (from, until, load) -> Weather.during(from, from.plusSeconds(10), Condition.fails(FailureKind.NETWORK, 0))),

    ALL_DOWN(
            "All down",
            "All three providers answer 503 for two minutes.",
            (from, until, load) ->
                    Weather.during(from, from.plusMinutes(2), Condition.fails(FailureKind.OVERLOADED, 503)));

    final String title;
    final String story;
    private final Forecast forecast;

    /** What the first provider goes through. */
    @FunctionalInterface
    private interface Forecast {

        /** @param load calls a second */
        Weather weather(Duration from, Duration until, int load);
    }

    Scenario(String title, String story, Forecast forecast) {
        this.title = title;
        this.story = story;
        this.forecast = forecast;
    }

    Weather first(Traffic traffic) {
        return forecast.weather(traffic.troubleFrom(), traffic.troubleUntil(), traffic.callsPerSecond());
    }

    /** What each of the other two goes through. */
    Weather others(Traffic traffic) {
        return this == LONG_ANSWERS || this == BLIP || this == ALL_DOWN ? first(traffic) : Weather.fair();
    }

    /** What the configuration says of the first provider. */
    void configure(ProviderSettings.Builder first) {}
}
