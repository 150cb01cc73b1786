package ai.orchestrator;

import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All attempts for one request: asks the candidates in turn until one has answered or none is left. For one thread. */
final class Call {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    private final TimeSource timeSource;
    private final Duration allowed;
    private final Deadline deadline;
    private final long startNanos;
    private final Cancellation cancellation;
    private final BooleanSupplier closed;
    private final Delivery delivery;
    private final LiveAnswer live;
    private final List<Trail.Step> steps = new ArrayList<>();
    private @Nullable ProviderException firstFailure;

    /** Why each provider was skipped that cannot do what the request asks. */
    private final List<String> unsupported = new ArrayList<>();

    Call(
            TimeSource timeSource,
            Duration allowed,
            Cancellation cancellation,
            BooleanSupplier closed,
            Delivery delivery,
            LiveAnswer live) {
        this.timeSource = timeSource;
        this.allowed = allowed;
        this.deadline = Deadline.after(timeSource, allowed);
        this.startNanos = timeSource.nanoTime();
        this.cancellation = cancellation;
        this.closed = closed;
        this.delivery = delivery;
        this.live = live;
    }

    ChatResponse run(ChatRequest request, List<RegisteredProvider> candidates) {
        for (RegisteredProvider candidate : candidates) {
            stopIfOver();
            Optional<String> reason = candidate.chatProvider().unsupported(request);
            if (reason.isPresent()) {
                unsupported.add(candidate.name() + ": " + reason.get());
                steps.add(new Trail.Skipped(candidate.name(), "cannot do " + reason.get(), Optional.empty()));
                continue;
            }
            Acquisition acquisition = candidate.breaker().tryAcquire(Attempt.trialLease(candidate, deadline));
            if (acquisition instanceof Permit permit) {
                ChatResponse response = run(request, candidate, permit);
                if (response != null) {
                    return response;
                }
            } else if (acquisition instanceof Refusal refusal) {
                steps.add(new Trail.Skipped(candidate.name(), reason(refusal), refusal.timeUntilRetry()));
            }
        }
        stopIfExpired();
        if (!unsupported.isEmpty() && unsupported.size() == candidates.size()) {
            throw new RequestRejectedException(unsupported, trail());
        }
        throw new AllProvidersFailedException(firstFailure, trail());
    }

    private static String reason(Refusal refusal) {
        return switch (refusal.state()) {
            case HALF_OPEN -> "circuit breaker half open, its trials are under way";
            case FORCED_OPEN -> "circuit breaker forced open by an operator";
            default -> "circuit breaker open";
        };
    }

    /** The answer, or null if the next candidate is to be asked; throws if the call ends here. */
    private @Nullable ChatResponse run(ChatRequest request, RegisteredProvider candidate, Permit permit) {
        Attempt attempt = new Attempt(candidate, timeSource, deadline, delivery, live.attempt());
        ChatResponse.Builder answer;
        try {
            // The permit may have come too late: then no attempt is made, which says nothing about the provider (R7).
            stopIfOver();
            answer = attempt.run(request, cancellation);
        } catch (CallCancelledException | DeadlineExceededException e) {
            permit.release();
            throw e;
        } catch (ProviderException e) {
            if (e.kind().countsAgainstProvider()) {
                permit.failure(attempt.elapsed(), e);
            } else {
                permit.release();
            }
            failed(candidate, attempt, e, live.failed());
            return null;
        } catch (Throwable e) {
            // An Error, or whatever else may come: nobody can say what the provider did, but its permit must not be
            // lost.
            permit.failure(attempt.elapsed(), e);
            throw e;
        }
        permit.success(attempt.elapsed());
        steps.add(new Trail.Answered(candidate.name(), attempt.elapsed()));
        return answer.trail(trail()).build();
    }

    private void failed(RegisteredProvider candidate, Attempt attempt, ProviderException failure, boolean shown) {
        FailureKind kind = failure.kind();
        Trail.Failed step = new Trail.Failed(
                candidate.name(), attempt.elapsed(), kind, failure.status(), String.valueOf(failure.getMessage()));
        steps.add(step);
        if (kind.isMisconfiguration()) {
            logger.error("The configuration of provider '{}' needs a look: {}", candidate.name(), step.reason());
        } else {
            logger.debug("{}", step);
        }
        stopIfUnwanted();
        if (shown) {
            throw new StreamFailedException(candidate.name(), attempt.partialText(), failure, trail());
        }
        if (!kind.failsOver()) {
            // A cancellation that nobody here asked for (499) is the provider's word too.
            throw new RequestRejectedException(candidate.name(), failure, trail());
        }
        if (firstFailure == null) {
            firstFailure = failure;
        } else if (failure != firstFailure) {
            firstFailure.addSuppressed(failure);
        }
    }

    private void stopIfOver() {
        stopIfUnwanted();
        stopIfExpired();
    }

    private void stopIfExpired() {
        if (deadline.isExpired()) {
            throw new DeadlineExceededException(allowed, firstFailure, trail());
        }
    }

    private void stopIfUnwanted() {
        if (closed.getAsBoolean()) {
            throw new CallCancelledException(CallCancelledException.Reason.CLOSED, firstFailure, trail());
        }
        if (cancellation.isCancelled()) {
            throw new CallCancelledException(CallCancelledException.Reason.CANCELLED, firstFailure, trail());
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new CallCancelledException(CallCancelledException.Reason.INTERRUPTED, firstFailure, trail());
        }
    }

    private Trail trail() {
        return new Trail(steps, Duration.ofNanos(timeSource.nanoTime() - startNanos));
    }
}
