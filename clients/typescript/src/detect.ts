/** What is unusual in rows and in series. */
import { create } from "@bufbuild/protobuf";
import { malformed } from "./errors.js";
import type { Values } from "./forecast.js";
import {
  type AnomalyKind,
  DetectRequestSchema,
  type DetectResponse,
  type Severity,
} from "./gen/stubtail/v1/anomaly_pb.js";
import { type Rows, namedRows, withDense } from "./rows.js";
import type { CallOptions } from "./scope.js";
import { type Priority, priorityOf } from "./score.js";
import { encoded } from "./typed.js";

/** What every search for anomalies takes. */
export interface DetectOptions extends CallOptions {
  readonly priority?: Priority;
  /** The share of what is usual that is flagged all the same; 0.001 where it is not given. */
  readonly falseAlarmRate?: number;
}

/** What a search in rows takes besides. */
export interface DetectRowsOptions extends DetectOptions {
  /** How many features that drive a score to return for each row. */
  readonly top?: number;
}

/** What a search in series takes besides. */
export interface DetectSeriesOptions extends DetectOptions {
  /** Only anomalies that reach this position or begin after it. */
  readonly fromIndex?: number;
  /** The kinds to look for; all where none is given. */
  readonly kinds?: readonly AnomalyKind[];
  /** What was expected of every point. */
  readonly bands?: boolean;
  /** Whether the series belong together: what happens at the same time is one incident. */
  readonly group?: boolean;
  /** For groups: who depends on whom. */
  readonly dependencies?: readonly { readonly component: string; readonly dependsOn: string }[];
  /** For groups: the component whose trouble is to be explained. */
  readonly focus?: string;
}

/** One series to look at. */
export interface Observed {
  readonly name?: string;
  readonly values: Values;
  /** When each value was measured, strictly ascending; not given for values at equal distances. */
  readonly times?: readonly Date[];
  /** In points; found where it is not given, 1 for none. */
  readonly seasonLength?: number;
  /** Of groups: where it is measured; its name where it is not given. */
  readonly component?: string;
}

/** One feature that makes a row unusual. */
export interface Driver {
  readonly feature: string;
  /** -log10 of the chance of its value in a usual row. */
  readonly contribution: number;
  readonly value: number;
  /** Between these two lie 98 of 100 usual values, given the row's other features. */
  readonly lower: number;
  readonly upper: number;
}

/** How unusual rows are, in their order. */
export class RowAnomalies {
  /** 0 (as usual as any) to 1 (beyond all that was seen). */
  readonly scores: Float32Array;
  /** The chance that a usual row has such a score or a higher one. */
  readonly pValues: Float32Array;

  /** @throws StubtailError where the columns of the reply do not fit together */
  constructor(readonly reply: DetectResponse) {
    const d = reply.drivers;
    const columns = [d?.nameIndexes, d?.contributions, d?.values, d?.lower, d?.upper];
    if (
      d !== undefined &&
      (columns.some((one) => one?.length !== d.top * reply.scores.length) ||
        d.nameIndexes.some((name) => name >= d.names.length))
    ) {
      throw malformed("Detect", "drivers that do not fit the rows");
    }
    this.scores = Float32Array.from(reply.scores);
    this.pValues = Float32Array.from(reply.pValues);
  }

  /** Whether the p-value of each row is at most the false-alarm rate. */
  get flagged(): readonly boolean[] {
    return this.reply.flagged;
  }

  get severities(): readonly Severity[] {
    return this.reply.severities;
  }

  /** What makes a row unusual, the strongest first; none unless they were asked for. */
  drivers(row: number): Driver[] {
    const d = this.reply.drivers;
    if (d === undefined) {
      return [];
    }
    // The lengths are checked by the constructor.
    const at = (values: readonly number[], index: number) => values[index] as number;
    return Array.from({ length: d.top }, (_, rank) => {
      const index = row * d.top + rank;
      return {
        feature: d.names[at(d.nameIndexes, index)] as string,
        contribution: at(d.contributions, index),
        value: at(d.values, index),
        lower: at(d.lower, index),
        upper: at(d.upper, index),
      };
    });
  }
}

/** A search in rows, in bytes. */
export function rowsRequest(
  model: string,
  rows: Rows,
  options: DetectRowsOptions | undefined,
): Buffer {
  const request = create(DetectRequestSchema, {
    ...common(options),
    model,
    topFeatures: options?.top ?? 0,
  });
  if (rows instanceof Float32Array) {
    return withDense(encoded(DetectRequestSchema, request), rows);
  }
  request.input = { case: "named", value: namedRows(rows) };
  return encoded(DetectRequestSchema, request);
}

/** A search in series, in bytes. */
export function seriesRequest(
  series: readonly Observed[],
  options: DetectSeriesOptions | undefined,
): Buffer {
  const value = {
    series: series.map((one) => ({
      name: one.name ?? "",
      component: one.component ?? "",
      seasonLength: one.seasonLength ?? 0,
      timestamps: (one.times ?? []).map((time) => time.getTime() / 1000),
      values: Array.from(one.values),
    })),
    fromIndex: options?.fromIndex ?? 0,
    kinds: [...(options?.kinds ?? [])],
    bands: options?.bands ?? false,
    group: options?.group ?? false,
    dependencies: [...(options?.dependencies ?? [])],
    focus: options?.focus ?? "",
  };
  const input = { case: "series" as const, value };
  return encoded(DetectRequestSchema, { ...common(options), input });
}

function common(options: DetectOptions | undefined) {
  return {
    priority: priorityOf(options?.priority),
    falseAlarmRate: options?.falseAlarmRate ?? 0,
  };
}
