/** What a failed call throws, and how it is read from what gRPC reports. */
import { fromBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

const PUSHBACK_KEY = "grpc-retry-pushback-ms";
const DETAILS_KEY = "grpc-status-details-bin";

/** The name of a gRPC status, such as "UNAVAILABLE". */
export type StatusName = keyof typeof status;

/** One thing that is wrong with a request. */
export interface FieldViolation {
  /** The feature or the field of the request. */
  readonly field: string;
  /** What was expected there. */
  readonly description: string;
}

/** What is known of a failure besides its status and its message. */
export interface ErrorDetails {
  reason?: string;
  violations?: readonly FieldViolation[];
  retryAfterMs?: number | undefined;
  metadata?: Readonly<Record<string, string>>;
  resource?: string;
  cause?: unknown;
}

/** Every failed call throws one; `error.code` and `error.reason` are for programs. */
export class StubtailError extends Error {
  override readonly name = "StubtailError";
  /** The gRPC status. */
  readonly code: StatusName;
  /**
   * The published name of what went wrong, such as "MODEL_NOT_FOUND": those of `ErrorReason`, and of the
   * client itself CONNECTION_FAILED and MALFORMED_REPLY. Empty where nobody gave one.
   */
  readonly reason: string;
  /** The fields that are wrong; only with INVALID_ARGUMENT. */
  readonly violations: readonly FieldViolation[];
  /** When a retry makes sense, ms; undefined where the server named no time. */
  readonly retryAfterMs: number | undefined;
  /** The values in the message, for programs. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What was not found; only with NOT_FOUND. */
  readonly resource: string;

  constructor(code: StatusName, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.reason = details.reason ?? "";
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.metadata = details.metadata ?? {};
    this.resource = details.resource ?? "";
  }
}

/** A failed attempt, and what decides whether there is another one. */
export interface Failure {
  readonly error: StubtailError;
  /** The server says: not again. */
  readonly never: boolean;
  /** No retry can help: the time is over, the caller has given up or the client is closed. */
  readonly over: boolean;
}

/** What the client knows of a failed attempt that gRPC does not say. */
export interface Circumstances {
  readonly target: string;
  /** Whether the connection of the attempt is there. */
  readonly connected: boolean;
  readonly closed: boolean;
  /** Whether the deadline has passed or the caller has given up. */
  readonly over: boolean;
  /** Why the caller has given up, for `cause`. */
  readonly why: unknown;
}

/** Reads what gRPC reports of a failed attempt. */
export function failureOf(problem: ServiceError, around: Circumstances): Failure {
  const details: ErrorDetails = { cause: problem, ...unpacked(problem.metadata) };
  const pushback = problem.metadata.get(PUSHBACK_KEY).at(0);
  let never = false;
  if (pushback !== undefined) {
    const ms = Number(pushback);
    never = !(ms >= 0); // what is no number says "not again" as well
    details.retryAfterMs = never ? undefined : (details.retryAfterMs ?? ms);
  }
  let code = nameOf(problem.code);
  let message = problem.details;
  let over = around.over || around.closed;
  if (code === "CANCELLED" && around.why !== undefined) {
    details.cause = around.why;
  }
  // The time of the call was spent on getting a connection.
  const late = code === "DEADLINE_EXCEEDED" && !around.connected;
  if (!details.reason && !around.closed && (late || code === "UNAVAILABLE")) {
    code = "UNAVAILABLE";
    details.reason = "CONNECTION_FAILED";
    message = `no connection to ${around.target}: ${message}`;
    over ||= late;
  }
  return { error: new StubtailError(code, message, details), never, over };
}

function nameOf(code: number): StatusName {
  return code in status ? (status[code] as StatusName) : "UNKNOWN";
}

/** The details of google.rpc; those that are unknown or damaged are passed over. */
function unpacked(metadata: Metadata): ErrorDetails {
  const found: ErrorDetails = {};
  const wire = metadata.get(DETAILS_KEY).at(0);
  if (!(wire instanceof Uint8Array)) {
    return found;
  }
  try {
    for (const detail of fromBinary(StatusSchema, wire).details) {
      read(detail, found);
    }
  } catch {
    // What is damaged tells no more than the status does.
  }
  return found;
}

function read(detail: Any, into: ErrorDetails): void {
  const info = anyUnpack(detail, ErrorInfoSchema);
  if (info) {
    into.reason = info.reason;
    into.metadata = info.metadata;
    return;
  }
  const retry = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
  if (retry) {
    into.retryAfterMs = Number(retry.seconds) * 1000 + retry.nanos / 1e6;
  }
  const resource = anyUnpack(detail, ResourceInfoSchema);
  if (resource) {
    into.resource = resource.resourceName;
  }
  const request = anyUnpack(detail, BadRequestSchema);
  if (request) {
    into.violations = request.fieldViolations.map(({ field, description }) => ({
      field,
      description,
    }));
  }
}

/** The refusal of what cannot be sent, in the form that the server would use. */
export function invalid(field: string, description: string, cause?: unknown): StubtailError {
  return new StubtailError("INVALID_ARGUMENT", `${field}: ${description}`, {
    reason: "INVALID_FIELD",
    violations: [{ field, description }],
    cause,
  });
}

/** A reply that is not what the method returns. */
export function malformed(method: string, what: string, cause?: unknown): StubtailError {
  const message = `the reply to ${method} is malformed: ${what}; is a stubtail server listening there?`;
  return new StubtailError("INTERNAL", message, { reason: "MALFORMED_REPLY", cause });
}

/** The end of a call that the caller has given up, or that came after `close`. */
export function cancelled(message: string, cause?: unknown): StubtailError {
  return new StubtailError("CANCELLED", message, { cause });
}
