// Every call ends once, whatever ends it: closing, retries that cannot be made, wild answers.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.RetryInfo;
import io.github.stubtail.ScriptedServer.Step;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 1, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class EndingsTest {
  private static final java.time.Duration PATIENCE =
      java.time.Duration.ofMinutes(1); // on a busy machine
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir private Path folder;

  private static Step refusing(String pushbackMs) {
    Metadata trailers = new Metadata();
    trailers.put(PUSHBACK, pushbackMs);
    return (request, reply) -> reply.onError(Status.UNAVAILABLE.asRuntimeException(trailers));
  }

  private static StubtailException failure(Future<?> answer) throws Exception {
    ExecutionException thrown =
        assertThrows(ExecutionException.class, () -> answer.get(20, TimeUnit.SECONDS));
    return StubtailException.of(thrown);
  }

  private static void await(java.util.function.BooleanSupplier holds) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "it did not happen in time");
      Thread.sleep(5);
    }
  }

  @Test
  void closingEndsWhatWaitsForARetry() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (ScriptedServer server = new ScriptedServer(refusing("30000"))) {
      StubtailClient client = server.client(builder -> builder.timeout(PATIENCE));
      Future<Scores> waits = thread.submit(() -> client.score("m", Rows.dense(1)));
      CompletableFuture<Scores> later = client.scoreAsync("m", Rows.dense(1));
      await(() -> client.connections.timer.getQueue().size() == 2);
      client.close();
      assertEquals(Status.Code.CANCELLED, failure(later).code());
      assertEquals(Status.Code.CANCELLED, failure(waits).code());
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  void aRetryThatCannotBeMadeEndsTheCall() throws Exception {
    for (boolean hedged : new boolean[] {false, true}) {
      AtomicInteger attempts = new AtomicInteger();
      ClientInterceptor breaking =
          new ClientInterceptor() {
            @Override
            public <Q, R> ClientCall<Q, R> interceptCall(
                MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
              if (attempts.incrementAndGet() > 1) {
                throw new IllegalStateException("broken interceptor");
              }
              return next.newCall(method, options);
            }
          };
      Step slow =
          (request, reply) ->
              CompletableFuture.delayedExecutor(200, TimeUnit.MILLISECONDS)
                  .execute(() -> ScriptedServer.GOOD.answer(request, reply));
      try (ScriptedServer server = new ScriptedServer(hedged ? slow : refusing("1"));
          StubtailClient client =
              server.client(
                  builder -> {
                    builder.timeout(PATIENCE).interceptor(breaking);
                    if (hedged) {
                      builder.hedgeAfter(java.time.Duration.ofMillis(1));
                    }
                  })) {
        CompletableFuture<Scores> answer = client.scoreAsync("m", Rows.dense(1));
        if (hedged) {
          assertEquals(1, answer.get(20, TimeUnit.SECONDS).size());
        } else {
          assertEquals(Status.Code.UNKNOWN, failure(answer).code());
        }
        assertEquals(2, attempts.get());
      }
    }
  }

  @Test
  void aTimeBeyondAllMeasureIsNoRetry() throws Exception {
    Metadata years = new Metadata();
    Any detail =
        Any.pack(
            RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setSeconds(315_576_000_000L))
                .build());
    years.put(
        Failure.DETAILS,
        com.google.rpc.Status.newBuilder().addDetails(detail).build().toByteArray());
    Step late = (request, reply) -> reply.onError(Status.UNAVAILABLE.asRuntimeException(years));
    for (Step step : List.of(late, refusing("" + Long.MAX_VALUE))) {
      try (ScriptedServer server = new ScriptedServer(step);
          StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
        StubtailException error = failure(client.scoreAsync("m", Rows.dense(1)));
        assertEquals(Status.Code.UNAVAILABLE, error.code());
        assertEquals(1, server.count());
      }
    }
  }

  @Test
  void whoRunsAnswersInPlaceCanCancelAndHedge() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    try (StubtailClient client =
        StubtailClient.builder("127.0.0.1:" + port)
            .executor(Runnable::run)
            .timeout(PATIENCE)
            .build()) {
      Context.CancellableContext context = Context.current().withCancellation();
      CompletableFuture<Scores> answer = context.call(() -> client.scoreAsync("m", Rows.dense(1)));
      assertTrue(answer.cancel(true));
      assertThrows(CancellationException.class, answer::join);
      context.cancel(null);
    }
    try (ScriptedServer server = new ScriptedServer(ScriptedServer.HANG, ScriptedServer.GOOD);
        StubtailClient client =
            server.client(
                builder ->
                    builder
                        .executor(Runnable::run)
                        .timeout(PATIENCE)
                        .hedgeAfter(java.time.Duration.ofMillis(30))
                        .connections(2))) {
      Scores scores = client.scoreAsync("m", Rows.dense(1)).get(20, TimeUnit.SECONDS);
      assertArrayEquals(new float[] {0.5f}, scores.scores());
    }
  }

  @Test
  void whatIsCancelledIsToldOnTheExecutorAndNeverOnTheTimer() throws Exception {
    ExecutorService own = Executors.newSingleThreadExecutor(work -> new Thread(work, "own"));
    try (ScriptedServer server = new ScriptedServer(refusing("30000"))) {
      for (boolean given : new boolean[] {true, false}) {
        try (StubtailClient client =
            server.client(
                builder -> {
                  builder.timeout(PATIENCE);
                  if (given) {
                    builder.executor(own);
                  }
                })) {
          Context.CancellableContext context = Context.current().withCancellation();
          CompletableFuture<String> thread =
              context.call(
                  () ->
                      client
                          .scoreAsync("m", Rows.dense(1))
                          .handle((scores, error) -> Thread.currentThread().getName()));
          await(() -> client.connections.timer.getQueue().size() == 1);
          context.cancel(null);
          String name = thread.get(20, TimeUnit.SECONDS);
          assertEquals(given, name.equals("own"), name);
          assertFalse(name.equals("stubtail-timer"), name);
        }
      }
    } finally {
      own.shutdownNow();
    }
  }

  @Test
  void aRetrySendsTheTokenOnce() throws Exception {
    Path token = Files.writeString(folder.resolve("token"), "secret");
    try (ScriptedServer server = new ScriptedServer(refusing("1"), ScriptedServer.GOOD);
        StubtailClient client =
            server.client(builder -> builder.timeout(PATIENCE).tokenFile(token))) {
      client.score("m", Rows.dense(1));
      for (Metadata headers : server.headers) {
        int sent = 0;
        for (String value : headers.getAll(TokenFile.AUTHORIZATION)) {
          assertEquals("Bearer secret", value);
          sent++;
        }
        assertEquals(1, sent);
      }
      assertEquals(2, server.headers.size());
    }
  }

  @Test
  void aRequestThatIsTooLargeIsNotRetried() throws Exception {
    try (ScriptedServer server = new ScriptedServer();
        StubtailClient client =
            server.client(builder -> builder.timeout(PATIENCE).messageBytesMax(1024))) {
      StubtailException error =
          assertThrows(
              StubtailException.class, () -> client.score("m", Rows.dense(new float[1024])));
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, error.code(), error::getMessage);
      assertTrue(client.connections.retries.isFull(), "it was tried again");
    }
  }
}
