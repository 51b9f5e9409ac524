// The client: one method for each thing that a stubtail server does, blocking and as a future.
package io.github.stubtail;

import io.github.stubtail.health.HealthCheckRequest;
import io.github.stubtail.health.HealthCheckResponse.ServingStatus;
import io.github.stubtail.health.HealthGrpc;
import io.github.stubtail.v1.AnomalyServiceGrpc;
import io.github.stubtail.v1.ChatRequest;
import io.github.stubtail.v1.ChatStreamResponse;
import io.github.stubtail.v1.DecisionServiceGrpc;
import io.github.stubtail.v1.EmbedRequest;
import io.github.stubtail.v1.EmbedResponse;
import io.github.stubtail.v1.ForecastingServiceGrpc;
import io.github.stubtail.v1.GetModelRequest;
import io.github.stubtail.v1.GetModelResponse;
import io.github.stubtail.v1.ListModelsRequest;
import io.github.stubtail.v1.ListModelsResponse;
import io.github.stubtail.v1.LlmServiceGrpc;
import io.github.stubtail.v1.LlmServiceListModelsRequest;
import io.github.stubtail.v1.LlmServiceListModelsResponse;
import io.github.stubtail.v1.ModelServiceGrpc;
import io.github.stubtail.v1.ModelSummary;
import io.github.stubtail.v1.Priority;
import io.github.stubtail.v1.ScoringServiceGrpc;
import io.github.stubtail.v1.WatchOptions;
import io.github.stubtail.v1.WatchState;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * Calls a stubtail server. Threads may share a client; make one and keep it. {@link #withTimeout},
 * {@link #withPriority} and {@link #withTrace} give views of it that share its connections.
 *
 * <p>Methods that wait throw {@link StubtailException}; futures complete with it. To cancel a
 * future cancels its call. The deadline and the cancellation of the current {@link io.grpc.Context}
 * count, so that a gRPC server passes on those of the calls that it serves.
 */
public final class StubtailClient extends Calls implements AutoCloseable {
  StubtailClient(Connections connections, Options options) {
    super(connections, options);
  }

  /** Builds a client for "host:port", or for "dns:///name:port", whose addresses take turns. */
  public static StubtailClientBuilder builder(String target) {
    return new StubtailClientBuilder(target);
  }

  /** A view whose calls end after so long, for retries and waiting for a connection too. */
  public StubtailClient withTimeout(Duration wait) {
    Optional<Duration> timeout = Optional.of(StubtailClientBuilder.bounded(wait));
    return new StubtailClient(
        connections, new Options(timeout, options.priority(), options.trace()));
  }

  /** A view whose calls are of a class. Without one, a call is PRIORITY_NORMAL. */
  public StubtailClient withPriority(Priority priority) {
    return new StubtailClient(
        connections, new Options(options.timeout(), priority, options.trace()));
  }

  /** A view whose calls carry a W3C trace context; {@code state} may be empty. */
  public StubtailClient withTrace(String parent, String state) {
    return new StubtailClient(
        connections,
        new Options(options.timeout(), options.priority(), Optional.of(new Trace(parent, state))));
  }

  /** Scores rows with a model, "name" for its live version or "name@version". */
  public Scores score(String model, Rows rows) {
    return score(ScoreQuery.of(model, rows)).get(model);
  }

  /** Scores rows with a model. */
  public CompletableFuture<Scores> scoreAsync(String model, Rows rows) {
    return ask(
        ScoringServiceGrpc.getScoreMethod(), ScoreQuery.of(model, rows).proto(options), Scores::of);
  }

  /**
   * Scores the same rows with 1 to 16 models in one trip, with bounds and reasons where they are
   * asked for. The answers are by the name that each was asked for; when one model fails, the call
   * fails, and the error names it.
   */
  public Map<String, Scores> score(ScoreQuery query) {
    return Scores.byModel(
        query.models(), call(ScoringServiceGrpc.getScoreMethod(), query.proto(options)));
  }

  /** Scores the same rows with 1 to 16 models in one trip. */
  public CompletableFuture<Map<String, Scores>> scoreAsync(ScoreQuery query) {
    return ask(
        ScoringServiceGrpc.getScoreMethod(),
        query.proto(options),
        reply -> Scores.byModel(query.models(), reply));
  }

  /** Scores every candidate in one run and ranks those that keep all constraints. */
  public Decision decide(Question question) {
    return Decision.of(call(DecisionServiceGrpc.getDecideMethod(), question.proto(options)));
  }

  /** Scores every candidate in one run and ranks those that keep all constraints. */
  public CompletableFuture<Decision> decideAsync(Question question) {
    return ask(DecisionServiceGrpc.getDecideMethod(), question.proto(options), Decision::of);
  }

  /** Forecasts series; none of them changes the answer of another one. */
  public Forecast forecast(Outlook outlook) {
    return Forecast.of(call(ForecastingServiceGrpc.getForecastMethod(), outlook.proto(options)));
  }

  /** Forecasts series; none of them changes the answer of another one. */
  public CompletableFuture<Forecast> forecastAsync(Outlook outlook) {
    return ask(ForecastingServiceGrpc.getForecastMethod(), outlook.proto(options), Forecast::of);
  }

  /** Tells how unusual rows are, by a model of kind "anomaly". */
  public Anomalies detectRows(String model, Rows rows, Detection how) {
    return Anomalies.of(call(AnomalyServiceGrpc.getDetectMethod(), how.rows(model, rows, options)));
  }

  /** Tells how unusual rows are, by a model of kind "anomaly". */
  public CompletableFuture<Anomalies> detectRowsAsync(String model, Rows rows, Detection how) {
    return ask(AnomalyServiceGrpc.getDetectMethod(), how.rows(model, rows, options), Anomalies::of);
  }

  /** Tells what is unusual in series, each against itself, without any training. */
  public Anomalies detectSeries(Detection how) {
    return Anomalies.of(call(AnomalyServiceGrpc.getDetectMethod(), how.series(options)));
  }

  /** Tells what is unusual in series, each against itself, without any training. */
  public CompletableFuture<Anomalies> detectSeriesAsync(Detection how) {
    return ask(AnomalyServiceGrpc.getDetectMethod(), how.series(options), Anomalies::of);
  }

  /** Begins a stream of points and verdicts, with the state of an earlier one if it goes on. */
  public Watcher watch(WatchOptions how, List<WatchState> state) {
    return new Watcher(exchange(AnomalyServiceGrpc.getWatchMethod()), how, state);
  }

  /** Gets a whole answer to one question. */
  public Chat chat(String model, String question) {
    return chat(Chat.question(model, question));
  }

  /** Gets a whole answer. */
  public Chat chat(ChatRequest request) {
    return Chat.of(call(LlmServiceGrpc.getChatMethod(), request));
  }

  /** Gets a whole answer. */
  public CompletableFuture<Chat> chatAsync(ChatRequest request) {
    return ask(LlmServiceGrpc.getChatMethod(), request, Chat::of);
  }

  /** Begins an answer to one question, for a loop in try-with-resources. */
  public ChatStream chatStream(String model, String question) {
    return chatStream(Chat.question(model, question));
  }

  /** Begins an answer, for a loop in try-with-resources. */
  public ChatStream chatStream(ChatRequest request) {
    return new ChatStream(stream(LlmServiceGrpc.getChatStreamMethod(), request));
  }

  /**
   * An answer as a publisher of events; each subscriber makes a call. It completes after a whole
   * answer, and fails with {@link StubtailException} after any other.
   */
  public Flow.Publisher<ChatStreamResponse> chatEvents(ChatRequest request) {
    return new WholeAnswer(publish(LlmServiceGrpc.getChatStreamMethod(), request));
  }

  /** Turns texts into vectors, in the order of the texts. */
  public float[][] embed(String model, List<String> texts) {
    return vectors(texts, call(LlmServiceGrpc.getEmbedMethod(), embedding(model, texts)));
  }

  /** Turns texts into vectors, in the order of the texts. */
  public CompletableFuture<float[][]> embedAsync(String model, List<String> texts) {
    return ask(
        LlmServiceGrpc.getEmbedMethod(), embedding(model, texts), reply -> vectors(texts, reply));
  }

  /** Lists every version that the server knows, ready or not, by name. */
  public List<ModelSummary> models() {
    return call(ModelServiceGrpc.getListModelsMethod(), ListModelsRequest.getDefaultInstance())
        .getModelsList();
  }

  /** Lists every version that the server knows, ready or not, by name. */
  public CompletableFuture<List<ModelSummary>> modelsAsync() {
    return ask(
        ModelServiceGrpc.getListModelsMethod(),
        ListModelsRequest.getDefaultInstance(),
        ListModelsResponse::getModelsList);
  }

  /** Describes a model with its features, in the order of dense rows. */
  public GetModelResponse model(String name) {
    return call(
        ModelServiceGrpc.getGetModelMethod(), GetModelRequest.newBuilder().setModel(name).build());
  }

  /** Lists what chats and embeddings can be asked for. */
  public LlmServiceListModelsResponse languageModels() {
    return call(
        LlmServiceGrpc.getListModelsMethod(), LlmServiceListModelsRequest.getDefaultInstance());
  }

  /** Tells whether the server ("") or one of its services or models serves. */
  public boolean serving(String name) {
    HealthCheckRequest request = HealthCheckRequest.newBuilder().setService(name).build();
    return call(HealthGrpc.getCheckMethod(), request).getStatus() == ServingStatus.SERVING;
  }

  /** Ends calls under way, of views too, and closes the connections. */
  @Override
  public void close() {
    connections.close();
  }

  private static EmbedRequest embedding(String model, List<String> texts) {
    return EmbedRequest.newBuilder().setModel(model).addAllInputs(texts).build();
  }

  private static float[][] vectors(List<String> texts, EmbedResponse reply) {
    if (reply.getEmbeddingsCount() != texts.size()) {
      throw StubtailException.malformed(
          "Embed", reply.getEmbeddingsCount() + " vectors for " + texts.size() + " texts");
    }
    float[][] vectors = new float[texts.size()][];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = new float[reply.getEmbeddings(i).getValuesCount()];
      for (int j = 0; j < vectors[i].length; j++) {
        vectors[i][j] = reply.getEmbeddings(i).getValues(j);
      }
    }
    return vectors;
  }
}
