package ai.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.provider.Cancellation;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CancellationTest {

    private final Cancellation cancellation = new Cancellation();
    private final List<String> ran = new ArrayList<>();

    @Test
    void actions_run_in_the_order_in_which_they_were_registered_but_for_those_that_were_closed() {
        cancellation.onCancel(() -> ran.add("first"));
        Cancellation.Registration second = cancellation.onCancel(() -> ran.add("second"));
        cancellation.onCancel(() -> ran.add("third"));
        Cancellation.Registration fourth = cancellation.onCancel(() -> ran.add("fourth"));
        second.close();
        fourth.close();
        fourth.close();
        cancellation.onCancel(() -> ran.add("fifth"));
        cancellation.cancel();
        cancellation.cancel();
        assertThat(ran).containsExactly("first", "third", "fifth");
    }

    @Test
    void an_action_that_fails_keeps_no_other_from_running() {
        cancellation.onCancel(() -> {
            throw new IllegalStateException("on purpose");
        });
        cancellation.onCancel(() -> {
            throw new StackOverflowError("on purpose");
        });
        cancellation.onCancel(() -> ran.add("third"));
        cancellation.cancel();
        assertThat(ran).containsExactly("third");
    }

    @Test
    void an_action_that_comes_too_late_runs_at_once() {
        cancellation.cancel();
        cancellation.onCancel(() -> ran.add("late")).close();
        assertThat(ran).containsExactly("late");
    }
}
