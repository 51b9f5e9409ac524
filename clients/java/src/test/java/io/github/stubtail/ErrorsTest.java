// Statuses and their details as the one typed error.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.github.stubtail.v1.ScoreRequest;
import io.github.stubtail.v1.ScoringServiceGrpc;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ErrorsTest {
  private static final java.time.Duration PATIENCE =
      java.time.Duration.ofMinutes(1); // on a busy machine
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private static StatusRuntimeException told(Status status, Message... details) {
    com.google.rpc.Status.Builder packed =
        com.google.rpc.Status.newBuilder().setCode(status.getCode().value());
    for (Message detail : details) {
      packed.addDetails(Any.pack(detail));
    }
    Metadata trailers = new Metadata();
    trailers.put(Failure.DETAILS, packed.build().toByteArray());
    return status.asRuntimeException(trailers);
  }

  @Test
  void errorsAreTyped() throws Exception {
    StatusRuntimeException scripted =
        told(
            Status.INVALID_ARGUMENT.withDescription("tenure: must be a number"),
            ErrorInfo.newBuilder().setReason("INVALID_FIELD").putMetadata("a", "b").build(),
            BadRequest.newBuilder()
                .addFieldViolations(
                    BadRequest.FieldViolation.newBuilder()
                        .setField("tenure")
                        .setDescription("must be a number"))
                .build(),
            ResourceInfo.newBuilder().setResourceName("m").build(),
            RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setSeconds(1).setNanos(500_000_000))
                .build());
    try (ScriptedServer server = new ScriptedServer((q, reply) -> reply.onError(scripted));
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      StubtailException error =
          assertThrows(StubtailException.class, () -> client.score("m", Rows.dense(1)));
      assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
      assertEquals("INVALID_FIELD", error.reason());
      assertEquals("tenure: must be a number", error.description());
      assertEquals("b", error.metadata().get("a"));
      assertEquals("m", error.resource());
      assertEquals(
          List.of(new StubtailException.FieldViolation("tenure", "must be a number")),
          error.violations());
      assertEquals(Optional.of(java.time.Duration.ofMillis(1500)), error.retryAfter());
      assertTrue(error.getMessage().contains("INVALID_FIELD"), error.getMessage());

      // A server that lets it through passes the status and its details on.
      assertEquals(Status.Code.INVALID_ARGUMENT, Status.fromThrowable(error).getCode());
      assertTrue(Status.trailersFromThrowable(error).containsKey(Failure.DETAILS));

      // A stub over the client throws gRPC's own exception, which has the typed one.
      StatusRuntimeException raw =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  ScoringServiceGrpc.newBlockingStub(client.channel())
                      .score(ScoreRequest.getDefaultInstance()));
      assertSame(raw.getCause(), StubtailException.of(raw));
      assertEquals("INVALID_FIELD", StubtailException.of(raw).reason());
    }
  }

  @Test
  void whatIsDamagedIsPassedOver() {
    Metadata trailers = new Metadata();
    trailers.put(Failure.DETAILS, new byte[] {1, 2, 3});
    trailers.put(PUSHBACK, "soon");
    Failure failure = Failure.of(Status.UNAVAILABLE, trailers);
    assertEquals("", failure.reason());
    assertTrue(failure.never(), "what cannot be read says: not again");
    assertFalse(Failure.of(Status.UNAVAILABLE, new Metadata()).never());
  }

  @Test
  void thePushbackIsATimeOfARetry() {
    Metadata trailers = new Metadata();
    trailers.put(PUSHBACK, "250");
    Failure failure = Failure.of(Status.UNAVAILABLE, trailers);
    assertEquals(Optional.of(java.time.Duration.ofMillis(250)), failure.retryAfter());
  }

  @Test
  void anyThrowableHasATypedError() {
    StubtailException error = StubtailException.of(new IllegalStateException("x"));
    assertEquals(Status.Code.UNKNOWN, error.code());
    assertInstanceOf(StatusRuntimeException.class, error.getCause());
  }
}
