/** What a call inherits and is bounded by: deadline, cancellation, trace, metadata. */
import { type Deadline, Metadata, type MetadataValue } from "@grpc/grpc-js";
import { TokenFile } from "./credentials.js";
import { invalid } from "./errors.js";
import { type Settings, checkTimeout } from "./options.js";

const LLM_PREFIX = "/stubtail.v1.LlmService/";
const TRACE_KEYS = ["traceparent", "tracestate"] as const;

/** A W3C trace context. */
export interface Trace {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A call that the caller itself serves, as the handlers of a server of grpc-js have it. */
export interface ServedCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getDeadline(): Deadline;
  on(event: "cancelled", listener: () => void): unknown;
}

/** What every call takes besides its request; all of it is optional. */
export interface CallOptions {
  /** How long the caller waits, ms. The client's own time where it is not given. */
  readonly timeoutMs?: number;
  /** Gives the call up, on the server too. The error has the signal's reason as its `cause`. */
  readonly signal?: AbortSignal;
  /** Goes with the call. */
  readonly trace?: Trace;
  /** The call that the caller itself serves: its deadline, its end and its trace go on. */
  readonly parent?: ServedCall;
  /** Goes with the call. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A call as all of its attempts see it. */
export interface Scope {
  /** When it is too late, ms since 1970; Infinity for streams both ways. */
  readonly deadline: number;
  /** Each of them gives the call up. Not joined by AbortSignal.any, whose work stays on a signal that lives. */
  readonly signals: readonly AbortSignal[];
  readonly metadata: Metadata;
}

/** Whether calls of a method are paid for: then a second copy costs more than work of the server. */
export function isPaid(path: string): boolean {
  return path.startsWith(LLM_PREFIX);
}

const NONE: readonly AbortSignal[] = [];
// One listener for each served call, however many calls are made under it; gRPC's own stay on it for ever.
const ends = new WeakMap<ServedCall, AbortSignal>();

/** What fires when the caller gives up, and when the call ends that it serves. */
function signalsOf({ signal, parent }: CallOptions): readonly AbortSignal[] {
  const own = signal === undefined ? NONE : [signal];
  return parent === undefined ? own : [...own, endOf(parent)];
}

function endOf(parent: ServedCall): AbortSignal {
  let ended = ends.get(parent);
  if (ended === undefined) {
    const controller = new AbortController();
    const end = (): void => {
      controller.abort(new Error("the call that is being served has ended"));
    };
    parent.on("cancelled", end);
    if (parent.cancelled) {
      end();
    }
    ended = controller.signal;
    ends.set(parent, ended);
  }
  return ended;
}

/** Sets one value, or says which one cannot be sent. */
function put(into: Metadata, field: string, key: string, value: MetadataValue): void {
  try {
    into.set(key, value);
  } catch (error) {
    throw invalid(`${field}.${key}`, (error as Error).message);
  }
}

/** Makes the scopes of a client's calls. */
export class Scopes {
  private readonly token: TokenFile | undefined;
  private sent = "";
  private base: Metadata;

  constructor(private readonly settings: Settings) {
    this.token = settings.tokenFile === undefined ? undefined : new TokenFile(settings.tokenFile);
    this.base = this.always();
  }

  /**
   * The scope of a call.
   *
   * @param endless whether the call has no default deadline
   * @throws RangeError where its time is no time
   */
  of(path: string, options: CallOptions | undefined, nowMs: number, endless = false): Scope {
    if (this.token !== undefined && this.token.authorization(nowMs) !== this.sent) {
      this.base = this.always(this.token.authorization(nowMs));
    }
    return {
      deadline: this.deadline(path, options, nowMs, endless),
      signals: options === undefined ? NONE : signalsOf(options),
      metadata: options === undefined ? this.base : this.metadata(options),
    };
  }

  private deadline(
    path: string,
    options: CallOptions | undefined,
    nowMs: number,
    endless: boolean,
  ): number {
    const own = options?.timeoutMs;
    if (own !== undefined) {
      checkTimeout(own);
    }
    const served = options?.parent === undefined ? Infinity : Number(options.parent.getDeadline());
    if (own === undefined && served === Infinity && !endless) {
      const { chatTimeoutMs, timeoutMs } = this.settings;
      return nowMs + (isPaid(path) ? chatTimeoutMs : timeoutMs);
    }
    return Math.min(nowMs + (own ?? Infinity), served);
  }

  /** What goes with the calls of these options; grpc-js copies it for each attempt. */
  private metadata({ trace, parent, metadata }: CallOptions): Metadata {
    if (trace === undefined && parent === undefined && metadata === undefined) {
      return this.base;
    }
    const own = this.base.clone();
    for (const [key, value] of Object.entries(metadata ?? {})) {
      put(own, "metadata", key, value);
    }
    for (const key of TRACE_KEYS) {
      const value = trace === undefined ? parent?.metadata.get(key)[0] : trace[key];
      if (value !== undefined) {
        put(own, "trace", key, value);
      }
    }
    return own;
  }

  private always(authorization = ""): Metadata {
    const all = new Metadata({ waitForReady: !this.settings.failFast });
    for (const [key, value] of Object.entries(this.settings.metadata ?? {})) {
      all.set(key, value);
    }
    if (authorization !== "") {
      all.set("authorization", authorization);
    }
    this.sent = authorization;
    return all;
  }
}
