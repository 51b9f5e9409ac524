/**
 * Compares the processor time of this process for a call through the client with that of a call through the
 * raw stub, with a deadline as every caller should set one, at 1,000 calls a second: `make bench-clients`.
 *
 * Both take turns, so that a noisy machine treats them alike. The median of the rounds counts: in one of them
 * the machine, or the collector of garbage, has other things to do.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  type ScoreRequest,
  ScoreRequestSchema,
  type ScoreResponse,
  ScoreResponseSchema,
} from "../src/gen/stubtail/v1/scoring_pb.js";
import { Client } from "../src/index.js";

const CALLS_PER_S = 1000;
const BLOCK = 250; // calls of one kind before the other kind has its turn
const ROUNDS = 40;
const WARM_ROUNDS = 8; // until the compiler has seen both
const TIMEOUT_MS = 30_000; // on a busy machine
const AT_WORK_MAX = 64; // no more calls at once than a machine that keeps up has

const target = process.env["STUBTAIL_TEST_SERVER"];
if (target === undefined) {
  throw new Error("STUBTAIL_TEST_SERVER is not set: run `make bench-clients`");
}
const row = Float32Array.of(1, 0);
const client = new Client(target, { timeoutMs: TIMEOUT_MS });
const stub = new grpc.Client(target, grpc.credentials.createInsecure());

function raw(): Promise<ScoreResponse> {
  const request = create(ScoreRequestSchema, {
    model: "risk",
    rows: { case: "dense", value: { values: Array.from(row) } },
  });
  return new Promise((resolve, reject) => {
    stub.makeUnaryRequest(
      "/stubtail.v1.ScoringService/Score",
      (message: ScoreRequest) => Buffer.from(toBinary(ScoreRequestSchema, message)),
      (bytes: Buffer) => fromBinary(ScoreResponseSchema, bytes),
      request,
      new grpc.Metadata(),
      { deadline: Date.now() + TIMEOUT_MS },
      (error, reply) => {
        if (error || reply === undefined) {
          reject(error ?? new Error("no reply"));
        } else {
          resolve(reply);
        }
      },
    );
  });
}

const kinds = { raw, client: () => client.score("risk", row) };

/** Processor time of a call, microseconds; calls begin when they are due, as far as timers allow. */
async function block(call: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  const start = performance.now();
  const atWork = new Set<Promise<unknown>>();
  for (let done = 0; done < BLOCK;) {
    await sleep(1);
    const due = Math.min(BLOCK, ((performance.now() - start) * CALLS_PER_S) / 1000);
    for (; done < due && atWork.size < AT_WORK_MAX; done++) {
      const one = call();
      atWork.add(one);
      void one.finally(() => atWork.delete(one));
    }
  }
  await Promise.all(atWork);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / BLOCK;
}

function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const spent = { raw: [] as number[], client: [] as number[], added: [] as number[] };
for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
  // Who is first changes, so that neither always has the other's garbage.
  const order = round % 2 === 0 ? (["raw", "client"] as const) : (["client", "raw"] as const);
  const us = { raw: 0, client: 0 };
  for (const kind of order) {
    us[kind] = await block(kinds[kind]);
  }
  if (round >= WARM_ROUNDS) {
    spent.raw.push(us.raw);
    spent.client.push(us.client);
    spent.added.push(100 * (us.client / us.raw - 1));
  }
}
const [rawUs, clientUs, added] = [spent.raw, spent.client, spent.added].map(median);
process.stdout.write(
  `AddedCost (TypeScript, ${ROUNDS} rounds): ${rawUs?.toFixed(1)} raw-cpu-us/call, ` +
    `${clientUs?.toFixed(1)} client-cpu-us/call, ${added?.toFixed(1)} added-% (median of rounds)\n`,
);
client.close();
stub.close();
