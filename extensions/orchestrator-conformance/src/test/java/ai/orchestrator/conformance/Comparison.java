package ai.orchestrator.conformance;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a vendor's client and this library make of one and the same thing, field by field.
 *
 * @param family whose client it is
 * @param mode a column of the report: whole, streamed or requests
 * @param subject what the two were given
 * @param fields what was compared, by its name
 * @param notes for people who look at a difference
 */
record Comparison(Family family, String mode, String subject, Map<String, Pair> fields, String notes) {

    /**
     * Both sides of a field, as text.
     *
     * @param theirs the client's; empty for nothing
     * @param ours this library's; empty for nothing
     */
    record Pair(String theirs, String ours) {

        boolean agrees() {
            return theirs.equals(ours);
        }

        /** Whether there was nothing to agree about. */
        boolean isEmpty() {
            return theirs.isEmpty() && ours.isEmpty();
        }
    }

    Map<String, Pair> differences() {
        Map<String, Pair> differences = new LinkedHashMap<>(fields);
        differences.values().removeIf(Pair::agrees);
        return differences;
    }
}
