/** The client: what can be asked of a stubtail server. */
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Caller } from "./caller.js";
import { type ChatOptions, ChatStream, type Message, chatRequest, hasEnded } from "./chat.js";
import { Decision, type Question, decideRequest } from "./decide.js";
import {
  type DetectRowsOptions,
  type DetectSeriesOptions,
  type Observed,
  RowAnomalies,
  rowsRequest,
  seriesRequest,
} from "./detect.js";
import type { Duplex } from "./duplex.js";
import { malformed } from "./errors.js";
import { type Forecast, type Outlook, forecastRequest, forecastsOf } from "./forecast.js";
import { Health, HealthCheckResponse_ServingStatus } from "./gen/grpc/health/v1/health_pb.js";
import { AnomalyService, type DetectResponse } from "./gen/stubtail/v1/anomaly_pb.js";
import { DecisionService } from "./gen/stubtail/v1/decision_pb.js";
import { ForecastingService } from "./gen/stubtail/v1/forecasting_pb.js";
import {
  type ChatResponse,
  type EmbedRequestSchema,
  LlmService,
  type LlmServiceListModelsResponse,
} from "./gen/stubtail/v1/llm_pb.js";
import {
  type GetModelResponse,
  ModelService,
  type ModelSummary,
} from "./gen/stubtail/v1/models_pb.js";
import { ScoringService } from "./gen/stubtail/v1/scoring_pb.js";
import { type ClientOptions, settle } from "./options.js";
import type { Rows } from "./rows.js";
import type { CallOptions } from "./scope.js";
import { type ScoreOptions, Scores, scoreRequest } from "./score.js";
import { decoded, encoded, pathOf } from "./typed.js";
import { type WatchOptions, Watcher } from "./watch.js";

const SCORE = ScoringService.method.score;
const DETECT = AnomalyService.method.detect;

/** What can be said of texts to embed besides them. */
export type EmbedOptions = CallOptions &
  Omit<MessageInitShape<typeof EmbedRequestSchema>, "$typeName" | "$unknown" | "model" | "inputs">;

/**
 * Calls one server, or several behind one name. Make one and keep it: it holds the connections.
 *
 * Every failed call throws a `StubtailError`. What every client of every language does alike is in
 * clients/README.md.
 */
export class Client {
  private readonly caller: Caller;

  /**
   * @param target "host:port", or "dns:///name:port", whose addresses then take turns. Nothing is sent before
   *   the first call.
   * @throws RangeError for options out of their bounds, Error for files that cannot be read
   */
  constructor(target: string, options: ClientOptions = {}) {
    this.caller = new Caller(target, settle(target, options));
  }

  /** Ends the connections; calls under way end with CANCELLED. */
  close(): void {
    this.caller.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Scores rows with a model, "name" for its live version or "name@version". */
  async score(model: string, rows: Rows, options?: ScoreOptions): Promise<Scores> {
    const request = scoreRequest({ model }, rows, options);
    return new Scores(decoded(SCORE, await this.caller.unary(pathOf(SCORE), request, options)));
  }

  /**
   * Scores the same rows with 1 to 16 models in one trip. The answers are by the name that each was asked
   * for; when one model fails, the call fails, and the error names it.
   */
  async scoreModels(
    models: readonly string[],
    rows: Rows,
    options?: ScoreOptions,
  ): Promise<Map<string, Scores>> {
    const request = scoreRequest({ models: [...models] }, rows, options);
    const reply = decoded(SCORE, await this.caller.unary(pathOf(SCORE), request, options));
    if (reply.results.length !== models.length) {
      throw malformed("Score", `${reply.results.length} results for ${models.length} models`);
    }
    return new Map(reply.results.map((one, index) => [models[index] as string, new Scores(one)]));
  }

  /** Scores every candidate in one run and ranks those that keep all constraints. */
  async decide(question: Question, options?: CallOptions): Promise<Decision> {
    const { decide } = DecisionService.method;
    return new Decision(await this.unary(decide, decideRequest(question), options));
  }

  /** Forecasts series; none of them changes the answer of another one. */
  async forecast(outlook: Outlook, options?: CallOptions): Promise<Forecast[]> {
    const { forecast } = ForecastingService.method;
    return forecastsOf(await this.unary(forecast, forecastRequest(outlook), options));
  }

  /** Tells how unusual rows are, by a model of kind "anomaly". */
  async detectRows(model: string, rows: Rows, options?: DetectRowsOptions): Promise<RowAnomalies> {
    const request = rowsRequest(model, rows, options);
    return new RowAnomalies(
      decoded(DETECT, await this.caller.unary(pathOf(DETECT), request, options)),
    );
  }

  /** Tells what is unusual in series, each against itself, without any training. */
  async detectSeries(
    series: readonly Observed[],
    options?: DetectSeriesOptions,
  ): Promise<DetectResponse> {
    const request = seriesRequest(series, options);
    return decoded(DETECT, await this.caller.unary(pathOf(DETECT), request, options));
  }

  /** Begins a stream of points. Close it, or read it to its end. */
  watch(options: WatchOptions = {}): Watcher {
    return new Watcher(this.duplex(AnomalyService.method.watch, options), options);
  }

  /** Gets a whole answer to a question, or to a conversation. */
  async chat(
    model: string,
    messages: string | readonly Message[],
    options?: ChatOptions,
  ): Promise<ChatResponse> {
    const request = chatRequest(model, messages, options);
    const reply = await this.unary(LlmService.method.chat, request, options);
    if (!hasEnded(reply.end)) {
      throw malformed("Chat", "the answer has no end");
    }
    return reply;
  }

  /** Gets an answer as it is written; the call begins with the first read. */
  chatStream(
    model: string,
    messages: string | readonly Message[],
    options?: ChatOptions,
  ): ChatStream {
    const request = chatRequest(model, messages, options);
    return new ChatStream(this.serverStream(LlmService.method.chatStream, request, options));
  }

  /** Turns texts into vectors, in the order of the texts. */
  async embed(
    model: string,
    texts: readonly string[],
    options: EmbedOptions = {},
  ): Promise<Float32Array[]> {
    const { timeoutMs, signal, trace, parent, metadata, ...more } = options;
    const request = { ...more, model, inputs: [...texts] };
    const reply = await this.unary(LlmService.method.embed, request, options);
    if (reply.embeddings.length !== texts.length) {
      throw malformed("Embed", `${reply.embeddings.length} vectors for ${texts.length} texts`);
    }
    return reply.embeddings.map(({ values }) => Float32Array.from(values));
  }

  /** Lists what `chat` and `embed` can be asked for. */
  languageModels(options?: CallOptions): Promise<LlmServiceListModelsResponse> {
    return this.unary(LlmService.method.listModels, {}, options);
  }

  /** Lists every version that the server knows, ready or not, by name. */
  async models(options?: CallOptions): Promise<ModelSummary[]> {
    return (await this.unary(ModelService.method.listModels, {}, options)).models;
  }

  /** Describes "name" (its live version) or "name@version", with its features in the order of dense rows. */
  model(name: string, options?: CallOptions): Promise<GetModelResponse> {
    return this.unary(ModelService.method.getModel, { model: name }, options);
  }

  /** Tells whether the server ("") or one of its services or models serves. */
  async serving(service = "", options?: CallOptions): Promise<boolean> {
    const reply = await this.unary(Health.method.check, { service }, options);
    return reply.status === HealthCheckResponse_ServingStatus.SERVING;
  }

  /** Makes any unary call with the client's deadline, retries and errors. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>> {
    const bytes = encoded(method.input, request);
    return decoded(method, await this.caller.unary(pathOf(method), bytes, options));
  }

  /** Reads any stream of the server; it is begun anew while nothing of it has come. */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncGenerator<MessageShape<O>, void, void> {
    const bytes = encoded(method.input, request);
    for await (const reply of this.caller.stream(pathOf(method), bytes, options)) {
      yield decoded(method, reply);
    }
  }

  /** Begins any stream both ways. Cancel it, or read it to its end. */
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options?: CallOptions,
  ): Duplex<I, O> {
    return this.caller.duplex(method, options);
  }
}
