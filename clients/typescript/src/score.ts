/** Scores: what is asked, and the answers with their columns as typed arrays. */
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { malformed } from "./errors.js";
import { Priority as WirePriority } from "./gen/stubtail/v1/common_pb.js";
import {
  ExplainSchema,
  ScoreRequestSchema,
  type ScoreResponse,
} from "./gen/stubtail/v1/scoring_pb.js";
import { type Rows, namedRows, withDense } from "./rows.js";
import type { CallOptions } from "./scope.js";
import { encoded } from "./typed.js";

/** How much a call matters when not everything can be answered in time; "normal" where nothing is said. */
export type Priority = "critical" | "high" | "normal" | "low";

const PRIORITIES: Record<Priority, WirePriority> = {
  critical: WirePriority.CRITICAL,
  high: WirePriority.HIGH,
  normal: WirePriority.NORMAL,
  low: WirePriority.LOW,
};

/** The class of a call as the wire has it. */
export function priorityOf(priority: Priority | undefined): WirePriority {
  return priority === undefined ? WirePriority.UNSPECIFIED : PRIORITIES[priority];
}

/** What can be asked of Score besides the rows. */
export interface ScoreOptions extends CallOptions {
  readonly priority?: Priority;
  /** Bounds that hold the true value in this share of rows, such as 0.9. */
  readonly coverage?: number;
  /**
   * Which features moved each score most: so many of them, 0 for all. A row with reasons costs as much as
   * some hundred without. Not for several models at once.
   */
  readonly reasons?: number;
}

/** One feature, or group of features, and how much it moved a score, in the unit of the explanation's link. */
export interface Reason {
  readonly feature: string;
  readonly contribution: number;
}

/** The answers of one model, in the order of the rows. */
export class Scores {
  /** One for each row: the probability of the last of two classes, or the predicted value. */
  readonly scores: Float32Array;
  /** Rows times classes; empty unless the model computes one probability for each class. */
  readonly probabilities: Float32Array;
  /** With a coverage: the bounds of each score. */
  readonly lower: Float32Array;
  readonly upper: Float32Array;

  /**
   * @param reply the whole answer as the wire has it
   * @throws StubtailError where positions in it lead nowhere
   */
  constructor(readonly reply: ScoreResponse) {
    const { explanation: e } = reply;
    const reasons = e === undefined || e.nameIndexes.length === e.contributions.length;
    if (
      !reasons ||
      !within(reply.labelIndexes, reply.classes) ||
      !within(reply.levelIndexes, reply.levels) ||
      !within(e?.nameIndexes ?? [], e?.names ?? [])
    ) {
      throw malformed("Score", "a position beyond the names");
    }
    this.scores = Float32Array.from(reply.scores);
    this.probabilities = Float32Array.from(reply.probabilities);
    this.lower = Float32Array.from(reply.lower);
    this.upper = Float32Array.from(reply.upper);
  }

  /** The model that answered. */
  get model(): string {
    return this.reply.model;
  }

  /** The version that answered. */
  get version(): string {
    return this.reply.version;
  }

  /** The predicted class of a row, by the model's threshold; undefined where the model has no classes. */
  label(row: number): string | undefined {
    return this.reply.classes[this.reply.labelIndexes[row] ?? -1];
  }

  /** The level of a row's score, such as "high"; undefined where the model has none. */
  level(row: number): string | undefined {
    return this.reply.levels[this.reply.levelIndexes[row] ?? -1];
  }

  /** The reasons of a row, the largest first; none unless they were asked for. */
  reasons(row: number): Reason[] {
    const e = this.reply.explanation;
    if (e === undefined) {
      return [];
    }
    const own = e.nameIndexes.slice(row * e.top, (row + 1) * e.top);
    return own.map((name, index) => ({
      feature: e.names[name] as string, // checked by the constructor
      contribution: e.contributions[row * e.top + index] as number,
    }));
  }
}

/**
 * A request of Score in bytes.
 *
 * @throws StubtailError with what cannot be sent
 */
export function scoreRequest(
  models: Pick<MessageInitShape<typeof ScoreRequestSchema>, "model" | "models">,
  rows: Rows,
  options: ScoreOptions | undefined,
): Buffer {
  const request = create(ScoreRequestSchema, {
    ...models,
    priority: priorityOf(options?.priority),
    coverage: options?.coverage ?? 0,
  });
  if (options?.reasons !== undefined) {
    request.explain = create(ExplainSchema, { top: options.reasons });
  }
  if (rows instanceof Float32Array) {
    return withDense(encoded(ScoreRequestSchema, request), rows);
  }
  request.rows = { case: "named", value: namedRows(rows) };
  return encoded(ScoreRequestSchema, request);
}

function within(positions: readonly number[], names: readonly string[]): boolean {
  return positions.every((position) => position < names.length);
}
