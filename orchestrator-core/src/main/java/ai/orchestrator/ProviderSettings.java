package ai.orchestrator;

import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.TokenPrice;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One provider as it is configured: a vendor's address, a model and a key, and how it is guarded. Several keys of one vendor are several
 * providers. Immutable and safe for use by several threads.
 */
public final class ProviderSettings {

    /** Which provider is asked first unless configured: 100. */
    public static final int DEFAULT_PRIORITY = 100;

    /** Its share under the weighted strategy unless configured: 1. */
    public static final int DEFAULT_WEIGHT = 1;

    /** How long a connection may take unless configured: 5 seconds. */
    public static final Duration DEFAULT_CONNECT_TIMEOUT = Duration.ofSeconds(5);

    /** How long a stream may take to its first token unless configured: 10 seconds. */
    public static final Duration DEFAULT_FIRST_TOKEN_TIMEOUT = Duration.ofSeconds(10);

    /** How long a stream may be silent unless configured: 15 seconds. */
    public static final Duration DEFAULT_IDLE_TIMEOUT = Duration.ofSeconds(15);

    private static final int MOST_KEY_FILE_BYTES = 64 * 1024;

    static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}");

    private final String name;
    private final @Nullable String type;
    private final @Nullable ChatProvider chatProvider;
    private final @Nullable String apiKey;
    private final @Nullable String baseUrl;
    private final @Nullable String model;
    private final boolean allowPlainHttp;
    private final int priority;
    private final boolean enabled;
    private final Duration connectTimeout;
    private final Duration firstTokenTimeout;
    private final Duration idleTimeout;
    private final @Nullable Duration totalTimeout;
    private final CircuitBreakerSettings circuitBreaker;
    private final RetrySettings retry;
    private final int maxConcurrent;
    private final long contextWindow;
    private final boolean collectStreams;
    private final int weight;
    private final Optional<TokenPrice> price;
    private final QuotaSettings quota;
    private final Map<String, String> options;

    private ProviderSettings(Builder builder) {
        this.name = builder.name;
        this.type = builder.type;
        this.chatProvider = builder.chatProvider;
        this.apiKey = builder.apiKey;
        this.baseUrl = builder.baseUrl;
        this.model = builder.model;
        this.allowPlainHttp = builder.allowPlainHttp;
        this.priority = builder.priority;
        this.enabled = builder.enabled;
        this.connectTimeout = builder.connectTimeout;
        this.firstTokenTimeout = builder.firstTokenTimeout;
        this.idleTimeout = builder.idleTimeout;
        this.totalTimeout = builder.totalTimeout;
        this.circuitBreaker = builder.circuitBreaker;
        this.retry = builder.retry;
        this.maxConcurrent = builder.maxConcurrent;
        this.contextWindow = builder.contextWindow;
        this.collectStreams = builder.collectStreams;
        this.weight = builder.weight;
        this.price = Optional.ofNullable(builder.price);
        this.quota = builder.quota;
        this.options = Collections.unmodifiableMap(new LinkedHashMap<>(builder.options));
    }

    /**
     * A builder with the defaults.
     *
     * @param name what the provider is called in answers, errors, meters and logs: 1 to 64 letters, digits, hyphens and underscores, the
     *     first a letter or digit
     * @return a new builder
     * @throws IllegalArgumentException if the name has another form
     */
    public static Builder builder(String name) {
        return new Builder(name);
    }

    /**
     * A builder that starts from these settings.
     *
     * @return a new builder
     */
    public Builder toBuilder() {
        Builder builder = new Builder(name);
        builder.type = type;
        builder.chatProvider = chatProvider;
        builder.apiKey = apiKey;
        builder.baseUrl = baseUrl;
        builder.model = model;
        builder.allowPlainHttp = allowPlainHttp;
        builder.priority = priority;
        builder.enabled = enabled;
        builder.connectTimeout = connectTimeout;
        builder.firstTokenTimeout = firstTokenTimeout;
        builder.idleTimeout = idleTimeout;
        builder.totalTimeout = totalTimeout;
        builder.circuitBreaker = circuitBreaker;
        builder.retry = retry;
        builder.maxConcurrent = maxConcurrent;
        builder.contextWindow = contextWindow;
        builder.collectStreams = collectStreams;
        builder.weight = weight;
        builder.price = price.orElse(null);
        builder.quota = quota;
        builder.options.putAll(options);
        return builder;
    }

    /**
     * What the provider is called.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * What kind of provider it is, such as {@code groq}.
     *
     * @return the type; empty if the application brought a {@link #chatProvider()} of its own
     */
    public Optional<String> type() {
        return Optional.ofNullable(type);
    }

    /**
     * The application's own implementation.
     *
     * @return the implementation; empty if {@link #type()} names one
     */
    public Optional<ChatProvider> chatProvider() {
        return Optional.ofNullable(chatProvider);
    }

    /**
     * The key.
     *
     * @return the key; empty if none was set
     */
    public Optional<String> apiKey() {
        return Optional.ofNullable(apiKey);
    }

    /**
     * The address.
     *
     * @return what was set; empty for the type's own
     */
    public Optional<String> baseUrl() {
        return Optional.ofNullable(baseUrl);
    }

    /**
     * The model.
     *
     * @return what was set; empty for the type's default
     */
    public Optional<String> model() {
        return Optional.ofNullable(model);
    }

    /**
     * Whether a key and a prompt may go to another machine unencrypted.
     *
     * @return false unless set
     */
    public boolean allowPlainHttp() {
        return allowPlainHttp;
    }

    /**
     * When it is asked: lower first.
     *
     * @return zero or more
     */
    public int priority() {
        return priority;
    }

    /**
     * Whether it is asked at all.
     *
     * @return true unless set
     */
    public boolean enabled() {
        return enabled;
    }

    /**
     * How long a connection may take.
     *
     * @return more than zero
     */
    public Duration connectTimeout() {
        return connectTimeout;
    }

    /**
     * How long a stream may take to its first token.
     *
     * @return more than zero
     */
    public Duration firstTokenTimeout() {
        return firstTokenTimeout;
    }

    /**
     * How long a stream may be silent after its first token.
     *
     * @return more than zero
     */
    public Duration idleTimeout() {
        return idleTimeout;
    }

    /**
     * How long one attempt may take.
     *
     * @return more than zero; empty if what is left of the call's deadline limits it
     */
    public Optional<Duration> totalTimeout() {
        return Optional.ofNullable(totalTimeout);
    }

    /**
     * When its circuit breaker opens and closes.
     *
     * @return the settings
     */
    public CircuitBreakerSettings circuitBreaker() {
        return circuitBreaker;
    }

    /**
     * How often one call asks it.
     *
     * @return the settings
     */
    public RetrySettings retry() {
        return retry;
    }

    /**
     * How many attempts may be under way at once.
     *
     * @return zero or more; zero is no limit
     */
    public int maxConcurrent() {
        return maxConcurrent;
    }

    /**
     * How much the model can read and write in one call.
     *
     * @return tokens, more than zero; empty if it is not known
     */
    public OptionalLong contextWindow() {
        return contextWindow == 0 ? OptionalLong.empty() : OptionalLong.of(contextWindow);
    }

    /**
     * Whether answers are streamed from the provider and collected for calls that do not stream.
     *
     * @return false unless set
     */
    public boolean collectStreams() {
        return collectStreams;
    }

    /**
     * Its share under {@link ai.orchestrator.routing.StandardStrategy#WEIGHTED}.
     *
     * @return zero or more; one of weight zero is never asked, whatever the strategy
     */
    public int weight() {
        return weight;
    }

    /**
     * Whether it is asked at all: it is enabled, and its weight is not zero.
     *
     * @return true unless set otherwise
     */
    public boolean mayBeAsked() {
        return enabled && weight > 0;
    }

    /**
     * What its tokens cost.
     *
     * @return the price; empty if none was set
     */
    public Optional<TokenPrice> price() {
        return price;
    }

    /**
     * How much may be asked of it in a minute and in a day.
     *
     * @return the settings; {@link QuotaSettings#none()} unless set
     */
    public QuotaSettings quota() {
        return quota;
    }

    /**
     * The settings that only its type has.
     *
     * @return what was set, by name; unmodifiable
     */
    public Map<String, String> options() {
        return options;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof ProviderSettings other
                && name.equals(other.name)
                && Objects.equals(type, other.type)
                && Objects.equals(chatProvider, other.chatProvider)
                && Objects.equals(apiKey, other.apiKey)
                && Objects.equals(baseUrl, other.baseUrl)
                && Objects.equals(model, other.model)
                && allowPlainHttp == other.allowPlainHttp
                && priority == other.priority
                && enabled == other.enabled
                && connectTimeout.equals(other.connectTimeout)
                && firstTokenTimeout.equals(other.firstTokenTimeout)
                && idleTimeout.equals(other.idleTimeout)
                && Objects.equals(totalTimeout, other.totalTimeout)
                && circuitBreaker.equals(other.circuitBreaker)
                && retry.equals(other.retry)
                && maxConcurrent == other.maxConcurrent
                && contextWindow == other.contextWindow
                && collectStreams == other.collectStreams
                && weight == other.weight
                && price.equals(other.price)
                && quota.equals(other.quota)
                && options.equals(other.options);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, type, baseUrl, model, priority, options);
    }

    /** Name, type, model and priority; neither the key nor the address, which nobody has checked yet. */
    @Override
    public String toString() {
        return "ProviderSettings(" + name + ", type=" + (type == null ? "own" : type)
                + (model == null ? "" : ", model=" + model)
                + ", priority=" + priority + (enabled ? "" : ", disabled") + ")";
    }

    /** Builds settings; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private final String name;
        private @Nullable String type;
        private @Nullable ChatProvider chatProvider;
        private @Nullable String apiKey;
        private @Nullable String baseUrl;
        private @Nullable String model;
        private boolean allowPlainHttp;
        private int priority = DEFAULT_PRIORITY;
        private boolean enabled = true;
        private Duration connectTimeout = DEFAULT_CONNECT_TIMEOUT;
        private Duration firstTokenTimeout = DEFAULT_FIRST_TOKEN_TIMEOUT;
        private Duration idleTimeout = DEFAULT_IDLE_TIMEOUT;
        private @Nullable Duration totalTimeout;
        private CircuitBreakerSettings circuitBreaker = CircuitBreakerSettings.defaults();
        private RetrySettings retry = RetrySettings.defaults();
        private int maxConcurrent;
        private long contextWindow;
        private boolean collectStreams;
        private int weight = DEFAULT_WEIGHT;
        private @Nullable TokenPrice price;
        private QuotaSettings quota = QuotaSettings.none();
        private final Map<String, String> options = new LinkedHashMap<>();

        private Builder(String name) {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException("a provider's name must be 1 to 64 letters, digits, hyphens and"
                        + " underscores, the first a letter or digit, but is '" + name + "'");
            }
            this.name = name;
        }

        /**
         * Sets what kind of provider it is. Required, unless {@link #chatProvider} is set.
         *
         * @param type a type that a module on the class path announces, such as {@code openai}, {@code groq}, {@code huggingface}
         * @return this builder
         */
        public Builder type(String type) {
            this.type = Objects.requireNonNull(type, "type");
            return this;
        }

        /**
         * Sets an implementation of the application's own, instead of {@link #type}. Key, address and model are then its own affair.
         *
         * @param chatProvider the implementation; stays the application's to close
         * @return this builder
         */
        public Builder chatProvider(ChatProvider chatProvider) {
            this.chatProvider = Objects.requireNonNull(chatProvider, "chatProvider");
            return this;
        }

        /**
         * Sets the key. A vendor's own address requires one; another address gets one only if it is set.
         *
         * @param apiKey the key; visible ASCII, no blanks
         * @return this builder
         * @throws IllegalArgumentException if it is empty or has characters that no HTTP header can carry
         */
        public Builder apiKey(String apiKey) {
            // The message must not show the key.
            if (apiKey.isEmpty()) {
                throw new IllegalArgumentException("apiKey must not be empty");
            }
            if (!apiKey.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
                throw new IllegalArgumentException("apiKey must be visible ASCII without blanks or line breaks");
            }
            this.apiKey = apiKey;
            return this;
        }

        /**
         * Sets the key to what a file holds, such as a secret that a container has mounted. It is read here and now; blanks and line breaks
         * around the key are left out.
         *
         * @param file a file of at most 64 KB that has the key alone
         * @return this builder
         * @throws IllegalArgumentException if it cannot be read, or what it holds is no key as in {@link #apiKey}; the message does not
         *     show what it holds
         */
        public Builder apiKeyFile(Path file) {
            byte[] bytes;
            try (InputStream in = Files.newInputStream(file)) {
                bytes = in.readNBytes(MOST_KEY_FILE_BYTES + 1);
            } catch (NoSuchFileException e) {
                throw new IllegalArgumentException("there is no file " + file, e);
            } catch (AccessDeniedException e) {
                throw new IllegalArgumentException("the file " + file + " may not be read", e);
            } catch (IOException e) {
                throw new IllegalArgumentException(
                        Files.isDirectory(file)
                                ? file + " is a directory"
                                : "the file " + file + " cannot be read: " + e,
                        e);
            }
            if (bytes.length > MOST_KEY_FILE_BYTES) {
                throw new IllegalArgumentException("the file " + file + " is larger than 64 KB, so no key");
            }
            // In Latin-1 every byte is a character, and whatever is not ASCII is refused as such.
            String held = new String(bytes, StandardCharsets.ISO_8859_1).strip();
            try {
                return apiKey(held);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        held.isEmpty()
                                ? "the file " + file + " is empty"
                                : "the file " + file
                                        + " must hold the key alone, in visible ASCII without blanks or line breaks",
                        e);
            }
        }

        /**
         * Sets the address; the vendor's own by default.
         *
         * @param baseUrl with scheme and version path, such as {@code https://llm.example.com/v1}; checked when the orchestrator is built
         * @return this builder
         */
        public Builder baseUrl(String baseUrl) {
            this.baseUrl = Objects.requireNonNull(baseUrl, "baseUrl");
            return this;
        }

        /**
         * Sets the model to ask; the type's default unless set.
         *
         * @param model the model as the provider names it; blanks around it are left out
         * @return this builder
         * @throws IllegalArgumentException if it is blank
         */
        public Builder model(String model) {
            if (model.isBlank()) {
                throw new IllegalArgumentException("model must not be blank");
            }
            this.model = model.strip();
            return this;
        }

        /**
         * Allows {@code http} to another machine, where anybody on the way can read key and prompts. Not allowed by default; this machine
         * itself needs no permission.
         *
         * @param allow whether to allow it
         * @return this builder
         */
        public Builder allowPlainHttp(boolean allow) {
            this.allowPlainHttp = allow;
            return this;
        }

        /**
         * Sets when it is asked: lower first, equal ones in the order in which they were registered; {@value #DEFAULT_PRIORITY} by default.
         *
         * @param priority zero or more
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder priority(int priority) {
            if (priority < 0) {
                throw new IllegalArgumentException("priority must be 0 or more but is " + priority);
            }
            this.priority = priority;
            return this;
        }

        /**
         * Sets whether it is asked at all; true by default.
         *
         * @param enabled false to keep its configuration but ask it nothing
         * @return this builder
         */
        public Builder enabled(boolean enabled) {
            this.enabled = enabled;
            return this;
        }

        /**
         * Limits how long a connection may take, name look-up and TLS included; 5 seconds by default. What is left of the call's deadline
         * limits it further.
         *
         * @param timeout more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder connectTimeout(Duration timeout) {
            this.connectTimeout = positive("connectTimeout", timeout);
            return this;
        }

        /**
         * Limits how long a stream may take to its first token of text, reasoning or a tool call, connection included; 10 seconds by
         * default. Comments and pings are no tokens. Calls that do not stream have no such limit, unless {@link #collectStreams} is on. What
         * is left of the call's deadline limits it further.
         *
         * @param timeout more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder firstTokenTimeout(Duration timeout) {
            this.firstTokenTimeout = positive("firstTokenTimeout", timeout);
            return this;
        }

        /**
         * Limits how long a stream may be silent after its first token; 15 seconds by default. A comment or a ping breaks the silence. Calls
         * that do not stream have no such limit, unless {@link #collectStreams} is on.
         *
         * @param timeout more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder idleTimeout(Duration timeout) {
            this.idleTimeout = positive("idleTimeout", timeout);
            return this;
        }

        /**
         * Limits how long one attempt may take, connection included, so that time is left for another provider. The call's deadline limits
         * it in any case. By default nothing else does, with one exception: an attempt at a whole answer, which gives no sign of life before it
         * is there, is ended when half of what was left of the deadline has passed, if another provider could be asked at that moment and
         * the attempt has taken at least twice as long as this provider's answers of the last five minutes did on average, or there
         * were none. Its circuit breaker counts that as a failure.
         *
         * @param timeout more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder totalTimeout(Duration timeout) {
            this.totalTimeout = positive("totalTimeout", timeout);
            return this;
        }

        /**
         * Sets when its circuit breaker opens and closes; {@link CircuitBreakerSettings#defaults()} by default.
         *
         * @param settings the settings
         * @return this builder
         */
        public Builder circuitBreaker(CircuitBreakerSettings settings) {
            this.circuitBreaker = Objects.requireNonNull(settings, "settings");
            return this;
        }

        /**
         * Sets how often one call asks it, and after what waits; {@link RetrySettings#defaults()} by default.
         *
         * @param settings the settings
         * @return this builder
         */
        public Builder retry(RetrySettings settings) {
            this.retry = Objects.requireNonNull(settings, "settings");
            return this;
        }

        /**
         * Limits how many attempts may be under way at once; not limited by default. A call that would be one too many skips the provider,
         * it does not queue. A stream counts until it has ended.
         *
         * @param maxConcurrent zero or more; zero is no limit
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder maxConcurrent(int maxConcurrent) {
            if (maxConcurrent < 0) {
                throw new IllegalArgumentException("maxConcurrent must be 0 or more but is " + maxConcurrent);
            }
            this.maxConcurrent = maxConcurrent;
            return this;
        }

        /**
         * Sets how much the model can read and write in one call; not known by default. A request that is too long for one provider goes on
         * only to one whose window is known to be larger (scenario F12).
         *
         * @param tokens more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder contextWindow(long tokens) {
            if (tokens <= 0) {
                throw new IllegalArgumentException("contextWindow must be more than 0 but is " + tokens);
            }
            this.contextWindow = tokens;
            return this;
        }

        /**
         * Sets whether answers are streamed from the provider and collected for calls that do not stream. Then these too have the limits of
         * the first token and of silence, so that a provider which accepts a call and says nothing is noticed early. Off by default.
         *
         * @param collectStreams whether to stream
         * @return this builder
         */
        public Builder collectStreams(boolean collectStreams) {
            this.collectStreams = collectStreams;
            return this;
        }

        /**
         * Sets its share under {@link ai.orchestrator.routing.StandardStrategy#WEIGHTED}; 1 by default. One of weight zero is never asked,
         * whatever the strategy.
         *
         * @param weight zero to 1,000,000
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder weight(int weight) {
            if (weight < 0 || weight > 1_000_000) {
                throw new IllegalArgumentException("weight must be 0 to 1000000 but is " + weight);
            }
            this.weight = weight;
            return this;
        }

        /**
         * Sets what its tokens cost; not known by default. {@link ai.orchestrator.routing.StandardStrategy#COST} goes by it.
         *
         * @param price in the same currency as those of the other providers
         * @return this builder
         */
        public Builder price(TokenPrice price) {
            this.price = Objects.requireNonNull(price, "price");
            return this;
        }

        /**
         * Sets how much may be asked of it in a minute and in a day; no limit by default. It is asked after others from nine tenths on,
         * and not at all when nothing is left, until the window's end. What its answers say of its limits corrects the count.
         *
         * @param quota the settings
         * @return this builder
         */
        public Builder quota(QuotaSettings quota) {
            this.quota = Objects.requireNonNull(quota, "quota");
            return this;
        }

        /**
         * Sets something that only its type has, such as Anthropic's {@code api-version}.
         *
         * @param name the option's name
         * @param value its value; checked when the orchestrator is built
         * @return this builder
         */
        public Builder option(String name, String value) {
            options.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * Builds the settings. What depends on the type is checked when the orchestrator is built.
         *
         * @return immutable settings
         */
        public ProviderSettings build() {
            return new ProviderSettings(this);
        }

        private static Duration positive(String option, Duration value) {
            if (value.isZero() || value.isNegative()) {
                throw new IllegalArgumentException(option + " must be more than zero but is " + value);
            }
            return value;
        }
    }
}
