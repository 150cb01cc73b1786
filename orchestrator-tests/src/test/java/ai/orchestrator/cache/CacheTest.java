package ai.orchestrator.cache;

import static ai.orchestrator.cache.Airport.REQUEST;
import static ai.orchestrator.cache.Airport.START;
import static ai.orchestrator.cache.Airport.failureOf;
import static ai.orchestrator.cache.Airport.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.cache.Airport.Reader;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.config.OrchestratorConfig;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.testkit.LogCapture;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Answers that are there already. */
@Timeout(60)
class CacheTest {

    private static final Duration NANO = Duration.ofNanos(1);

    private Airport airport = new Airport();

    @AfterEach
    void close() {
        airport.close();
    }

    /** Asks, and has it answered. */
    private ChatResponse asked(ChatRequest request, String answer) throws Exception {
        Future<ChatResponse> call = airport.call(() -> airport.orchestrator.chat(request));
        airport.first.next().say(answer).finish();
        return get(call);
    }

    private ChatResponse cached(ChatRequest request) {
        ChatResponse answer = airport.orchestrator.chat(request);
        assertThat(answer.trail().isCacheHit()).isTrue();
        return answer;
    }

    // ---- When it is used

    @Test
    void an_answer_is_given_again_and_says_so() throws Exception {
        ChatResponse first = asked(REQUEST, "fine");
        assertThat(first.trail().isCacheHit()).isFalse();
        airport.time.advance(Duration.ofHours(3));

        ChatResponse again = cached(REQUEST);
        assertThat(again.text()).isEqualTo("fine");
        assertThat(again.provider()).isEqualTo("first");
        assertThat(again.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(again.trail()).hasToString("cached answer of first, 10800 s old");
        assertThat(again.trail().steps()).containsExactly(new Trail.Cached("first", Duration.ofHours(3)));
        assertThat(again.trail().attempts()).isZero();
        assertThat(again.trail().elapsed()).isZero();
        assertThat(airport.first.asked()).isOne();
        airport.assertNothingIsLeft();
    }

    @Test
    void it_is_off_unless_somebody_asks_for_it() throws Exception {
        try (Airport off = new Airport(builder -> builder.cacheEnabled(false))) {
            for (int i = 0; i < 2; i++) {
                Future<ChatResponse> call = off.chat();
                off.first.next().say("fine").finish();
                assertThat(get(call).trail().isCacheHit()).isFalse();
            }
            CallOptions on = CallOptions.defaults().withCache(true);
            Future<ChatResponse> call = off.chat(on);
            off.first.next().say("fine").finish();
            get(call);
            assertThat(off.orchestrator.chat(REQUEST, on).trail().isCacheHit()).isTrue();
            assertThat(off.first.asked()).isEqualTo(3);
        }
    }

    @Test
    void a_call_may_refuse_it_and_its_answer_is_not_kept() throws Exception {
        CallOptions off = CallOptions.defaults().withCache(false);
        asked(REQUEST, "one");
        Future<ChatResponse> anew = airport.chat(off);
        airport.first.next().say("two").finish();
        assertThat(get(anew).text()).isEqualTo("two");
        assertThat(cached(REQUEST).text()).isEqualTo("one");
        assertThat(off).hasToString("CallOptions(deadline=default, streamRescue=default, cache=false)");
    }

    @Test
    void an_answer_needs_no_provider_to_be_well_and_an_outage_does_not_empty_the_cache() throws Exception {
        asked(REQUEST, "fine");
        airport.orchestrator.circuitBreaker("first").forceOpen();
        airport.orchestrator.circuitBreaker("second").forceOpen();
        assertThat(cached(REQUEST).text()).isEqualTo("fine");
    }

    @Test
    void a_route_has_answers_of_its_own() throws Exception {
        try (Airport routed = new Airport(builder -> builder.route("other", r -> r.providers("second", "first")))) {
            CallOptions other = CallOptions.defaults().withRoute("other");
            Future<ChatResponse> call = routed.chat();
            routed.first.next().say("one").finish();
            get(call);
            call = routed.chat(other);
            routed.second.next().say("two").finish();
            get(call);
            assertThat(routed.orchestrator.chat(REQUEST).text()).isEqualTo("one");
            assertThat(routed.orchestrator.chat(REQUEST, other).text()).isEqualTo("two");
            assertThat(routed.orchestrator.chat(REQUEST, other).trail().isCacheHit())
                    .isTrue();
        }
    }

    @Test
    void failures_are_not_kept() throws Exception {
        Future<ChatResponse> call = airport.chat();
        airport.first.next().say("hal").fail(FailureKind.BAD_REQUEST);
        failureOf(call);
        assertThat(asked(REQUEST, "fine").trail().isCacheHit()).isFalse();
    }

    @Test
    void an_answer_that_ended_for_an_unknown_reason_is_not_kept() throws Exception {
        for (int i = 0; i < 2; i++) {
            Future<ChatResponse> call = airport.chat();
            airport.first.next().say("per").finish(FinishReason.OTHER);
            assertThat(get(call).trail().isCacheHit()).isFalse();
        }
    }

    @Test
    void what_a_provider_of_ones_own_should_not_report_keeps_nobody_from_its_answer() throws Exception {
        Reader reader = airport.stream(StreamRescue.FAIL);
        Tap.Attempt attempt = airport.first.next();
        attempt.report(new ChatEvent.Restarted("first", FailureKind.NETWORK))
                .say("fine")
                .finish();
        assertThat(reader.response().text()).isEqualTo("fine");
        assertThat(asked(REQUEST, "again").trail().isCacheHit()).isFalse();
    }

    // ---- How it is given again

    private static final List<ChatEvent> EVERYTHING = List.of(
            new ChatEvent.Started("m-1", "resp-1", "req-1"),
            new ChatEvent.Headers(Map.of("x-served-by", List.of("rack 7"))),
            new ChatEvent.Reasoning("hm"),
            new ChatEvent.Reasoning("m"),
            new ChatEvent.Text("fi"),
            new ChatEvent.Text("ne"),
            new ChatEvent.ToolCallPiece(0, "weather", "{\"city\":"),
            new ChatEvent.ToolCallPiece(0, "", "\"Bonn\"}"),
            new ChatEvent.ToolCalled(0, new ToolCall("call-1", "weather", "{\"city\":\"Bonn\"}")),
            new ChatEvent.Extra(Map.of("citations", List.of("a", Map.of("b", 1)))),
            new ChatEvent.State("anthropic", "[1]"),
            new ChatEvent.Used(new Usage(3, 4, 1, 2)),
            new ChatEvent.Finished(FinishReason.TOOL_CALLS));

    private static final ChatEvent LIMITED = new ChatEvent.Limited(List.of(
            new RateLimit("requests", Optional.empty(), OptionalLong.of(9), OptionalLong.of(8), Optional.empty())));

    private Airport.Reader everything(StreamRescue rescue) throws Exception {
        Reader reader = airport.stream(rescue);
        Tap.Attempt attempt = airport.first.next();
        attempt.report(LIMITED);
        EVERYTHING.subList(0, EVERYTHING.size() - 1).forEach(attempt::report);
        attempt.finish(FinishReason.TOOL_CALLS);
        return reader;
    }

    @ParameterizedTest
    @EnumSource
    void a_stream_is_given_again_in_the_same_pieces(StreamRescue rescue) throws Exception {
        Reader first = everything(rescue);
        ChatResponse answer = first.response();
        List<ChatEvent> seen = new ArrayList<>(first.seen());
        assertThat(seen).hasSize(EVERYTHING.size() + 1).contains(LIMITED);

        Reader again = airport.stream(rescue);
        ChatResponse same = again.response();
        assertThat(again.seen()).as("without what was true then alone").isEqualTo(EVERYTHING);
        assertThat(same.trail().isCacheHit()).isTrue();
        for (ChatResponse response : List.of(same, cached(REQUEST))) {
            assertThat(response)
                    .usingRecursiveComparison()
                    .ignoringFields("trail", "rateLimits")
                    .isEqualTo(answer);
            assertThat(response.rateLimits()).isEmpty();
        }
        assertThat(airport.first.asked()).isOne();
    }

    @Test
    void what_was_held_or_taken_back_for_one_reader_is_given_to_the_next_as_the_answer_came() throws Exception {
        Reader reader = airport.stream(StreamRescue.RESTART);
        airport.first.next().say("void").fail(FailureKind.NETWORK);
        airport.second.next().say("fi", "ne").finish();
        reader.response();
        Reader again = airport.stream(StreamRescue.FAIL);
        assertThat(again.response().provider()).isEqualTo("second");
        assertThat(again.seen())
                .containsExactly(
                        new ChatEvent.Text("fi"), new ChatEvent.Text("ne"), new ChatEvent.Finished(FinishReason.STOP));
        assertThat(again.response().trail().steps()).containsExactly(new Trail.Cached("second", Duration.ZERO));
    }

    @Test
    void a_publisher_gives_it_again_too() throws Exception {
        everything(StreamRescue.FAIL).response();
        CompletableFuture<List<ChatEvent>> heard = new CompletableFuture<>();
        airport.orchestrator.publish(REQUEST).subscribe(new Flow.Subscriber<>() {

            private final List<ChatEvent> events = new ArrayList<>();

            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ChatEvent event) {
                events.add(event);
            }

            @Override
            public void onError(Throwable failure) {
                heard.completeExceptionally(failure);
            }

            @Override
            public void onComplete() {
                heard.complete(events);
            }
        });
        assertThat(get(heard)).isEqualTo(EVERYTHING);
    }

    private ChatStream longAnswerReadByNobody(CallOptions options) throws Exception {
        Future<ChatResponse> call = airport.chat();
        Tap.Attempt attempt = airport.first.next();
        for (int i = 0; i < 1_000; i++) {
            attempt.say("x");
        }
        attempt.finish();
        get(call);
        return airport.orchestrator.stream(REQUEST, options);
    }

    @Test
    void a_reader_who_is_slower_than_the_deadline_gets_that_error_from_the_cache_too() throws Exception {
        ChatStream slow = longAnswerReadByNobody(CallOptions.defaults());
        airport.time.awaitTimers(1);
        airport.time.advance(Airport.DEADLINE);
        assertThatThrownBy(slow::response)
                .isInstanceOfSatisfying(
                        DeadlineExceededException.class,
                        e -> assertThat(e.deadline()).isEqualTo(Airport.DEADLINE));
        airport.assertNothingIsLeft();
    }

    @Test
    void a_reader_may_leave_in_the_middle() throws Exception {
        Cancellation cancellation = new Cancellation();
        ChatStream slow = longAnswerReadByNobody(CallOptions.defaults().withCancellation(cancellation));
        assertThat(slow.next()).isEqualTo(new ChatEvent.Text("x"));
        cancellation.cancel();
        assertThatThrownBy(slow::response).isInstanceOf(CallCancelledException.class);
        airport.assertNothingIsLeft();
    }

    @Test
    void a_call_that_is_cancelled_already_is_not_answered() throws Exception {
        asked(REQUEST, "fine");
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        assertThatThrownBy(() -> airport.orchestrator.chat(
                        REQUEST, CallOptions.defaults().withCancellation(cancellation)))
                .isInstanceOf(CallCancelledException.class);
    }

    // ---- How long, and how many

    @Test
    void an_answer_is_kept_for_thirty_days_to_the_nanosecond() throws Exception {
        asked(REQUEST, "old");
        airport.time.advance(Duration.ofDays(30).minus(NANO));
        assertThat(cached(REQUEST).text()).isEqualTo("old");
        airport.time.advance(NANO);
        assertThat(asked(REQUEST, "new").trail().isCacheHit()).isFalse();
        assertThat(cached(REQUEST).text()).isEqualTo("new");
    }

    @Test
    void an_answer_is_as_old_as_its_last_making() {
        ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 5);
        ResponseCache cache = ResponseCache.inMemory(Duration.ofNanos(10), 1_000_000, time);
        CacheKey key = CacheKey.of("r", List.of(), REQUEST);
        cache.put(key, answer("one"));
        time.advance(Duration.ofNanos(6));
        cache.put(key, answer("two"));
        time.advance(Duration.ofNanos(9));
        assertThat(cache.get(key)).contains(answer("two"));
        time.advance(NANO);
        assertThat(cache.get(key)).isEmpty();
    }

    private static CachedAnswer answer(String text) {
        return new CachedAnswer(
                "p", List.of(new ChatEvent.Text(text), new ChatEvent.Finished(FinishReason.STOP)), START);
    }

    @Test
    void a_full_cache_forgets_what_nobody_asks_for() {
        ResponseCache cache = ResponseCache.inMemory(Duration.ofDays(1), 100_000, new ManualTimeSource());
        CacheKey popular = CacheKey.of("popular", List.of(), REQUEST);
        cache.put(popular, answer("x"));
        int answers = 1_000;
        for (int i = 0; i < answers; i++) {
            assertThat(cache.get(popular)).isPresent();
            cache.put(CacheKey.of("route " + i, List.of(), REQUEST), answer("x".repeat(1_000)));
        }
        long kept = 0;
        for (int i = 0; i < answers; i++) {
            kept += cache.get(CacheKey.of("route " + i, List.of(), REQUEST)).isPresent() ? 1 : 0;
        }
        assertThat(kept).as("of about two kilobytes each").isBetween(30L, 55L);

        CacheKey huge = CacheKey.of("huge", List.of(), REQUEST);
        cache.put(huge, answer("x".repeat(60_000)));
        assertThat(cache.get(huge)).as("larger than all there is room for").isEmpty();
        assertThat(cache.get(popular)).isPresent();
        cache.clear();
        assertThat(cache.get(popular)).isEmpty();
        assertThat(cache).hasToString("ResponseCache(in memory, 0 answers)");
    }

    @Test
    void every_kind_of_event_has_its_weight() {
        String text = "x".repeat(2_000);
        List<ChatEvent> heavy = List.of(
                new ChatEvent.Started(text, "", ""),
                new ChatEvent.Started("", text, ""),
                new ChatEvent.Started("", "", text),
                new ChatEvent.Headers(Map.of(text, List.of())),
                new ChatEvent.Headers(Map.of("x", List.of(text))),
                new ChatEvent.Reasoning(text),
                new ChatEvent.Text(text),
                new ChatEvent.ToolCallPiece(0, text, ""),
                new ChatEvent.ToolCallPiece(0, "", text),
                new ChatEvent.ToolCalled(0, new ToolCall(text, "n", "")),
                new ChatEvent.ToolCalled(0, new ToolCall("i", text, "")),
                new ChatEvent.ToolCalled(0, new ToolCall("i", "n", text)),
                new ChatEvent.Extra(Map.of(text, true)),
                new ChatEvent.Extra(Map.of("x", List.of(Map.of("y", text)))),
                new ChatEvent.State(text, ""),
                new ChatEvent.State("", text));
        for (ChatEvent event : heavy) {
            ResponseCache small = ResponseCache.inMemory(Duration.ofDays(1), 4_000, new ManualTimeSource());
            CacheKey key = CacheKey.of("r", List.of(), REQUEST);
            small.put(key, new CachedAnswer("p", List.of(event, new ChatEvent.Finished(FinishReason.STOP)), START));
            assertThat(small.get(key)).as(event.toString()).isEmpty();
        }
    }

    @Test
    void a_cache_without_time_or_room_is_refused() {
        ManualTimeSource time = new ManualTimeSource();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ResponseCache.inMemory(Duration.ZERO, 1, time))
                .withMessage("ttl must be more than zero but is PT0S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ResponseCache.inMemory(Duration.ofDays(1), 0, time))
                .withMessage("maxBytes must be more than zero but is 0");
    }

    @Test
    void a_cache_in_memory_is_not_resized_to_nothing() {
        InMemoryCache cache = ResponseCache.inMemory(Duration.ofDays(1), 1, new ManualTimeSource());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> cache.resize(Duration.ofDays(-1), 1))
                .withMessage("ttl must be more than zero but is PT-24H");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> cache.resize(Duration.ofDays(1), -1))
                .withMessage("maxBytes must be more than zero but is -1");
    }

    @Test
    void only_complete_answers_can_be_kept_and_none_shows_what_it_says() {
        ChatEvent.Finished finished = new ChatEvent.Finished(FinishReason.STOP);
        for (List<ChatEvent> incomplete : List.<List<ChatEvent>>of(
                List.of(),
                List.of(new ChatEvent.Text("x")),
                List.of(finished, new ChatEvent.Text("x")),
                List.of(finished, finished),
                List.of(new ChatEvent.Restarted("p", FailureKind.NETWORK), finished))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new CachedAnswer("p", incomplete, START))
                    .withMessageStartingWith("not a complete answer: ");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new CachedAnswer("p", List.of(finished, new ChatEvent.Text("x")), START))
                .withMessageEndingWith(" is number 1 of 2");
        assertThat(answer("secret")).hasToString("CachedAnswer(provider=p, 2 events, made at 2026-01-01T00:00:00Z)");
    }

    // ---- A cache of the application's own

    /** What a shared store may do. */
    private static class Store implements ResponseCache {

        final Map<CacheKey, CachedAnswer> answers = new ConcurrentHashMap<>();
        final AtomicInteger asked = new AtomicInteger();

        @Override
        public Optional<CachedAnswer> get(CacheKey key) {
            asked.incrementAndGet();
            return Optional.ofNullable(answers.get(key));
        }

        @Override
        public void put(CacheKey key, CachedAnswer answer) {
            answers.put(key, answer);
        }

        @Override
        public void clear() {
            answers.clear();
        }
    }

    @Test
    void two_orchestrators_can_share_one() throws Exception {
        Store store = new Store();
        try (Airport one = new Airport(builder -> builder.cache(store));
                Airport two = new Airport(builder -> builder.cache(store))) {
            Future<ChatResponse> call = one.chat();
            one.first.next().say("fine").finish();
            get(call);
            assertThat(store.answers.values()).containsExactly(answer("fine", "first"));
            ChatResponse answer = two.orchestrator.chat(REQUEST);
            assertThat(answer.text()).isEqualTo("fine");
            assertThat(answer.trail().isCacheHit()).isTrue();
            assertThat(two.first.asked()).isZero();
        }
    }

    private static CachedAnswer answer(String text, String provider) {
        return new CachedAnswer(provider, answer(text).events(), START);
    }

    @Test
    void an_answer_from_the_future_is_new() {
        Store store = new Store() {
            @Override
            public Optional<CachedAnswer> get(CacheKey key) {
                return Optional.of(new CachedAnswer("elsewhere", answer("fine").events(), START.plusSeconds(60)));
            }
        };
        try (Airport behind = new Airport(builder -> builder.cache(store))) {
            assertThat(behind.orchestrator.chat(REQUEST).trail().steps())
                    .containsExactly(new Trail.Cached("elsewhere", Duration.ZERO));
        }
    }

    @Test
    void one_that_fails_is_as_if_it_had_nothing() throws Exception {
        Store broken = new Store() {
            @Override
            public Optional<CachedAnswer> get(CacheKey key) {
                throw new IllegalStateException("store is down");
            }

            @Override
            public void put(CacheKey key, CachedAnswer answer) {
                throw new IllegalStateException("store is full");
            }
        };
        try (LogCapture log = LogCapture.of(Orchestrator.class);
                Airport unlucky = new Airport(builder -> builder.cache(broken))) {
            for (int i = 0; i < 2; i++) {
                Future<ChatResponse> call = unlucky.chat();
                unlucky.first.next().say("fine").finish();
                assertThat(get(call).text()).isEqualTo("fine");
            }
            assertThat(log.lines())
                    .contains(
                            "WARN The response cache failed; the answer is asked for",
                            "WARN The response cache failed; the answer is not kept");
        }
    }

    @Test
    @SuppressWarnings("NullAway") // What somebody else's language may return.
    void one_that_returns_null_is_as_if_it_had_nothing() throws Exception {
        Store careless = new Store() {
            @Override
            public Optional<CachedAnswer> get(CacheKey key) {
                return null;
            }
        };
        try (Airport unlucky = new Airport(builder -> builder.cache(careless))) {
            Future<ChatResponse> call = unlucky.chat();
            unlucky.first.next().say("fine").finish();
            assertThat(get(call).text()).isEqualTo("fine");
        }
    }

    @Test
    @Timeout(30)
    void a_call_that_is_cancelled_while_one_is_asked_waits_for_no_reader() throws Exception {
        List<ChatEvent> events = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            events.add(new ChatEvent.Text("x"));
        }
        events.add(new ChatEvent.Finished(FinishReason.STOP));
        Cancellation cancellation = new Cancellation();
        CountDownLatch found = new CountDownLatch(1);
        Store slow = new Store() {
            @Override
            public Optional<CachedAnswer> get(CacheKey key) {
                cancellation.cancel();
                found.countDown();
                return Optional.of(new CachedAnswer("elsewhere", events, START));
            }
        };
        try (Airport left = new Airport(builder -> builder.cache(slow));
                ChatStream unread =
                        left.orchestrator.stream(REQUEST, CallOptions.defaults().withCancellation(cancellation))) {
            found.await();
            // Its deadline is watched until it has ended.
            left.assertNothingIsLeft();
            assertThatThrownBy(unread::response).isInstanceOf(CallCancelledException.class);
        }
    }

    @Test
    void one_whose_error_ends_a_call_leaves_nobody_waiting_for_it() throws Exception {
        Store fatal = new Store() {
            @Override
            public Optional<CachedAnswer> get(CacheKey key) {
                if (asked.incrementAndGet() == 2) {
                    throw new StackOverflowError("deep");
                }
                return Optional.empty();
            }
        };
        try (Airport unlucky = new Airport(builder -> builder.cache(fatal))) {
            assertThatThrownBy(() -> unlucky.orchestrator.chat(REQUEST)).isInstanceOf(StackOverflowError.class);
            Future<ChatResponse> call = unlucky.chat();
            unlucky.first.next().say("fine").finish();
            assertThat(get(call).text()).isEqualTo("fine");
            unlucky.assertNothingIsLeft();
        }
    }

    @Test
    void one_that_fails_with_an_error_to_keep_an_answer_loses_it_for_nobody() throws Exception {
        Store broken = new Store() {
            @Override
            public void put(CacheKey key, CachedAnswer answer) {
                throw new NoClassDefFoundError("client/Library");
            }
        };
        try (Airport unlucky = new Airport(builder -> builder.cache(broken))) {
            Future<ChatResponse> call = unlucky.chat();
            unlucky.first.next().say("fine").finish();
            assertThat(get(call).text()).isEqualTo("fine");
            unlucky.assertNothingIsLeft();
        }
    }

    @Test
    void whoever_becomes_the_first_looks_once_more() throws Exception {
        // The answer comes between its first look and the moment when nobody else is under way.
        Store late = new Store() {
            @Override
            public Optional<CachedAnswer> get(CacheKey key) {
                return asked.incrementAndGet() == 1 ? Optional.empty() : Optional.of(answer("fine"));
            }
        };
        try (Airport lucky = new Airport(builder -> builder.cache(late))) {
            ChatResponse answer = lucky.orchestrator.chat(REQUEST);
            assertThat(answer.text()).isEqualTo("fine");
            assertThat(answer.trail().isCacheHit()).isTrue();
            assertThat(lucky.first.asked()).isZero();
            lucky.assertNothingIsLeft();
        }
    }

    // ---- Configuration

    @ParameterizedTest
    @CsvSource({"64MB, true", "1GB, true", "16KB, true", "16384, true", "4KB, false", "4096B, false", "4096, false"})
    void the_file_says_how_large_it_may_be(String size, boolean fits, @TempDir Path directory) throws IOException {
        try (ScriptedServer server = ScriptedServer.start()) {
            server.otherwise(request -> Reply.answer("x".repeat(5_000)));
            OrchestratorConfig config = ConfigLoader.of(Files.writeString(
                            directory.resolve("o.properties"),
                            "orchestrator.providers.a.type=openai\norchestrator.providers.a.base-url="
                                    + server.baseUrl() + "\norchestrator.providers.a.model=m\n"
                                    + "orchestrator.cache.enabled=true\norchestrator.cache.ttl=1h\n"
                                    + "orchestrator.cache.max-size=" + size))
                    .environment(Map.of())
                    .systemProperties(Map.of())
                    .load();
            try (Orchestrator orchestrator = config.orchestrator()) {
                assertThat(orchestrator.chat(REQUEST).trail().isCacheHit()).isFalse();
                assertThat(orchestrator.chat(REQUEST).trail().isCacheHit()).isEqualTo(fits);
            }
        }
    }

    @Test
    void bad_settings_are_refused() {
        Orchestrator.Builder builder = Orchestrator.builder();
        assertThatIllegalArgumentException().isThrownBy(() -> builder.cacheTtl(Duration.ofSeconds(-1)));
        assertThatIllegalArgumentException().isThrownBy(() -> builder.cacheMaxSize(-1));
    }

    @Test
    void the_time_of_making_is_the_wall_clocks() throws Exception {
        Store store = new Store();
        Instant later = START.plusSeconds(7);
        try (Airport clocked = new Airport(builder -> builder.cache(store).instantSource(() -> later))) {
            Future<ChatResponse> call = clocked.chat();
            clocked.first.next().say("fine").finish();
            get(call);
            assertThat(store.answers.values()).extracting(CachedAnswer::madeAt).containsExactly(later);
        }
    }
}
