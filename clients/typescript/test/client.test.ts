/** The client against a server that plays a script. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import { FinishReason } from "../src/gen/stubtail/v1/llm_pb.js";
import { type Client } from "../src/index.js";
import { GOOD, PATIENCE_MS, Scripted, failure } from "./server.js";

const ROW = Float32Array.of(1);
const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async function gathered(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) {
    text += piece;
  }
  return text;
}

function detailed(): grpc.Metadata {
  const status = create(StatusSchema, {
    code: grpc.status.INVALID_ARGUMENT,
    details: [
      anyPack(
        ErrorInfoSchema,
        create(ErrorInfoSchema, { reason: "INVALID_FIELD", metadata: { a: "b" } }),
      ),
      anyPack(
        BadRequestSchema,
        create(BadRequestSchema, { fieldViolations: [{ field: "tenure", description: "wrong" }] }),
      ),
      anyPack(
        RetryInfoSchema,
        create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 5e8 } }),
      ),
    ],
  });
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
  return metadata;
}

test("errors are typed", async () => {
  const act = { status: grpc.status.INVALID_ARGUMENT, metadata: detailed() };
  using server = await new Scripted([act]).listen();
  using client = server.client();
  const error = await failure(client.score("m", ROW));
  assert.equal(error.code, "INVALID_ARGUMENT");
  assert.equal(error.reason, "INVALID_FIELD");
  assert.deepEqual(error.metadata, { a: "b" });
  assert.deepEqual(error.violations, [{ field: "tenure", description: "wrong" }]);
  assert.equal(error.retryAfterMs, 1500);
  assert.equal((error.cause as grpc.ServiceError).code, grpc.status.INVALID_ARGUMENT);
});

test("damaged details do not hide the status", async () => {
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from([0xff, 0xff]));
  metadata.set("grpc-retry-pushback-ms", "soon");
  using server = await new Scripted([{ status: grpc.status.UNAVAILABLE, metadata }]).listen();
  using client = server.client();
  const error = await failure(client.score("m", ROW));
  assert.deepEqual([error.code, server.requests.length], ["UNAVAILABLE", 1]);
});

test("what cannot be sent is refused in the form of the server", async () => {
  using server = await new Scripted([GOOD]).listen();
  using client = server.client();
  for (const options of [{ reasons: 1.5 }, { metadata: { "a b": "c" } }]) {
    const error = await failure(client.score("m", ROW, options));
    assert.deepEqual([error.code, error.reason], ["INVALID_ARGUMENT", "INVALID_FIELD"]);
  }
  assert.equal(server.requests.length, 0);
});

test("nobody listens", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as { port: number };
  free.close();
  await once(free, "close");
  const { Client } = await import("../src/index.js");
  for (const options of [{ timeoutMs: 300 }, { failFast: true, timeoutMs: PATIENCE_MS }]) {
    using client = new Client(`127.0.0.1:${port}`, options);
    const error = await failure(client.score("m", ROW));
    assert.deepEqual([error.code, error.reason], ["UNAVAILABLE", "CONNECTION_FAILED"]);
  }
});

test("a closed client ends its calls, and they are not made again", async () => {
  using server = await new Scripted(["hang"]).listen();
  const client: Client = server.client();
  const call = failure(client.score("m", ROW));
  while (server.requests.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  client.close();
  assert.equal((await call).code, "CANCELLED");
  assert.equal((await failure(client.score("m", ROW))).code, "CANCELLED");
  assert.equal((await failure(gathered(client.chatStream("m", "hi")))).code, "CANCELLED");
  assert.equal(server.requests.length, 1);
});

test("the deadline, the end and the trace of the call being served go on", async () => {
  using server = await new Scripted([GOOD, GOOD, "hang"]).listen();
  using client = server.client();
  const metadata = new grpc.Metadata();
  metadata.set("traceparent", TRACE);
  metadata.set("secret", "x");
  const events = new EventEmitter();
  const served = Object.assign(events, {
    metadata,
    cancelled: false,
    getDeadline: () => Date.now() + 20_000,
  });
  await client.score("m", ROW, { parent: served });
  await client.score("m", ROW, { parent: served, trace: { traceparent: "00-own" } });
  const [first, second] = server.metadata;
  assert.deepEqual(first?.get("traceparent"), [TRACE]);
  assert.deepEqual(first.get("secret"), []);
  assert.deepEqual(second?.get("traceparent"), ["00-own"]);
  assert.ok(
    server.deadlines.every((ms) => ms > 0 && ms <= 20_000),
    String(server.deadlines),
  );
  const call = failure(client.score("m", ROW, { parent: served }));
  while (server.requests.length < 3) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(events.listenerCount("cancelled"), 1, "those of calls that have ended are gone");
  served.cancelled = true;
  events.emit("cancelled");
  assert.equal((await call).code, "CANCELLED");
  assert.equal((await failure(client.score("m", ROW, { parent: served }))).code, "CANCELLED");
});

test("what is asked of a score arrives", async () => {
  using server = await new Scripted([GOOD]).listen();
  using client = server.client({ metadata: { tenant: "a" } });
  const options = {
    priority: "critical",
    coverage: 0.9,
    reasons: 3,
    metadata: { b: "c" },
  } as const;
  await client.score("m@1", ROW, options);
  const [request] = server.requests;
  assert.deepEqual(
    [request?.model, request?.priority, request?.coverage, request?.explain?.top],
    ["m@1", 1, 0.9, 3],
  );
  const [sent] = server.metadata;
  assert.deepEqual([sent?.get("tenant"), sent?.get("b")], [["a"], ["c"]]);
  assert.match(String(sent?.get("user-agent")), /^stubtail-typescript\/\d/);
});

test("hedging takes the first good answer", async () => {
  using server = await new Scripted(["hang", GOOD]).listen();
  using client = server.client({ hedgeAfterMs: 30, connections: 2 });
  const scores = await client.score("m", ROW);
  assert.deepEqual([scores.scores[0], server.requests.length], [0.5, 2]);
});

test("a definite refusal ends a hedged call", async () => {
  using server = await new Scripted(["hang", { status: grpc.status.NOT_FOUND }]).listen();
  using client = server.client({ hedgeAfterMs: 30 });
  const error = await failure(client.score("m", ROW));
  assert.deepEqual([error.code, server.requests.length], ["NOT_FOUND", 2]);
});

test("foreign replies are errors", async () => {
  using server = await new Scripted([{ labelIndexes: [7], classes: ["a"] }]).listen();
  using client = server.client();
  assert.equal((await failure(client.score("m", ROW))).reason, "MALFORMED_REPLY");
  assert.equal((await failure(client.scoreModels(["m"], ROW))).reason, "MALFORMED_REPLY");
});

test("which ends of an answer are ones", async () => {
  const ends = [
    [undefined, false],
    [{}, false],
    [{ finishReason: FinishReason.STALLED }, false],
    [{ finishReason: FinishReason.STOP }, true],
    [{ rawFinishReason: "max_time" }, true],
  ] as const;
  for (const [end, good] of ends) {
    using server = await new Scripted([GOOD], end).listen();
    using client = server.client();
    const stream = client.chatStream("m", "hi");
    if (good) {
      assert.equal((await client.chat("m", "hi")).text, "one two");
      assert.equal(await gathered(stream), "one two");
    } else {
      assert.equal((await failure(client.chat("m", "hi"))).reason, "MALFORMED_REPLY");
      assert.equal((await failure(gathered(stream))).reason, "MALFORMED_REPLY");
      assert.equal(stream.text, "one two");
    }
  }
});
