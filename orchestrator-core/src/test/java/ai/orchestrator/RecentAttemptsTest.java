package ai.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.health.ProviderHealth;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecentAttemptsTest {

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MIN_VALUE, Long.MAX_VALUE - 1})
    void where_time_begins_does_not_matter(long start) {
        HandTime time = new HandTime(start);
        RecentAttempts recent = new RecentAttempts(time);
        assertThat(recent.health()).isSameAs(ProviderHealth.UNKNOWN);
        time.advance(Duration.ofSeconds(29));
        recent.succeeded(Duration.ofSeconds(3));
        recent.failed();
        time.advance(Duration.ofSeconds(2));
        recent.succeeded(Duration.ofSeconds(1));
        assertThat(recent.health()).isEqualTo(new ProviderHealth(3, 2, Optional.of(Duration.ofSeconds(2))));
        time.advance(ProviderHealth.WINDOW);
        assertThat(recent.health()).isEqualTo(new ProviderHealth(1, 1, Optional.of(Duration.ofSeconds(1))));
        time.advance(ProviderHealth.WINDOW);
        assertThat(recent.health()).isSameAs(ProviderHealth.UNKNOWN);
    }

    @Test
    void what_has_not_changed_is_not_added_up_again() {
        HandTime time = new HandTime(0);
        RecentAttempts recent = new RecentAttempts(time);
        recent.succeeded(Duration.ofSeconds(1));
        ProviderHealth health = recent.health();
        time.advance(Duration.ofSeconds(29));
        assertThat(recent.health()).isSameAs(health);
        recent.succeeded(Duration.ofSeconds(1));
        assertThat(recent.health()).isNotSameAs(health);
    }

    @Test
    @Timeout(60)
    void nothing_is_lost_while_slots_change_and_others_look() throws Exception {
        int threads = 4;
        int attempts = 50_000;
        HandTime time = new HandTime(0);
        RecentAttempts recent = new RecentAttempts(time);
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                running.add(executor.submit(() -> {
                    long seen = 0;
                    for (int j = 0; j < attempts; j++) {
                        // 4 times 50,000 milliseconds are less than the window.
                        time.advance(Duration.ofMillis(1));
                        if (j % 4 == 0) {
                            recent.failed();
                        } else {
                            recent.succeeded(Duration.ofMillis(7));
                        }
                        long sees = recent.health().attempts();
                        assertThat(sees).isGreaterThan(j).isGreaterThanOrEqualTo(seen);
                        seen = sees;
                    }
                    return null;
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        } finally {
            executor.shutdownNow();
        }
        long all = (long) threads * attempts;
        assertThat(recent.health()).isEqualTo(new ProviderHealth(all, all * 3 / 4, Optional.of(Duration.ofMillis(7))));
    }
}
