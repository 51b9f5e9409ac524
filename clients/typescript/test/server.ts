/** Servers of the tests: one that plays a script, and the one that `make test-clients` has started. */
import assert from "node:assert/strict";
import { type MessageInitShape, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  type ChatEndSchema,
  ChatResponseSchema,
  ChatStreamResponseSchema,
} from "../src/gen/stubtail/v1/llm_pb.js";
import {
  type ScoreRequest,
  ScoreRequestSchema,
  ScoreResponseSchema,
} from "../src/gen/stubtail/v1/scoring_pb.js";
import { Client, type ClientOptions, StubtailError } from "../src/index.js";

/** For calls on a busy machine; what waits for less says so. */
export const PATIENCE_MS = 60_000;

/** What becomes of one call: a reply, a status, or nothing ever. */
export type Act =
  | MessageInitShape<typeof ScoreResponseSchema>
  | { status: grpc.status; metadata?: grpc.Metadata }
  | "hang";

/** A good answer. */
export const GOOD = { model: "m", version: "1", scores: [0.5] };

const bytes = (buffer: Buffer): Buffer => buffer;

function method(path: string, responseStream: boolean, requestStream = false) {
  const both = { requestSerialize: bytes, requestDeserialize: bytes };
  return {
    path,
    requestStream,
    responseStream,
    responseSerialize: bytes,
    responseDeserialize: bytes,
    ...both,
  };
}

/** Answers each Score with the next act, and with the last one for ever. */
export class Scripted implements Disposable {
  readonly requests: ScoreRequest[] = [];
  readonly metadata: grpc.Metadata[] = [];
  readonly deadlines: number[] = [];
  cancelled = 0;
  private readonly server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  port = 0;

  constructor(
    private readonly acts: readonly Act[],
    private readonly end?: MessageInitShape<typeof ChatEndSchema>,
  ) {
    this.server.addService(
      {
        score: method("/stubtail.v1.ScoringService/Score", false),
        chat: method("/stubtail.v1.LlmService/Chat", false),
        chatStream: method("/stubtail.v1.LlmService/ChatStream", true),
        watch: method("/stubtail.v1.AnomalyService/Watch", true, true),
      },
      {
        score: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
          this.score(call, done);
        },
        chat: (_: unknown, done: grpc.sendUnaryData<Buffer>) => {
          const reply = create(ChatResponseSchema, { text: "one two", ...this.ended() });
          done(null, Buffer.from(toBinary(ChatResponseSchema, reply)));
        },
        chatStream: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
          this.chatStream(call);
        },
        watch: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
          call.resume(); // a caller that ends without a verdict, or refuses at once
          call.on("error", () => undefined);
          call.on("end", () => {
            call.end();
          });
          const act = this.acts[0] ?? "hang";
          if (act !== "hang" && !("status" in act)) {
            call.end();
          } else if (act !== "hang") {
            call.emit("error", { code: act.status, details: "scripted" });
          }
        },
      },
    );
  }

  /** Begins to answer on a free port of this machine. */
  async listen(shown = grpc.ServerCredentials.createInsecure()): Promise<this> {
    this.port = await new Promise((resolve, reject) => {
      this.server.bindAsync("127.0.0.1:0", shown, (error, port) => {
        if (error) {
          reject(error);
        } else {
          resolve(port);
        }
      });
    });
    return this;
  }

  client(options: ClientOptions = {}): Client {
    return new Client(`127.0.0.1:${this.port}`, { timeoutMs: PATIENCE_MS, ...options });
  }

  [Symbol.dispose](): void {
    this.server.forceShutdown();
  }

  private score(
    call: grpc.ServerUnaryCall<Buffer, Buffer>,
    done: grpc.sendUnaryData<Buffer>,
  ): void {
    this.requests.push(fromBinary(ScoreRequestSchema, call.request));
    this.metadata.push(call.metadata);
    this.deadlines.push(Number(call.getDeadline()) - Date.now());
    const act = this.acts[Math.min(this.requests.length, this.acts.length) - 1] ?? "hang";
    if (act === "hang") {
      call.on("cancelled", () => (this.cancelled += 1));
    } else if ("status" in act) {
      const { status, metadata = new grpc.Metadata() } = act;
      done({ code: status, details: "scripted", metadata });
    } else {
      done(null, Buffer.from(toBinary(ScoreResponseSchema, create(ScoreResponseSchema, act))));
    }
  }

  private chatStream(call: grpc.ServerWritableStream<Buffer, Buffer>): void {
    const send = (event: MessageInitShape<typeof ChatStreamResponseSchema>["event"]): void => {
      const whole = create(ChatStreamResponseSchema, event === undefined ? {} : { event });
      call.write(Buffer.from(toBinary(ChatStreamResponseSchema, whole)));
    };
    send({ case: "delta", value: { text: "one " } });
    send({ case: "delta", value: { text: "two" } });
    if (this.end !== undefined) {
      send({ case: "end", value: this.end });
    }
    call.end(); // without an End: not a whole answer
  }

  private ended() {
    return this.end === undefined ? {} : { end: this.end };
  }
}

/** Where the server of `make test-clients` answers; undefined where there is none. */
export const REAL = process.env["STUBTAIL_TEST_SERVER"];

/** For tests that need it. */
export const SKIP = {
  skip: REAL === undefined && "STUBTAIL_TEST_SERVER is not set: run `make test-clients`",
};

/** A client of that server. */
export function connected(options: ClientOptions = {}): Client {
  return new Client(REAL ?? "", { timeoutMs: PATIENCE_MS, ...options });
}

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<StubtailError> {
  const error: unknown = await call.then(
    () => assert.fail("it was answered"),
    (problem: unknown) => problem,
  );
  assert.ok(error instanceof StubtailError, String(error));
  return error;
}
