/** Points of many keys as they happen, and the verdicts on them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Duplex } from "./duplex.js";
import { malformed } from "./errors.js";
import type { Values } from "./forecast.js";
import type {
  WatchOptionsSchema,
  WatchRequestSchema,
  WatchResponse,
  WatchResponseSchema,
  WatchState,
  WatchVerdicts,
} from "./gen/stubtail/v1/anomaly_pb.js";
import type { CallOptions } from "./scope.js";

/** How to watch, with the state of an earlier stream if it is to go on. */
export interface WatchOptions extends CallOptions {
  readonly watch?: MessageInitShape<typeof WatchOptionsSchema>;
  readonly state?: readonly WatchState[];
}

/**
 * A stream of points. It lives until it is closed; its call has no default deadline.
 *
 * Each `send` is answered by one message of verdicts, in order: `for await (const verdicts of watcher)`.
 */
export class Watcher implements AsyncIterable<WatchVerdicts>, Disposable {
  private readonly begun: Promise<void>;

  constructor(
    private readonly stream: Duplex<typeof WatchRequestSchema, typeof WatchResponseSchema>,
    options: WatchOptions,
  ) {
    this.begun = this.begin(options);
    this.begun.catch(() => undefined); // the first send or read tells it
  }

  /**
   * Sends points, and waits while the server is behind.
   *
   * @param keys that of each value, or one for all of them
   * @param sequence any number; it comes back with the verdicts
   * @throws StubtailError where the stream has failed
   */
  async send(keys: readonly string[], values: Values, sequence = 0n): Promise<void> {
    await this.begun;
    const value = { keys: [...keys], values: Array.from(values), sequence };
    await this.stream.send({ body: { case: "points", value } });
  }

  /** The next verdicts; undefined after `end`, once all are told. */
  async next(): Promise<WatchVerdicts | undefined> {
    await this.begun;
    for (;;) {
      const body = await this.read();
      if (body === undefined || body.case === "verdicts") {
        return body?.value;
      }
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchVerdicts, void, void> {
    try {
      for (let one = await this.next(); one !== undefined; one = await this.next()) {
        yield one;
      }
    } finally {
      this.close();
    }
  }

  /** The state, to be given to the next stream. Call it when all verdicts are received. */
  async export(): Promise<WatchState[]> {
    await this.begun;
    await this.stream.send({ body: { case: "export", value: {} } });
    const pieces: WatchState[] = [];
    for (;;) {
      const body = await this.read();
      if (body === undefined) {
        throw malformed("Watch", "the stream ended within the state");
      }
      if (body.case === "state") {
        pieces.push(body.value);
        if (body.value.last) {
          return pieces;
        }
      }
    }
  }

  /** Says that no more points come. */
  end(): void {
    this.stream.end();
  }

  /** Ends the stream at once. */
  close(): void {
    this.stream.cancel();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private async begin({ watch, state = [] }: WatchOptions): Promise<void> {
    if (watch !== undefined) {
      await this.stream.send({ body: { case: "options", value: watch } });
    }
    for (const value of state) {
      await this.stream.send({ body: { case: "state", value } });
    }
  }

  private async read(): Promise<WatchResponse["body"] | undefined> {
    return (await this.stream.next())?.body;
  }
}
