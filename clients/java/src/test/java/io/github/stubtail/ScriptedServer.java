// A gRPC server on a free port of this machine that answers by a script, for tests.
package io.github.stubtail;

import io.github.stubtail.v1.ChatDelta;
import io.github.stubtail.v1.ChatEnd;
import io.github.stubtail.v1.ChatRequest;
import io.github.stubtail.v1.ChatResponse;
import io.github.stubtail.v1.ChatStreamResponse;
import io.github.stubtail.v1.LlmServiceGrpc;
import io.github.stubtail.v1.ScoreRequest;
import io.github.stubtail.v1.ScoreResponse;
import io.github.stubtail.v1.ScoringServiceGrpc;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Answers each Score with the next step of its script, and the last one for ever. */
final class ScriptedServer implements AutoCloseable {
  /** What becomes of one call. */
  interface Step {
    void answer(ScoreRequest request, StreamObserver<ScoreResponse> reply);
  }

  static final Step GOOD =
      (request, reply) -> {
        reply.onNext(
            ScoreResponse.newBuilder()
                .setModel(request.getModel())
                .setVersion("1")
                .addScores(0.5f)
                .build());
        reply.onCompleted();
      };
  static final Step HANG = (request, reply) -> {};

  /** The headers of every call, in the order of arrival. */
  final List<Metadata> headers = new CopyOnWriteArrayList<>();

  /** The requests of every Score. */
  final List<ScoreRequest> requests = new CopyOnWriteArrayList<>();

  private final List<Step> steps;
  private final AtomicInteger calls = new AtomicInteger();
  private final Server server;
  private volatile ChatEnd end;

  ScriptedServer(Step... steps) throws IOException {
    this(InsecureServerCredentials.create(), steps);
  }

  ScriptedServer(ServerCredentials credentials, Step... steps) throws IOException {
    this.steps = steps.length == 0 ? List.of(GOOD) : List.of(steps);
    this.server =
        Grpc.newServerBuilderForPort(0, credentials)
            .addService(new Scoring())
            .addService(new Llm())
            .intercept(new Noting())
            .intercept(Trace.passOn())
            .build()
            .start();
  }

  String target() {
    return "127.0.0.1:" + server.getPort();
  }

  StubtailClient client(Consumer<StubtailClientBuilder> options) throws IOException {
    StubtailClientBuilder builder = StubtailClient.builder(target());
    options.accept(builder);
    return builder.build();
  }

  int count() {
    return calls.get();
  }

  void chatsEndWith(ChatEnd ending) {
    end = ending;
  }

  @Override
  public void close() {
    try {
      server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Scoring extends ScoringServiceGrpc.ScoringServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> reply) {
      requests.add(request);
      int number = calls.incrementAndGet();
      steps.get(Math.min(number, steps.size()) - 1).answer(request, reply);
    }
  }

  private final class Llm extends LlmServiceGrpc.LlmServiceImplBase {
    @Override
    public void chat(ChatRequest request, StreamObserver<ChatResponse> reply) {
      ChatResponse.Builder answer = ChatResponse.newBuilder().setText("one two");
      if (end != null) {
        answer.setEnd(end);
      }
      reply.onNext(answer.build());
      reply.onCompleted();
    }

    @Override
    public void chatStream(ChatRequest request, StreamObserver<ChatStreamResponse> reply) {
      for (String text : List.of("one ", "two")) {
        ChatDelta delta = ChatDelta.newBuilder().setText(text).build();
        reply.onNext(ChatStreamResponse.newBuilder().setDelta(delta).build());
      }
      if (end != null) {
        reply.onNext(ChatStreamResponse.newBuilder().setEnd(end).build());
      }
      reply.onCompleted();
    }
  }

  private final class Noting implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata received, ServerCallHandler<Q, R> next) {
      headers.add(received);
      return next.startCall(call, received);
    }
  }
}
