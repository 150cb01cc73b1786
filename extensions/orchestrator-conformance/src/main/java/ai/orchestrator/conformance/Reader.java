package ai.orchestrator.conformance;

/** Asks a server once and says what it makes of the answer. */
interface Reader extends AutoCloseable {

    /**
     * Asks and reads.
     *
     * @param type the type of provider whose server it is
     * @param mode how to ask for it and read it
     */
    Reading read(String type, Mode mode);

    @Override
    void close();
}
