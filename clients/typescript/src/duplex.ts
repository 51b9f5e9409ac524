/** A stream both ways. */
import {
  type DescMessage,
  type DescMethodBiDiStreaming,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { StubtailError } from "./errors.js";
import { decoded, encoded } from "./typed.js";

/** What moves a sender on that waits for the server to read. */
const WAKING = ["drain", "error", "status"] as const;

/** Sends messages and gives those that come: by `next`, or in a loop, which cancels the stream when it is left. */
export class Duplex<I extends DescMessage, O extends DescMessage>
  implements AsyncIterable<MessageShape<O>>, Disposable
{
  private readonly messages: AsyncIterator<Buffer>;
  private failure: StubtailError | undefined;
  private waiting: Promise<void> | undefined;
  private over = false;

  /**
   * @param method what is called
   * @param call the stream of it
   * @param typed makes the client's own error of grpc's
   */
  constructor(
    private readonly method: DescMethodBiDiStreaming<I, O>,
    private readonly call: ClientDuplexStream<Buffer, Buffer>,
    private readonly typed: (problem: ServiceError) => StubtailError,
  ) {
    call.on("error", (problem) => {
      if ("metadata" in problem) {
        this.failure ??= typed(problem as ServiceError);
      }
      this.over = true; // else Node's own: what was still to be written when the server had ended the stream
    });
    call.on("status", () => {
      this.over = true;
    });
    this.messages = call[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /**
   * Sends a message; waits while the server is behind.
   *
   * @throws StubtailError where the stream has failed, or is at its end: FAILED_PRECONDITION
   */
  async send(message: MessageInitShape<I>): Promise<void> {
    this.checkOpen();
    if (!this.call.write(encoded(this.method.input, message))) {
      await this.drained();
      this.check();
    }
  }

  /**
   * The next message; undefined after the last one.
   *
   * @throws StubtailError where the stream has failed
   */
  async next(): Promise<MessageShape<O> | undefined> {
    let step: IteratorResult<Buffer, void>;
    try {
      step = await this.messages.next();
    } catch (problem) {
      this.failure ??= this.typed(problem as ServiceError);
      throw this.failure;
    }
    if (step.done) {
      this.check(); // a failure that came before the first read ends the messages without a word
      return undefined;
    }
    return decoded(this.method, step.value);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MessageShape<O>, void, void> {
    try {
      for (let one = await this.next(); one !== undefined; one = await this.next()) {
        yield one;
      }
    } finally {
      this.cancel();
    }
  }

  /** Says that no more messages come. */
  end(): void {
    this.call.end();
  }

  /** Ends the stream at once. */
  cancel(): void {
    this.call.cancel();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  private check(): void {
    if (this.failure !== undefined) {
      throw this.failure;
    }
  }

  /** Node would tell a write after the end as an event, which nobody can catch. */
  private checkOpen(): void {
    this.check();
    if (this.over || this.call.writableEnded || this.call.destroyed) {
      throw new StubtailError("FAILED_PRECONDITION", "the stream is at its end; begin another one");
    }
  }

  private drained(): Promise<void> {
    this.waiting ??= new Promise((resolve) => {
      const wake = (): void => {
        this.waiting = undefined;
        for (const event of WAKING) {
          this.call.off(event, wake);
        }
        resolve();
      };
      for (const event of WAKING) {
        this.call.on(event, wake);
      }
    });
    return this.waiting;
  }
}
