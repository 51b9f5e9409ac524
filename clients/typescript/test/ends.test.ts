/** How calls and streams end: given up, closed, ended by the server. */
import assert from "node:assert/strict";
import { EventEmitter, getEventListeners } from "node:events";
import { test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { AnomalyService } from "../src/gen/stubtail/v1/anomaly_pb.js";
import { GOOD, PATIENCE_MS, Scripted, failure } from "./server.js";

const ROW = Float32Array.of(1);

test("a signal ends a call, on the server too", async () => {
  using server = await new Scripted(["hang"]).listen();
  using client = server.client();
  const controller = new AbortController();
  const call = failure(client.score("m", ROW, { signal: controller.signal }));
  while (server.requests.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  controller.abort(new Error("left"));
  const error = await call;
  assert.equal(error.code, "CANCELLED");
  assert.equal((error.cause as Error).message, "left");
  const again = await failure(client.score("m", ROW, { signal: controller.signal }));
  assert.deepEqual([again.code, server.requests.length], ["CANCELLED", 1]);
  while (server.cancelled === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test("many calls share a signal, and Node warns of nothing", async () => {
  using server = await new Scripted([GOOD]).listen();
  const { signal } = new AbortController();
  const warned: Error[] = [];
  const note = (warning: Error): number => warned.push(warning);
  process.on("warning", note);
  for (const options of [{}, { hedgeAfterMs: PATIENCE_MS }]) {
    using client = server.client(options);
    await Promise.all(Array.from({ length: 50 }, () => client.score("m", ROW, { signal })));
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  assert.deepEqual(warned, []);
});

test("a hedged call is given up, with all of its attempts", async () => {
  using server = await new Scripted(["hang"]).listen();
  using client = server.client({ hedgeAfterMs: 1 });
  const controller = new AbortController();
  const call = failure(client.score("m", ROW, { signal: controller.signal }));
  while (server.requests.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  controller.abort(new Error("left"));
  const error = await call;
  assert.deepEqual([error.code, (error.cause as Error).message], ["CANCELLED", "left"]);
  while (server.cancelled < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test("giving up and closing end the wait for a retry", async () => {
  const metadata = new grpc.Metadata();
  metadata.set("grpc-retry-pushback-ms", String(PATIENCE_MS / 2));
  const act = { status: grpc.status.UNAVAILABLE, metadata };
  const warned: Error[] = [];
  const note = (warning: Error): number => warned.push(warning);
  process.on("warning", note);
  for (const way of ["abort", "close"] as const) {
    using server = await new Scripted([act]).listen();
    using client = server.client({ connections: 1 });
    const controller = new AbortController();
    const { signal } = controller;
    const calls = Array.from({ length: 20 }, () => failure(client.score("m", ROW, { signal })));
    while (server.requests.length < calls.length) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await client.serving().catch(() => undefined); // the answers that were on their way are here
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const waiting = timers();
    if (way === "abort") {
      controller.abort(new Error("left"));
    } else {
      client.close();
    }
    assert.ok(timers() < waiting, "nothing keeps the process alive");
    const codes = new Set((await Promise.all(calls)).map(({ code }) => code));
    assert.ok(codes.has("CANCELLED"), [...codes].join());
    assert.equal(server.requests.length, calls.length, "nothing was made again");
  }
  process.off("warning", note);
  assert.deepEqual(warned, []);
});

test("signals that live long hold nothing of calls that have ended", async () => {
  using server = await new Scripted([GOOD]).listen();
  using client = server.client();
  const { signal } = new AbortController();
  const parent = Object.assign(new EventEmitter(), {
    metadata: new grpc.Metadata(),
    cancelled: false,
    getDeadline: () => Infinity,
  });
  const joined = AbortSignal.any.bind(AbortSignal);
  let joins = 0;
  AbortSignal.any = (signals) => {
    joins += 1; // what it makes stays on a signal of Node 20 for as long as that lives
    return joined(signals);
  };
  try {
    await client.score("m", ROW, { signal, parent });
  } finally {
    AbortSignal.any = joined;
  }
  const listeners = getEventListeners(signal, "abort").length;
  await client.score("m", ROW, { signal, parent });
  assert.deepEqual([joins, listeners], [0, getEventListeners(signal, "abort").length]);
});

test("a stream both ways that has failed before the first read says so", async () => {
  using server = await new Scripted([{ status: grpc.status.INVALID_ARGUMENT }]).listen();
  using client = server.client();
  const stream = client.duplex(AnomalyService.method.watch);
  const send = async (): Promise<never> => {
    for (;;) {
      await stream.send({ body: { case: "export", value: {} } });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  assert.equal((await failure(send())).code, "INVALID_ARGUMENT");
  assert.equal((await failure(stream.next())).code, "INVALID_ARGUMENT");
  assert.equal((await failure(stream.next())).code, "INVALID_ARGUMENT");
});

test("what is sent after the end of a stream is refused, and the process lives", async () => {
  using server = await new Scripted(["hang"]).listen();
  using client = server.client();
  const ended = client.watch();
  await ended.send(["k"], [1]);
  ended.end();
  assert.equal((await failure(ended.send(["k"], [1]))).code, "FAILED_PRECONDITION");
  assert.equal(await ended.next(), undefined);
  assert.equal((await failure(ended.send(["k"], [1]))).code, "FAILED_PRECONDITION");
  const closed = client.watch();
  closed.close();
  assert.equal((await failure(closed.next())).code, "CANCELLED");
  assert.equal((await failure(closed.send(["k"], [1]))).code, "CANCELLED");
});

test("a server that ends a stream ends its sender, and the process lives", async () => {
  using server = await new Scripted([GOOD]).listen();
  using client = server.client();
  const watcher = client.watch();
  assert.equal(await watcher.next(), undefined);
  const send = async (): Promise<never> => {
    for (;;) {
      await watcher.send(new Array<string>(1000).fill("k"), new Float64Array(1000));
    }
  };
  assert.equal((await failure(send())).code, "FAILED_PRECONDITION");
});
