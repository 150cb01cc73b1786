package ai.orchestrator.chat;

import java.net.URI;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A part of what a message says. Immutable and safe for use by several threads. */
public sealed interface Content {

    /**
     * Words.
     *
     * @param text the words; may be empty
     */
    record Text(String text) implements Content {

        /** Checks that nothing is null. */
        public Text {
            Objects.requireNonNull(text, "text");
        }

        /** The length of the text, never the text. */
        @Override
        public String toString() {
            return "Text(" + text.length() + " characters)";
        }
    }

    /** A picture, by its bytes or by the address where the provider finds it. */
    final class Image implements Content {

        private static final Pattern MEDIA_TYPE = Pattern.compile("image/[a-z0-9.+-]{1,64}");

        private final String mediaType;
        private final byte @Nullable [] bytes;
        private final @Nullable URI url;

        private Image(String mediaType, byte @Nullable [] bytes, @Nullable URI url) {
            this.mediaType = mediaType;
            this.bytes = bytes;
            this.url = url;
        }

        /**
         * A picture that is sent along.
         *
         * @param mediaType what the bytes are, such as {@code image/png}
         * @param bytes the picture, copied; at least one byte
         * @return the picture
         * @throws IllegalArgumentException if there are no bytes, or the type is not one of pictures
         */
        public static Image of(String mediaType, byte[] bytes) {
            if (!MEDIA_TYPE.matcher(mediaType).matches()) {
                throw new IllegalArgumentException(
                        "an image's media type must be like image/png but is '" + mediaType + "'");
            }
            if (bytes.length == 0) {
                throw new IllegalArgumentException("an image must have at least one byte");
            }
            return new Image(mediaType, bytes.clone(), null);
        }

        /**
         * A picture that the provider fetches itself. Not every provider does.
         *
         * @param url where it is; {@code http} or {@code https}
         * @return the picture
         * @throws IllegalArgumentException if the address is of another kind; for {@code data:} give the bytes
         */
        public static Image at(URI url) {
            String scheme = url.getScheme();
            if (!"https".equalsIgnoreCase(scheme) && !"http".equalsIgnoreCase(scheme)) {
                throw new IllegalArgumentException("an image's address must start with https:// or http://");
            }
            return new Image("", null, url);
        }

        /**
         * What the bytes are.
         *
         * @return such as {@code image/png}; empty for a picture at an address
         */
        public String mediaType() {
            return mediaType;
        }

        /**
         * The picture itself.
         *
         * @return a copy of the bytes; empty for a picture at an address
         */
        public Optional<byte[]> bytes() {
            return bytes == null ? Optional.empty() : Optional.of(bytes.clone());
        }

        /**
         * Where the picture is.
         *
         * @return the address; empty for a picture that is sent along
         */
        public Optional<URI> url() {
            return Optional.ofNullable(url);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Image other
                    && mediaType.equals(other.mediaType)
                    && Arrays.equals(bytes, other.bytes)
                    && Objects.equals(url, other.url);
        }

        @Override
        public int hashCode() {
            return Objects.hash(mediaType, Arrays.hashCode(bytes), url);
        }

        /** Kind and size, never the address: it may hold a signature. */
        @Override
        public String toString() {
            return bytes == null ? "Image(by address)" : "Image(" + mediaType + ", " + bytes.length + " bytes)";
        }
    }
}
