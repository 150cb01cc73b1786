package ai.orchestrator.chaos;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How many files and sockets this process has open, where the system tells. */
final class OpenFiles {

    private final long before = now();

    /** Than when this was made. */
    long more() {
        return now() - before;
    }

    private static long now() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                ? system.getOpenFileDescriptorCount()
                : 0;
    }
}
