// The one error of this client: status, reason, wrong fields and when to come back.
package io.github.stubtail;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What every failed call throws, or completes its future with.
 *
 * <p>Its cause is the {@link StatusRuntimeException} with the status and the details of the server,
 * so that a gRPC server that lets it through passes them on.
 */
public final class StubtailException extends RuntimeException {
  /** Reason of the client itself: there was no connection. */
  public static final String CONNECTION_FAILED = "CONNECTION_FAILED";

  /** Reason of the client itself, and of the server: a request that cannot be sent. */
  public static final String INVALID_FIELD = "INVALID_FIELD";

  /** Reason of the client itself: a reply that is not what the method returns. */
  public static final String MALFORMED_REPLY = "MALFORMED_REPLY";

  private static final long serialVersionUID = 1L;

  /**
   * One thing that is wrong with a request.
   *
   * @param field the feature or the field of the request
   * @param description what was expected there
   */
  public record FieldViolation(String field, String description) {}

  private final transient Failure failure;

  StubtailException(Failure failure) {
    super(told(failure), failure.status().withCause(null).asRuntimeException(failure.trailers()));
    this.failure = failure;
  }

  /** The typed error in anything that a call through this client, or a stub over it, has thrown. */
  public static StubtailException of(Throwable thrown) {
    for (Throwable one = thrown; one != null; one = one.getCause()) {
      if (one instanceof StubtailException typed) {
        return typed;
      }
    }
    return new StubtailException(
        Failure.of(Status.fromThrowable(thrown), Status.trailersFromThrowable(thrown)));
  }

  /** The refusal of what cannot be sent, in the form that the server would use. */
  static StubtailException invalid(String field, String description) {
    Failure plain =
        Failure.of(Status.INVALID_ARGUMENT.withDescription(field + ": " + description), null);
    return new StubtailException(
        new Failure(
            plain.status(),
            plain.trailers(),
            INVALID_FIELD,
            Map.of(),
            List.of(new FieldViolation(field, description)),
            Optional.empty(),
            "",
            false,
            false,
            false));
  }

  /** A reply that is not what the method returns. */
  static StubtailException malformed(String method, String what) {
    String message =
        "the reply to "
            + method
            + " is malformed: "
            + what
            + "; is a stubtail server listening there?";
    Status status = Status.INTERNAL.withDescription(message);
    return new StubtailException(
        new Failure(
            status,
            new Metadata(),
            MALFORMED_REPLY,
            Map.of(),
            List.of(),
            Optional.empty(),
            "",
            false,
            false,
            false));
  }

  /** The gRPC status. */
  public Status.Code code() {
    return failure.status().getCode();
  }

  /**
   * The published name of what went wrong, such as "MODEL_NOT_FOUND": a name of {@link
   * io.github.stubtail.v1.ErrorReason} without its prefix, or a constant of this class. Empty where
   * nobody gave one.
   */
  public String reason() {
    return failure.reason();
  }

  /** What to change, in words. */
  public String description() {
    String description = failure.status().getDescription();
    return description == null ? "" : description;
  }

  /** The fields that are wrong; only with INVALID_ARGUMENT. */
  public List<FieldViolation> violations() {
    return failure.violations();
  }

  /** When a retry makes sense, where the server named a time. */
  public Optional<Duration> retryAfter() {
    return failure.retryAfter();
  }

  /** The values in the message, for programs. */
  public Map<String, String> metadata() {
    return failure.metadata();
  }

  /** What was not found; empty but with NOT_FOUND. */
  public String resource() {
    return failure.resource();
  }

  private static String told(Failure failure) {
    String description = failure.status().getDescription();
    return failure.status().getCode()
        + (failure.reason().isEmpty() ? "" : " (" + failure.reason() + ")")
        + (description == null ? "" : ": " + description);
  }
}
