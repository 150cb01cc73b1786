package ai.orchestrator.secrets;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** Reads every line that is logged during the whole suite, and fails the test class after which a planted key was among them. */
public final class LogWatch implements BeforeAllCallback, AfterAllCallback {

    private static final Appender APPENDER = new Appender();

    /** For JUnit, which finds it as a service. */
    public LogWatch() {}

    @Override
    public void beforeAll(ExtensionContext context) {
        APPENDER.attach();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        String found = String.join("\n", APPENDER.found);
        APPENDER.found.clear();
        assertThat(found).as("log lines with a key").isEmpty();
    }

    /** How many lines have been read. */
    static int linesRead() {
        return APPENDER.lines.get();
    }

    /** Forgets what was found, for the test of this class itself. */
    static String takeFound() {
        String found = String.join("\n", APPENDER.found);
        APPENDER.found.clear();
        return found;
    }

    private static final class Appender extends AppenderBase<ILoggingEvent> {

        private final Queue<String> found = new ConcurrentLinkedQueue<>();
        private final AtomicInteger lines = new AtomicInteger();

        private void attach() {
            Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
            if (!root.isAttached(this)) {
                setContext(root.getLoggerContext());
                start();
                root.addAppender(this);
            }
        }

        @Override
        protected void append(ILoggingEvent event) {
            lines.incrementAndGet();
            String text = event.getFormattedMessage()
                    + (event.getThrowableProxy() == null
                            ? ""
                            : "\n" + ThrowableProxyUtil.asString(event.getThrowableProxy()))
                    + event.getMDCPropertyMap();
            if (text.contains(PlantedKeys.MARK)) {
                found.add(text);
            }
        }
    }
}
