package ai.orchestrator.breaker;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A Resilience4j registry, real but for this: just before a method of its breaker runs, a test's action does, once. So a test can put another
 * thread's deed exactly between two steps of ours.
 */
final class InterceptedResilience4j {

    private final CircuitBreakerRegistry real = CircuitBreakerRegistry.ofDefaults();
    private final Map<String, Runnable> actions = new ConcurrentHashMap<>();
    private final CircuitBreakerRegistry registry = proxy(CircuitBreakerRegistry.class, (method, arguments) -> {
        Object result = invoke(real, method, arguments);
        return result instanceof CircuitBreaker breaker ? intercepted(breaker) : result;
    });

    private interface Handler {
        Object handle(Method method, Object[] arguments) throws Throwable;
    }

    CircuitBreakerRegistry registry() {
        return registry;
    }

    /** The breaker itself, on which nothing is intercepted. */
    CircuitBreaker breaker(String name) {
        return real.circuitBreaker(name);
    }

    void before(String method, Runnable action) {
        actions.put(method, action);
    }

    private CircuitBreaker intercepted(CircuitBreaker breaker) {
        return proxy(CircuitBreaker.class, (method, arguments) -> {
            Runnable action = actions.remove(method.getName());
            if (action != null) {
                action.run();
            }
            return invoke(breaker, method, arguments);
        });
    }

    private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, Handler handler) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> handler.handle(method, arguments)));
    }
}
