// Behaviour that clients/conformance cannot see: contexts, futures, closing, options.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.stubtail.ScriptedServer.Step;
import io.github.stubtail.v1.Priority;
import io.github.stubtail.v1.ScoreRequest;
import io.github.stubtail.v1.ScoreResponse;
import io.github.stubtail.v1.ScoringServiceGrpc;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Behaviour that clients/conformance cannot see: contexts, futures, closing, options. */
final class BehaviourTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1); // on a busy machine
  private static final Metadata.Key<String> PARENT =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);

  private static Step failing(Status status) {
    return (request, reply) -> reply.onError(status.asRuntimeException());
  }

  @Test
  void theDeadlineOfTheContextCounts() throws Exception {
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try (ScriptedServer server = new ScriptedServer(ScriptedServer.GOOD, ScriptedServer.HANG);
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      client.score("m", Rows.dense(1)); // connects
      Context context =
          Context.current().withDeadline(Deadline.after(100, TimeUnit.MILLISECONDS), timer);
      StubtailException error =
          assertThrows(
              StubtailException.class, () -> context.call(() -> client.score("m", Rows.dense(1))));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, error.code());
    } finally {
      timer.shutdownNow();
    }
  }

  @Test
  void aCancelledContextEndsTheCallAndWhatWaitsForARetry() throws Exception {
    Metadata later = new Metadata();
    later.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), "30000");
    for (Step step :
        new Step[] {
          ScriptedServer.HANG,
          (request, reply) -> reply.onError(Status.UNAVAILABLE.asRuntimeException(later))
        }) {
      try (ScriptedServer server = new ScriptedServer(step);
          StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
        Context.CancellableContext context = Context.current().withCancellation();
        CompletableFuture<Scores> answer =
            context.call(() -> client.scoreAsync("m", Rows.dense(1)));
        await(() -> server.count() == 1);
        if (step != ScriptedServer.HANG) { // the refusal has come: the call waits for its retry
          await(() -> !client.connections.retries.isFull());
        }
        context.cancel(new IllegalStateException("enough"));
        CompletionException error = assertThrows(CompletionException.class, answer::join);
        assertEquals(Status.Code.CANCELLED, StubtailException.of(error).code());
        assertEquals(1, server.count());
      }
    }
  }

  @Test
  void aFutureThatIsGivenUpEndsItsCall() throws Exception {
    CompletableFuture<Boolean> seen = new CompletableFuture<>();
    Step noting =
        (request, reply) ->
            ((io.grpc.stub.ServerCallStreamObserver<ScoreResponse>) reply)
                .setOnCancelHandler(() -> seen.complete(true));
    try (ScriptedServer server = new ScriptedServer(noting);
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      CompletableFuture<Scores> answer = client.scoreAsync("m", Rows.dense(1));
      await(() -> server.count() == 1);
      answer.cancel(true);
      assertTrue(seen.get(1, TimeUnit.MINUTES));
    }
  }

  @Test
  void nobodyListens() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    StubtailClientBuilder waits =
        StubtailClient.builder("127.0.0.1:" + port).timeout(Duration.ofMillis(300));
    StubtailClientBuilder fails = StubtailClient.builder("127.0.0.1:" + port).failFast();
    for (StubtailClientBuilder builder : new StubtailClientBuilder[] {waits, fails}) {
      try (StubtailClient client = builder.build()) {
        StubtailException error =
            assertThrows(StubtailException.class, () -> client.score("m", Rows.dense(1)));
        assertEquals(Status.Code.UNAVAILABLE, error.code());
        assertEquals(StubtailException.CONNECTION_FAILED, error.reason());
      }
    }
  }

  @Test
  void aClosedClientIsNotRetried() throws Exception {
    try (ScriptedServer server = new ScriptedServer(ScriptedServer.HANG)) {
      StubtailClient client = server.client(builder -> builder.timeout(PATIENCE));
      CompletableFuture<Scores> underWay = client.scoreAsync("m", Rows.dense(1));
      await(() -> server.count() == 1);
      client.close();
      CompletionException ended = assertThrows(CompletionException.class, underWay::join);
      assertEquals(Status.Code.CANCELLED, StubtailException.of(ended).code());
      StubtailException error =
          assertThrows(StubtailException.class, () -> client.score("m", Rows.dense(1)));
      assertEquals(Status.Code.CANCELLED, error.code());
      assertTrue(client.connections.retries.isFull());
    }
  }

  @Test
  void theTraceOfTheCallBeingServedGoesOn() throws Exception {
    try (ScriptedServer last = new ScriptedServer();
        StubtailClient toLast = last.client(builder -> builder.timeout(PATIENCE));
        ScriptedServer first =
            new ScriptedServer(
                (request, reply) -> {
                  toLast.score("m", Rows.dense(1));
                  ScriptedServer.GOOD.answer(request, reply);
                });
        StubtailClient client = first.client(builder -> builder.timeout(PATIENCE))) {
      client.withTrace("00-served", "a=b").score("m", Rows.dense(1));
      assertEquals("00-served", last.headers.get(0).get(PARENT));
      assertEquals(
          "a=b",
          last.headers.get(0).get(Metadata.Key.of("tracestate", Metadata.ASCII_STRING_MARSHALLER)));
      toLast.withTrace("00-own", "").score("m", Rows.dense(1));
      assertEquals("00-own", last.headers.get(1).get(PARENT));
    }
  }

  @Test
  void prioritiesAndOptionsAreSent() throws Exception {
    try (ScriptedServer server = new ScriptedServer();
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      ScoreQuery query = ScoreQuery.of("m@1", Rows.dense(1)).withCoverage(0.9).withReasons(3);
      client.withPriority(Priority.PRIORITY_CRITICAL).score(query);
      ScoreRequest sent = server.requests.get(0);
      assertEquals("m@1", sent.getModel());
      assertEquals(Priority.PRIORITY_CRITICAL, sent.getPriority());
      assertEquals(0.9, sent.getCoverage());
      assertEquals(3, sent.getExplain().getTop());
    }
  }

  @Test
  void hedgingTakesTheFirstGoodAnswer() throws Exception {
    try (ScriptedServer server = new ScriptedServer(ScriptedServer.HANG, ScriptedServer.GOOD);
        StubtailClient client =
            server.client(
                builder ->
                    builder.timeout(PATIENCE).hedgeAfter(Duration.ofMillis(30)).connections(2))) {
      assertArrayEquals(new float[] {0.5f}, client.score("m", Rows.dense(1)).scores());
      assertEquals(2, server.count());
    }
  }

  @Test
  void aDefiniteRefusalEndsAHedgedCall() throws Exception {
    try (ScriptedServer server =
            new ScriptedServer(ScriptedServer.HANG, failing(Status.INVALID_ARGUMENT));
        StubtailClient client =
            server.client(b -> b.timeout(PATIENCE).hedgeAfter(Duration.ofMillis(30)))) {
      StubtailException error =
          assertThrows(StubtailException.class, () -> client.score("m", Rows.dense(1)));
      assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
      assertEquals(2, server.count());
    }
  }

  @Test
  void hedgingTellsTheLastFailure() throws Exception {
    try (ScriptedServer server = new ScriptedServer(failing(Status.INTERNAL));
        StubtailClient client =
            server.client(builder -> builder.timeout(PATIENCE).hedgeAfter(PATIENCE))) {
      StubtailException error =
          assertThrows(StubtailException.class, () -> client.score("m", Rows.dense(1)));
      assertEquals(Status.Code.INTERNAL, error.code());
      assertEquals(1, server.count());
    }
  }

  @Test
  void stubsOverTheClientRetryToo() throws Exception {
    try (ScriptedServer server =
            new ScriptedServer(failing(Status.UNAVAILABLE), ScriptedServer.GOOD);
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      ScoreResponse reply =
          ScoringServiceGrpc.newFutureStub(client.channel())
              .score(ScoreRequest.newBuilder().setModel("m").build())
              .get(1, TimeUnit.MINUTES);
      assertEquals("m", reply.getModel());
      assertEquals(2, server.count());
    }
  }

  @Test
  void foreignRepliesAreErrors() throws Exception {
    Step foreign =
        (request, reply) -> {
          reply.onNext(ScoreResponse.newBuilder().addLabelIndexes(7).addClasses("a").build());
          reply.onCompleted();
        };
    try (ScriptedServer server = new ScriptedServer(foreign);
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      StubtailException error =
          assertThrows(StubtailException.class, () -> client.score("m", Rows.dense(1)));
      assertEquals(StubtailException.MALFORMED_REPLY, error.reason());
      CompletionException late =
          assertThrows(
              CompletionException.class, () -> client.scoreAsync("m", Rows.dense(1)).join());
      assertEquals(StubtailException.MALFORMED_REPLY, StubtailException.of(late).reason());
    }
  }

  @Test
  void whatCannotBeSent() throws Exception {
    try (ScriptedServer server = new ScriptedServer();
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      for (Rows rows : new Rows[] {null, new Row()}) {
        StubtailException error =
            assertThrows(StubtailException.class, () -> client.score("m", rows));
        assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
        assertEquals(1, error.violations().size());
      }
      assertThrows(StubtailException.class, () -> Row.of(Map.of("a", new int[0])));
      assertThrows(StubtailException.class, () -> client.decide(new Question("m")));
      assertEquals(0, server.count());
    }
    StubtailClientBuilder builder = StubtailClient.builder("127.0.0.1:1");
    assertThrows(IllegalArgumentException.class, () -> builder.timeout(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> builder.timeout(Duration.ofDays(2)));
    assertThrows(IllegalArgumentException.class, () -> builder.connections(0));
    assertThrows(IllegalArgumentException.class, () -> builder.hedgeAfter(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> builder.messageBytesMax(0));
    assertFalse(StubtailClientBuilder.isLoopback("127.example:8500"));
  }

  private static void await(java.util.function.BooleanSupplier holds) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "it did not happen in time");
      Thread.sleep(5);
    }
  }
}
