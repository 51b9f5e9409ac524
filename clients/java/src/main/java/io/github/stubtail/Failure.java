// What went wrong with one attempt of a call, read from its status and trailers.
package io.github.stubtail;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What went wrong with one attempt of a call.
 *
 * @param status as gRPC reports it, or as the client knows better
 * @param trailers what came with it
 * @param reason the published name of what went wrong; empty where nobody gave one
 * @param metadata the values in the message
 * @param violations the fields that are wrong
 * @param retryAfter when a retry makes sense, where the server says so
 * @param resource what was not found
 * @param never whether the server says: not again
 * @param late whether the time of the call was spent on getting a connection
 * @param closed whether the client was closed
 */
record Failure(
    Status status,
    Metadata trailers,
    String reason,
    Map<String, String> metadata,
    List<StubtailException.FieldViolation> violations,
    Optional<Duration> retryAfter,
    String resource,
    boolean never,
    boolean late,
    boolean closed) {
  static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  // Ten years: what is longer is no time of a retry, and overflows nanoseconds.
  private static final long RETRY_AFTER_MS_MAX = Duration.ofDays(3650).toMillis();

  /** Reads the details; those that are unknown or damaged are passed over. */
  static Failure of(Status status, Metadata trailers) {
    Metadata all = trailers == null ? new Metadata() : trailers;
    Details details = new Details();
    byte[] packed = all.get(DETAILS);
    if (packed != null) {
      details.read(packed);
    }
    boolean never = false;
    String pushback = all.get(PUSHBACK);
    if (pushback != null) {
      long ms = parsed(pushback);
      never = ms < 0;
      if (never) {
        details.retryAfter = Optional.empty();
      } else if (details.retryAfter.isEmpty()) {
        details.retryAfter = Optional.of(Duration.ofMillis(Math.min(ms, RETRY_AFTER_MS_MAX)));
      }
    }
    return new Failure(
        status,
        all,
        details.reason,
        details.metadata,
        details.violations,
        details.retryAfter,
        details.resource,
        never,
        false,
        false);
  }

  /** The client was closed: what is under way ends, and nothing is tried again. */
  Failure ofClosedClient() {
    Status told = Status.CANCELLED.withDescription("the client is closed");
    return with(told, reason, false, true);
  }

  /** There was no connection: {@code late} says that waiting for one took the time of the call. */
  Failure withoutConnection(String target, boolean late) {
    String why = status.getDescription() == null ? "" : ": " + status.getDescription();
    Throwable cause = status.getCause();
    if (cause != null && cause.getMessage() != null) {
      why += ": " + cause.getMessage();
    }
    Status told =
        Status.UNAVAILABLE.withDescription("no connection to " + target + why).withCause(cause);
    return with(told, StubtailException.CONNECTION_FAILED, late, false);
  }

  private Failure with(Status told, String why, boolean late, boolean closed) {
    return new Failure(
        told, trailers, why, metadata, violations, retryAfter, resource, never, late, closed);
  }

  private static long parsed(String pushback) {
    try {
      return Long.parseLong(pushback);
    } catch (NumberFormatException error) {
      return -1; // as gRPC's own policy does: what cannot be read says "not again"
    }
  }

  /** The details of a status, as far as they can be read. */
  private static final class Details {
    private String reason = "";
    private String resource = "";
    private Map<String, String> metadata = Map.of();
    private List<StubtailException.FieldViolation> violations = List.of();
    private Optional<Duration> retryAfter = Optional.empty();

    void read(byte[] packed) {
      try {
        for (Any detail : com.google.rpc.Status.parseFrom(packed).getDetailsList()) {
          read(detail);
        }
      } catch (InvalidProtocolBufferException error) {
        // Damaged: the status itself still says what there is to say.
      }
    }

    private void read(Any detail) throws InvalidProtocolBufferException {
      if (detail.is(ErrorInfo.class)) {
        ErrorInfo info = detail.unpack(ErrorInfo.class);
        reason = info.getReason();
        metadata = Map.copyOf(info.getMetadataMap());
      } else if (detail.is(RetryInfo.class)) {
        com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
        long seconds = Math.max(0, Math.min(delay.getSeconds(), RETRY_AFTER_MS_MAX / 1000));
        retryAfter = Optional.of(Duration.ofSeconds(seconds, Math.max(0, delay.getNanos())));
      } else if (detail.is(ResourceInfo.class)) {
        resource = detail.unpack(ResourceInfo.class).getResourceName();
      } else if (detail.is(BadRequest.class)) {
        List<StubtailException.FieldViolation> found = new ArrayList<>();
        for (BadRequest.FieldViolation one :
            detail.unpack(BadRequest.class).getFieldViolationsList()) {
          found.add(new StubtailException.FieldViolation(one.getField(), one.getDescription()));
        }
        violations = List.copyOf(found);
      }
    }
  }
}
