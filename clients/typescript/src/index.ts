/** stubtail for TypeScript: a client of the inference server. */
export { type Message, type ChatOptions, ChatStream, assistant, system, user } from "./chat.js";
export { Client, type EmbedOptions } from "./client.js";
export type { TlsFiles } from "./credentials.js";
export {
  type Choice,
  type Constraint,
  Decision,
  type Question,
  type Span,
  atLeast,
  atMost,
  between,
  maxChange,
} from "./decide.js";
export {
  type DetectOptions,
  type DetectRowsOptions,
  type DetectSeriesOptions,
  type Driver,
  type Observed,
  RowAnomalies,
} from "./detect.js";
export { Duplex } from "./duplex.js";
export { type FieldViolation, type StatusName, StubtailError } from "./errors.js";
export { Forecast, type Outlook, type Series, type Values } from "./forecast.js";
export type { ClientOptions } from "./options.js";
export type { ColumnValues, Columns, Dense, FeatureValue, Row, Rows } from "./rows.js";
export type { CallOptions, ServedCall, Trace } from "./scope.js";
export { type Priority, type Reason, type ScoreOptions, Scores } from "./score.js";
export { VERSION } from "./version.js";
export { type WatchOptions, Watcher } from "./watch.js";
