package ai.orchestrator.chaos;

import java.util.SplittableRandom;
import java.util.stream.Stream;

/** What a hostile server does with a connection or with a request. */
enum Fault {
    RESET_AT_ONCE("connection reset before the request", Where.CONNECTION, 250),
    CLOSED_AT_ONCE("connection closed before the request", Where.CONNECTION, 150),
    SILENT("accepted, and not a word", Where.CONNECTION, 150),

    PLAIN_TEXT("TLS: plain text", Where.HANDSHAKE, 250),
    GARBAGE("TLS: random bytes", Where.HANDSHAKE, 250),
    HANDSHAKE_CUT("TLS: handshake cut off", Where.HANDSHAKE, 250),
    HANDSHAKE_RESET("TLS: handshake reset", Where.HANDSHAKE, 250),
    HANDSHAKE_STALLED("TLS: handshake stalled", Where.HANDSHAKE, 150),
    UNKNOWN_AUTHORITY("TLS: certificate of an unknown authority", Where.HANDSHAKE, 250),

    RESET_BEFORE_HEAD("reset before the head", Where.REQUEST, 80),
    RESET_IN_HEAD("reset within the head", Where.REQUEST, 80),
    RESET_IN_BODY("reset within the body", Where.REQUEST, 120),
    STALLED_BEFORE_HEAD("stalled before the head", Where.REQUEST, 60),
    STALLED_IN_BODY("stalled within the body", Where.REQUEST, 80),
    CUT_BELOW_LENGTH("cut below the declared length", Where.REQUEST, 120),
    CUT_IN_CHUNKS("chunks without an end", Where.REQUEST, 120),
    CUT_ANYWHERE("cut at any byte", Where.REQUEST, 120),
    CUT_IN_CHARACTER("cut within a character", Where.REQUEST, 120),
    SLOW_HEAD("head byte after byte, without end", Where.REQUEST, 60),
    BYTE_BY_BYTE("all byte after byte, but whole", Where.REQUEST, 150),
    NOT_HTTP("random bytes for an answer", Where.REQUEST, 80),
    ERROR_IN_ANSWER("an error inside a 200", Where.REQUEST, 200),
    STATUS_400(400, 30),
    STATUS_401(401, 2),
    STATUS_404(404, 2),
    STATUS_408(408, 80),
    STATUS_429(429, 10),
    STATUS_500(500, 150),
    STATUS_503(503, 150),
    STATUS_529(529, 100),

    /** Of a whole server. */
    LISTENER_CLOSED("port closed for a while", Where.SERVER, 0),
    BACKLOG_FULL("nothing accepted for a while, backlog full", Where.SERVER, 0),

    NONE("none: a good answer", Where.REQUEST, 0);

    /** Where it happens. */
    enum Where {
        SERVER,
        CONNECTION,
        HANDSHAKE,
        REQUEST
    }

    private final String words;
    private final Where where;
    private final int perTenThousand;
    private final int status;

    Fault(String words, Where where, int perTenThousand) {
        this.words = words;
        this.where = where;
        this.perTenThousand = perTenThousand;
        this.status = 200;
    }

    Fault(int status, int perTenThousand) {
        this.words = "status " + status;
        this.where = Where.REQUEST;
        this.perTenThousand = perTenThousand;
        this.status = status;
    }

    /** What is dealt to a connection: most often nothing. */
    static Fault ofConnection(SplittableRandom random, boolean tls) {
        return drawn(
                random,
                Stream.of(values())
                        .filter(fault -> fault.where == Where.CONNECTION || (tls && fault.where == Where.HANDSHAKE)));
    }

    /** What is dealt to a request: most often nothing. */
    static Fault ofRequest(SplittableRandom random) {
        return drawn(random, Stream.of(values()).filter(fault -> fault.where == Where.REQUEST));
    }

    private static Fault drawn(SplittableRandom random, Stream<Fault> faults) {
        int[] dice = {random.nextInt(10_000)};
        return faults.filter(fault -> (dice[0] -= fault.perTenThousand) < 0)
                .findFirst()
                .orElse(NONE);
    }

    /** The status that an answer has with it. */
    int status() {
        return status;
    }

    @Override
    public String toString() {
        return words;
    }
}
