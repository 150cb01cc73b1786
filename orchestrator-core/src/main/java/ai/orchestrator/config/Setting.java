package ai.orchestrator.config;

import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One setting: what it is called, which values it takes, where a builder takes it and where the settings show it. Everything that the
 * configuration knows of it is here, for reading, writing, checking and for the reference page.
 *
 * @param <B> what takes a value
 * @param <S> what has it then
 * @param <T> the value
 */
final class Setting<B, S, T> {

    private final String name;
    private final ValueType<T> type;
    private final String allowed;
    private final @Nullable Range<?> range;
    private final BiConsumer<B, T> setter;
    private final Function<S, Optional<T>> getter;
    private final String meaning;
    private final String unset;

    private Setting(
            String name,
            ValueType<T> type,
            String allowed,
            @Nullable Range<?> range,
            BiConsumer<B, T> setter,
            Function<S, Optional<T>> getter,
            String unset,
            String meaning) {
        this.name = name;
        this.type = type;
        this.allowed = allowed;
        this.range = range;
        this.setter = setter;
        this.getter = getter;
        this.unset = unset;
        this.meaning = meaning;
    }

    /** One with a range. */
    static <B, S, T extends Comparable<T>> Setting<B, S, T> of(
            String name,
            ValueType<T> type,
            Range<T> range,
            BiConsumer<B, T> setter,
            Function<S, Optional<T>> getter,
            String meaning) {
        return new Setting<>(name, type, range.text(type), range, setter, getter, "none", meaning);
    }

    /** One of a type that says itself what is allowed. */
    static <B, S, T> Setting<B, S, T> of(
            String name,
            ValueType<T> type,
            String allowed,
            BiConsumer<B, T> setter,
            Function<S, Optional<T>> getter,
            String meaning) {
        return new Setting<>(name, type, allowed, null, setter, getter, "none", meaning);
    }

    /** The same, and how its default is called where there is no value to show. */
    Setting<B, S, T> unset(String words) {
        return new Setting<>(name, type, allowed, range, setter, getter, words, meaning);
    }

    /** What follows the group, in lower case with hyphens, such as {@code timeout.connect}. */
    String name() {
        return name;
    }

    ValueType<T> type() {
        return type;
    }

    /** The values in words, without what its type says. */
    String allowed() {
        return allowed;
    }

    /** What a value must be, in words. */
    String mustBe() {
        StringBuilder text = new StringBuilder("must be ").append(type.article());
        if (range != null) {
            text.append(", ").append(allowed);
        }
        if (type.examples() != null) {
            text.append(", ").append(type.examples());
        }
        return text.toString();
    }

    @Nullable
    Range<?> range() {
        return range;
    }

    /** What the default is called where there is no value to show. */
    String unset() {
        return unset;
    }

    String meaning() {
        return meaning;
    }

    /**
     * Reads a value and sets it.
     *
     * @throws IllegalArgumentException if it is not allowed; the message says what is, not what it was
     */
    void apply(B builder, String text) {
        T value;
        try {
            value = type.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(mustBe(), e);
        }
        try {
            setter.accept(builder, value);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    range == null ? withoutJavaName(String.valueOf(e.getMessage())) : "must be " + allowed, e);
        }
    }

    private static String withoutJavaName(String message) {
        return message.replaceFirst("^[a-z][A-Za-z]* (?=must )", "");
    }

    /** The value as a file would have it; empty if there is none. */
    Optional<String> text(S settings) {
        return getter.apply(settings).map(type.formatter());
    }

    @Override
    public String toString() {
        return name;
    }
}
