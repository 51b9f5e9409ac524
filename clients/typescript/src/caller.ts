/** Makes calls in bytes: attempts, retries, hedges and streams over the connections of a client. */
import type { DescMessage, DescMethodBiDiStreaming } from "@bufbuild/protobuf";
import {
  type Client as Connection,
  type ClientReadableStream,
  type ServiceError,
  connectivityState,
} from "@grpc/grpc-js";
import { Connections } from "./connections.js";
import { Duplex } from "./duplex.js";
import { type Failure, cancelled, failureOf } from "./errors.js";
import { follow } from "./follow.js";
import { hedged } from "./hedge.js";
import type { Settings } from "./options.js";
import { Budget, definite, delayMs, retryable } from "./retry.js";
import { type CallOptions, type Scope, Scopes, isPaid } from "./scope.js";
import { pathOf } from "./typed.js";

const asIs = (bytes: Buffer): Buffer => bytes;

interface Cancellable {
  cancel(): void;
}

/** The calls of one client. */
export class Caller {
  private readonly connections: Connections;
  private readonly scopes: Scopes;
  private readonly hedgeAfterMs: number | undefined;
  private readonly retries = Budget.ofRetries();
  private readonly hedges = Budget.ofHedges();
  private readonly active = new Set<Cancellable>();
  private closed = false;

  constructor(target: string, settings: Settings) {
    this.scopes = new Scopes(settings);
    this.connections = new Connections(target, settings);
    this.hedgeAfterMs = settings.hedgeAfterMs;
  }

  /** Whether no retry has been paid for lately. */
  get unspent(): boolean {
    return this.retries.full;
  }

  /** Ends the calls under way with CANCELLED, and the connections. */
  close(): void {
    this.closed = true;
    for (const call of [...this.active]) {
      call.cancel();
    }
    this.connections.close();
  }

  /**
   * Makes a unary call.
   *
   * @param path `/package.Service/Method`
   * @throws StubtailError
   */
  async unary(path: string, request: Buffer, options?: CallOptions): Promise<Buffer> {
    const scope = this.scopes.of(path, options, Date.now());
    if (this.hedgeAfterMs === undefined || isPaid(path)) {
      return this.attempts(path, request, scope);
    }
    const reply = await hedged(
      (signal) => this.attempts(path, request, { ...scope, signals: [signal] }),
      this.hedgeAfterMs,
      () => this.hedges.take(),
      definite,
      scope.signals,
    );
    this.hedges.succeeded();
    return reply;
  }

  /**
   * Begins a stream of the server; begins it anew, as a unary call is, while nothing of it has come. A loop
   * that is left cancels it.
   *
   * @throws StubtailError
   */
  async *stream(
    path: string,
    request: Buffer,
    options?: CallOptions,
  ): AsyncGenerator<Buffer, void, void> {
    const scope = this.scopes.of(path, options, Date.now());
    for (let attempt = 1; ; attempt++) {
      this.check(scope);
      const connection = this.connections.next(Date.now());
      const call = connection.makeServerStreamRequest(path, asIs, asIs, request, scope.metadata, {
        deadline: scope.deadline,
      });
      const forget = this.remember(call, scope);
      let begun = false;
      try {
        for await (const message of received(call)) {
          begun = true;
          yield message;
        }
        this.retries.succeeded();
        return;
      } catch (problem) {
        const failure = this.failure(problem as ServiceError, connection, scope);
        if (begun || !(await this.again(failure, attempt, scope))) {
          throw failure.error;
        }
      } finally {
        forget();
        call.cancel();
      }
    }
  }

  /**
   * Begins a stream both ways; it has no default deadline.
   *
   * @throws StubtailError where the client is closed or the caller has given up
   */
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options?: CallOptions,
  ): Duplex<I, O> {
    const path = pathOf(method);
    const scope = this.scopes.of(path, options, Date.now(), true);
    this.check(scope);
    const connection = this.connections.next(Date.now());
    const call = connection.makeBidiStreamRequest(path, asIs, asIs, scope.metadata, {
      deadline: scope.deadline,
    });
    call.on("status", this.remember(call, scope));
    return new Duplex(method, call, (problem) => this.failure(problem, connection, scope).error);
  }

  /** Sends a call until it is answered or a retry makes no sense. */
  private async attempts(path: string, request: Buffer, scope: Scope): Promise<Buffer> {
    for (let attempt = 1; ; attempt++) {
      this.check(scope);
      const connection = this.connections.next(Date.now());
      const outcome = await this.attempt(connection, path, request, scope);
      if (outcome instanceof Uint8Array) {
        this.retries.succeeded();
        return outcome;
      }
      const failure = this.failure(outcome, connection, scope);
      if (!(await this.again(failure, attempt, scope))) {
        throw failure.error;
      }
    }
  }

  private attempt(
    connection: Connection,
    path: string,
    request: Buffer,
    scope: Scope,
  ): Promise<Buffer | ServiceError> {
    return new Promise((resolve) => {
      const call = connection.makeUnaryRequest(
        path,
        asIs,
        asIs,
        request,
        scope.metadata,
        { deadline: scope.deadline },
        (problem, reply) => {
          forget();
          resolve(problem ?? (reply as Buffer)); // where there is no problem, there is a reply
        },
      );
      const forget = this.remember(call, scope);
    });
  }

  /** Waits for the time of a retry and tells whether there is one. */
  private async again(failure: Failure, attempt: number, scope: Scope): Promise<boolean> {
    if (!retryable(failure)) {
      return false;
    }
    const allowed = this.retries.failed();
    const waitMs = delayMs(failure, attempt, Math.random());
    if (waitMs === undefined || !allowed) {
      return false;
    }
    if (scope.deadline - Date.now() <= waitMs) {
      return false; // it would be too late: the caller hears now what is wrong
    }
    await this.pause(waitMs, scope);
    return true; // where the caller has given up meanwhile, the next attempt tells
  }

  /** Waits, unless the caller gives up or the client is closed: then it ends at once. */
  private pause(waitMs: number, scope: Scope): Promise<void> {
    return new Promise((resolve) => {
      const cancel = (): void => {
        clearTimeout(timer);
        forget();
        resolve();
      };
      const timer = setTimeout(cancel, waitMs);
      const forget = this.remember({ cancel }, scope);
    });
  }

  /** Refuses what would be in vain. */
  private check(scope: Scope): void {
    if (this.closed) {
      throw cancelled("the client is closed");
    }
    const given = scope.signals.find((signal) => signal.aborted);
    if (given !== undefined) {
      throw cancelled("the caller has given up", given.reason);
    }
  }

  /** Lets the caller's signals and `close` cancel a call; returns what undoes that. */
  private remember(call: Cancellable, { signals }: Scope): () => void {
    this.active.add(call);
    if (signals.length === 0) {
      return () => this.active.delete(call);
    }
    const cancel = (): void => {
      call.cancel();
    };
    const unfollow = signals.map((signal) => follow(signal, cancel));
    return () => {
      this.active.delete(call);
      for (const undo of unfollow) {
        undo();
      }
    };
  }

  private failure(problem: ServiceError, connection: Connection, scope: Scope): Failure {
    const given = scope.signals.find((signal) => signal.aborted);
    return failureOf(problem, {
      target: this.connections.target,
      connected: connection.getChannel().getConnectivityState(false) === connectivityState.READY,
      closed: this.closed,
      over: given !== undefined || Date.now() >= scope.deadline,
      why: given?.reason,
    });
  }
}

/** The messages of a stream; what has come before a failure comes before it. */
async function* received(call: ClientReadableStream<Buffer>): AsyncGenerator<Buffer, void, void> {
  call.on("error", () => undefined); // the loop tells it; one that was left early has nobody to tell
  yield* call;
}
