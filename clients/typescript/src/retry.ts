/** When a failed attempt is made again, and how often. Pure: no clock, no I/O. */
import { type Failure, type StatusName, StubtailError } from "./errors.js";

const ATTEMPTS_MAX = 3;
// The second wait outlasts a server that shuts down: it refuses calls until it closes its connections.
const BACKOFF_FIRST_MS = 20;
const BACKOFF_FACTOR = 8;
const BACKOFF_MAX_MS = 200;
const BACKOFF_JITTER = 0.2;
// Retries stop while more than a few per cent of the calls fail, so that they cannot feed a fire.
const RETRY_TOKENS = 50;
// Hedges are at most a tenth of the calls, and ten at once after a quiet time.
const HEDGE_TOKENS = 10;
const THOUSANDTHS = 1000;
const GAIN = 100; // thousandths that a good call gives back: a tenth of a token

// Calls whose provider of language models has failed: the server has tried again itself, and another try is
// paid for.
const ASKED_UPSTREAM = new Set(["UPSTREAM_FAILED", "ANSWER_INTERRUPTED", "ANSWER_STALLED"]);

// What every copy of a call is told: it is about the request, or about who calls.
const DEFINITE = new Set<StatusName>([
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "FAILED_PRECONDITION",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "UNAUTHENTICATED",
]);

/**
 * Whether another copy of the call would be refused too, so that nobody waits for it. The failure of one
 * server is none, and neither is a refusal for want of time, which a copy that came earlier may have.
 */
export function definite(problem: unknown): boolean {
  if (!(problem instanceof StubtailError)) {
    return true; // a defect of the caller's or of ours, such as a token that cannot be read
  }
  if (problem.code === "RESOURCE_EXHAUSTED") {
    return problem.retryAfterMs === undefined; // the message is too large, say
  }
  return DEFINITE.has(problem.code);
}

/**
 * Whether another attempt may have an effect: the server refused this one, or its connection was lost. A call
 * that the server ends as CANCELLED met the end of that server.
 */
export function retryable(failure: Failure): boolean {
  const { code, reason, retryAfterMs } = failure.error;
  if (failure.over) {
    return false;
  }
  if (code === "UNAVAILABLE" || code === "CANCELLED") {
    return !ASKED_UPSTREAM.has(reason);
  }
  return code === "RESOURCE_EXHAUSTED" && retryAfterMs !== undefined; // only where the server says when
}

/**
 * The wait before the next attempt, ms; undefined where there is none.
 *
 * @param attempt how many attempts there were, at least 1
 * @param random 0 to 1
 */
export function delayMs(failure: Failure, attempt: number, random: number): number | undefined {
  if (attempt >= ATTEMPTS_MAX || failure.never) {
    return undefined;
  }
  if (failure.error.retryAfterMs !== undefined) {
    return failure.error.retryAfterMs;
  }
  const wait = Math.min(BACKOFF_FIRST_MS * BACKOFF_FACTOR ** (attempt - 1), BACKOFF_MAX_MS);
  return wait * (1 + BACKOFF_JITTER * (2 * random - 1));
}

/** Bounds extra attempts by a share of the calls: a bucket of tokens as gRPC's retryThrottling has. */
export class Budget {
  // Thousandths of a token: sums of tenths are exact.
  private left: number;

  private constructor(
    private readonly most: number,
    private readonly least: number,
  ) {
    this.left = most;
  }

  /** For retries: they need more than half of the tokens. */
  static ofRetries(): Budget {
    return new Budget(RETRY_TOKENS * THOUSANDTHS, (RETRY_TOKENS * THOUSANDTHS) / 2);
  }

  /** For hedges: they need one token each. */
  static ofHedges(): Budget {
    return new Budget(HEDGE_TOKENS * THOUSANDTHS, 0);
  }

  /** Whether nothing is taken. */
  get full(): boolean {
    return this.left === this.most;
  }

  /** Puts a share of a token back. */
  succeeded(): void {
    if (this.left < this.most) {
      this.left = Math.min(this.left + GAIN, this.most);
    }
  }

  /** Takes a token and tells whether enough are left for another attempt. */
  failed(): boolean {
    this.left = Math.max(this.left - THOUSANDTHS, 0);
    return this.left > this.least;
  }

  /** Takes a token where there is one. */
  take(): boolean {
    if (this.left < THOUSANDTHS) {
      return false;
    }
    this.left -= THOUSANDTHS;
    return true;
  }
}
