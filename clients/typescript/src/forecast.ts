/** Forecasts: raw history in, a course with quantiles out. */
import { create } from "@bufbuild/protobuf";
import { malformed } from "./errors.js";
import {
  type ForecastRequest,
  ForecastRequestSchema,
  type ForecastResponse,
  SeriesSchema,
  type SeriesForecast,
} from "./gen/stubtail/v1/forecasting_pb.js";
import { type Priority, priorityOf } from "./score.js";

/** Numbers of a series, the oldest first; NaN is missing. */
export type Values = Float64Array | Float32Array | readonly number[];

/** What is known of one series: values at equal distances. */
export interface Series {
  /** Comes back with the answer. */
  readonly id?: string;
  readonly values: Values;
  /** When the first value was measured; or `times`. */
  readonly start?: Date;
  /** When each value was measured, ascending; steps that are left out become missing values. */
  readonly times?: readonly Date[];
  /** As that of the outlook, for this series. */
  readonly frequency?: string;
  /** What is known of every step by name, the future ones included. */
  readonly covariates?: Readonly<Record<string, Values>>;
}

/** What is asked. */
export interface Outlook {
  readonly series: readonly Series[];
  /** The number of steps, 1 to 1,024. */
  readonly horizon: number;
  /** Who forecasts; "auto" where it is not given. */
  readonly model?: string;
  readonly priority?: Priority;
  /** The levels of the quantiles, ascending, such as 0.1 and 0.9. */
  readonly levels?: readonly number[];
  /** The time between two values, such as "h" or "5min". */
  readonly frequency?: string;
  /** The lengths of the seasons in steps; the server finds them where they are not given. */
  readonly seasons?: readonly number[];
  /** What values can be. */
  readonly nonNegative?: boolean;
  readonly integer?: boolean;
}

/** The course of one series. */
export class Forecast {
  constructor(
    /** How it was forecast: model, reason, seasons, trend, notes. */
    readonly details: SeriesForecast,
    /** The likeliest course. */
    readonly points: Float64Array,
    private readonly levels: readonly number[],
    private readonly quantiles: Float64Array,
    /** Those of the steps; undefined unless the series came with times and a known frequency. */
    readonly times: readonly Date[] | undefined,
  ) {}

  /** As in the request. */
  get id(): string {
    return this.details.id;
  }

  /** The course at one of the levels that were asked for; undefined at any other. */
  quantile(level: number): Float64Array | undefined {
    const position = this.levels.indexOf(level);
    const horizon = this.points.length;
    return position < 0
      ? undefined
      : this.quantiles.subarray(position * horizon, (position + 1) * horizon);
  }
}

/** The request of an outlook. */
export function forecastRequest(outlook: Outlook): ForecastRequest {
  return create(ForecastRequestSchema, {
    model: outlook.model ?? "",
    priority: priorityOf(outlook.priority),
    horizon: outlook.horizon,
    quantileLevels: [...(outlook.levels ?? [])],
    frequency: outlook.frequency ?? "",
    seasonLengths: [...(outlook.seasons ?? [])],
    nonNegative: outlook.nonNegative ?? false,
    integer: outlook.integer ?? false,
    series: outlook.series.map(wireSeries),
  });
}

/**
 * The answer, series by series.
 *
 * @throws StubtailError where its columns do not fit together
 */
export function forecastsOf(reply: ForecastResponse): Forecast[] {
  const { horizon, quantileLevels: levels, timestampsMs } = reply;
  const steps = reply.series.length * horizon;
  const timed = timestampsMs.length > 0;
  if (
    reply.points.length !== steps ||
    reply.quantiles.length !== steps * levels.length ||
    (timed && timestampsMs.length !== steps)
  ) {
    const what = `${reply.points.length} points for ${reply.series.length} series of ${horizon} steps`;
    throw malformed("Forecast", what);
  }
  const points = Float64Array.from(reply.points);
  const quantiles = Float64Array.from(reply.quantiles);
  return reply.series.map((details, index) => {
    const [from, to] = [index * horizon, (index + 1) * horizon];
    const times = timed
      ? timestampsMs.slice(from, to).map((ms) => new Date(Number(ms)))
      : undefined;
    return new Forecast(
      details,
      points.subarray(from, to),
      levels,
      quantiles.subarray(from * levels.length, to * levels.length),
      times,
    );
  });
}

function wireSeries(series: Series) {
  const whole = create(SeriesSchema, {
    id: series.id ?? "",
    values: Array.from(series.values),
    timestampsMs: (series.times ?? []).map((time) => BigInt(time.getTime())),
    frequency: series.frequency ?? "",
    covariates: Object.entries(series.covariates ?? {}).map(([name, values]) => ({
      name,
      values: Array.from(values),
    })),
  });
  if (series.start !== undefined) {
    whole.startMs = BigInt(series.start.getTime());
  }
  return whole;
}
