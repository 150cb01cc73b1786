package ai.orchestrator.scenarios;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.AnnotationBasedArgumentsProvider;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** Runs a scenario in each dialect in which it can happen, in each of the dialect's ways. The method's name begins with its number. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@ArgumentsSource(EveryDialect.Source.class)
@interface EveryDialect {

    /** Whether it needs a stream from the provider. */
    boolean streamed() default false;

    /** For JUnit. */
    final class Source extends AnnotationBasedArgumentsProvider<EveryDialect> {

        @Override
        protected Stream<? extends Arguments> provideArguments(
                ParameterDeclarations parameters, ExtensionContext context, EveryDialect scenario) {
            String name = context.getRequiredTestMethod().getName();
            String number = name.substring(0, name.indexOf('_'));
            return Stream.of(Dialect.values())
                    .filter(dialect -> !dialect.impossible().containsKey(number))
                    .flatMap(dialect -> dialect.ways().stream()
                            .filter(way -> !scenario.streamed() || way.streamsUpstream())
                            .map(way -> Arguments.of(dialect, way)));
        }
    }
}
