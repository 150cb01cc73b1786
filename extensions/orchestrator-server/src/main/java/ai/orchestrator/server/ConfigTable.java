package ai.orchestrator.server;

import ai.orchestrator.config.ConfigValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How a configuration looks that is in force: what all calls, each provider and each route have, in three columns. Immutable. */
final class ConfigTable {

    private static final String GAP = "  ";

    /** A longer value moves the rest of its own line alone. */
    private static final int WIDEST_VALUE = 36;

    /** What several keys begin with, and what is then left of one. */
    private static final Pattern KEY = Pattern.compile("(orchestrator(?:\\.(?:providers|routes)\\.[^.]+)?)\\.(.+)");

    private final boolean colours;

    private record Row(String setting, String value, String origin) {}

    ConfigTable(boolean colours) {
        this.colours = colours;
    }

    /**
     * The lines.
     *
     * @param values what is in force
     * @param all whether to show defaults too; without, those alone that a provider's type has chosen
     */
    List<String> lines(List<ConfigValue> values, boolean all) {
        Map<String, List<Row>> groups = new LinkedHashMap<>();
        for (ConfigValue value : values) {
            Matcher key = KEY.matcher(value.key());
            if (key.matches() && (all || value.origin().isPresent() || isOfType(key.group(2)))) {
                groups.computeIfAbsent(key.group(1), group -> new ArrayList<>())
                        .add(new Row(key.group(2), value.value(), origin(value, key.group(2))));
            }
        }
        int settings = 1;
        int texts = 1;
        for (List<Row> rows : groups.values()) {
            for (Row row : rows) {
                settings = Math.max(settings, row.setting().length());
                texts = Math.max(texts, Math.min(row.value().length(), WIDEST_VALUE));
            }
        }
        String form = GAP + "%-" + settings + "s" + GAP + "%-" + texts + "s" + GAP + "%s";
        List<String> lines = new ArrayList<>();
        groups.forEach((group, rows) -> {
            if (!lines.isEmpty()) {
                lines.add("");
            }
            lines.add(colours ? Paint.BOLD.on(group) : group);
            rows.forEach(row -> lines.add(String.format(form, row.setting(), row.value(), row.origin())));
        });
        return lines;
    }

    private static boolean isOfType(String setting) {
        return setting.equals("base-url") || setting.equals("model");
    }

    /** Shorter than in full where it repeats the setting. */
    private static String origin(ConfigValue value, String setting) {
        return value.origin()
                .map(origin -> origin.replace("orchestrator.defaults." + setting + ",", "defaults,"))
                .orElse("default");
    }
}
