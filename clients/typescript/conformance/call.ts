/** One call of a case: makes it through the client, and reports what came of it. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type JsonValue,
  type Message,
  create,
  createRegistry,
  fromBinary,
  fromJson,
  isMessage,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { file_grpc_health_v1_health } from "../src/gen/grpc/health/v1/health_pb.js";
import { file_stubtail_v1_anomaly } from "../src/gen/stubtail/v1/anomaly_pb.js";
import { file_stubtail_v1_decision } from "../src/gen/stubtail/v1/decision_pb.js";
import { file_stubtail_v1_forecasting } from "../src/gen/stubtail/v1/forecasting_pb.js";
import { file_stubtail_v1_llm } from "../src/gen/stubtail/v1/llm_pb.js";
import { file_stubtail_v1_models } from "../src/gen/stubtail/v1/models_pb.js";
import {
  DenseRowsSchema,
  ScoreRequestSchema,
  file_stubtail_v1_scoring,
} from "../src/gen/stubtail/v1/scoring_pb.js";
import { type CallOptions, type Client, StubtailError } from "../src/index.js";

const registry = createRegistry(
  file_grpc_health_v1_health,
  file_stubtail_v1_anomaly,
  file_stubtail_v1_decision,
  file_stubtail_v1_forecasting,
  file_stubtail_v1_llm,
  file_stubtail_v1_models,
  file_stubtail_v1_scoring,
);

/** A call as the case has it; clients/conformance/README.md tells of the keys. */
export interface Call {
  method: string;
  request?: JsonValue;
  requests?: JsonValue[];
  dense_values?: number;
  timeout_ms?: number;
  cancel_after_ms?: number;
  wait_ms?: number;
  pause_ms?: number;
  concurrent?: number;
  repeat?: number;
  read?: number;
  size_only?: boolean;
  trace?: string;
  decode?: string;
  bytes?: string;
}

/** What the client reports of one call, or of many equal ones. */
export type Seen = Record<string, unknown> & { status?: string };

/** Makes a call once, many times, or many times at once. */
export async function made(client: Client, call: Call): Promise<Seen> {
  if (call.concurrent === undefined && call.repeat === undefined) {
    return once(client, call);
  }
  const statuses: Record<string, number> = {};
  const one = async (): Promise<void> => {
    const { status = "" } = await once(client, call);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  await Promise.all(Array.from({ length: call.concurrent ?? 0 }, one));
  for (let number = 0; number < (call.repeat ?? 0); number++) {
    await one();
    await sleep(call.pause_ms ?? 0);
  }
  return { statuses };
}

async function once(client: Client, call: Call): Promise<Seen> {
  if (call.decode !== undefined) {
    return read(call.decode, call.bytes ?? "");
  }
  const method = find(call.method);
  const requests = requestsOf(method, call);
  await sleep(call.wait_ms ?? 0);
  const replies: Message[] = [];
  const start = performance.now();
  let told: Seen = { status: "OK" };
  try {
    await replied(client, method, requests, call, replies);
  } catch (error) {
    told = tell(error);
  }
  told["elapsed_ms"] = performance.now() - start;
  told["count"] = replies.length;
  if (call.size_only) {
    const sizes = replies.map((reply) => toBinary(method.output, reply).length);
    told["reply_bytes"] = sizes.reduce((sum, size) => sum + size, 0);
  } else {
    told["replies"] = replies.map((reply) => toJson(method.output, reply));
  }
  return told;
}

/** Makes the call; what comes goes into a list, that before a failure too. */
async function replied(
  client: Client,
  method: DescMethod,
  requests: Message[],
  call: Call,
  replies: Message[],
): Promise<void> {
  const options = optionsOf(call);
  const [first] = requests;
  if (method.methodKind === "unary" && first) {
    replies.push(await client.unary(method as DescMethodUnary, first, options));
    return;
  }
  if (method.methodKind === "server_streaming" && first) {
    const streaming = method as DescMethodServerStreaming;
    for await (const reply of client.serverStream(streaming, first, options)) {
      replies.push(reply);
      if (replies.length === call.read) {
        await sleep(call.pause_ms ?? 0);
        return;
      }
    }
    return;
  }
  const stream = client.duplex(method as DescMethodBiDiStreaming, options);
  for (const request of requests) {
    await stream.send(request);
  }
  stream.end();
  for (let reply = await stream.next(); reply; reply = await stream.next()) {
    replies.push(reply);
  }
}

function optionsOf(call: Call): CallOptions {
  const signal = call.cancel_after_ms === undefined ? {} : { signal: later(call.cancel_after_ms) };
  const trace = call.trace === undefined ? {} : { trace: { traceparent: call.trace } };
  const time = call.timeout_ms === undefined ? {} : { timeoutMs: call.timeout_ms };
  return { ...signal, ...trace, ...time };
}

/** A caller who gives up after so long. */
function later(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => {
    controller.abort();
  }, ms).unref();
  return controller.signal;
}

function requestsOf(method: DescMethod, call: Call): Message[] {
  const isStream = method.methodKind === "bidi_streaming";
  const documents = isStream ? (call.requests ?? []) : [call.request ?? {}];
  return documents.map((document) => {
    const request = fromJson(method.input, document);
    if (call.dense_values !== undefined && isMessage(request, ScoreRequestSchema)) {
      const values = new Array<number>(call.dense_values).fill(0.5);
      request.rows = { case: "dense", value: create(DenseRowsSchema, { values }) };
    }
    return request;
  });
}

function read(name: string, hexadecimal: string): Seen {
  const schema = registry.getMessage(name);
  if (schema === undefined) {
    throw new Error(`no message ${name}`);
  }
  try {
    const message = fromBinary(schema, Buffer.from(hexadecimal, "hex"));
    return { status: "OK", replies: [toJson(schema, message)] };
  } catch (error) {
    return { status: "INVALID", message: String(error) };
  }
}

/** What the client's own error says. */
function tell(error: unknown): Seen {
  if (!(error instanceof StubtailError)) {
    return { status: "UNTYPED", message: String(error) };
  }
  const { code: status, reason, message, violations, retryAfterMs, resource } = error;
  return { status, reason, message, violations, retry_after_ms: retryAfterMs ?? null, resource };
}

function find(path: string): DescMethod {
  const [, service = "", name = ""] = path.split("/");
  const method = registry.getService(service)?.methods.find((one) => one.name === name);
  if (method === undefined) {
    throw new Error(`no method ${path}`);
  }
  return method;
}
