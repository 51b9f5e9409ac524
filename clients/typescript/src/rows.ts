/** Rows as JavaScript has them, and how they go onto the wire. */
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { invalid } from "./errors.js";
import type { ValueSchema } from "./gen/stubtail/v1/decision_pb.js";
import {
  type ColumnSchema,
  type NamedRows,
  NamedRowsSchema,
} from "./gen/stubtail/v1/scoring_pb.js";

/** A value of a feature; booleans are 0 and 1. What is null, undefined or NaN is missing. */
export type FeatureValue = number | string | boolean | null | undefined;

/** One row: features by name. A feature that is left out is missing. */
export type Row = Readonly<Record<string, FeatureValue>>;

/** The values of one feature, a row each. */
export type ColumnValues = Float64Array | Float32Array | readonly FeatureValue[];

/** Rows as columns of one length, by the names of the features. */
export type Columns = Readonly<Record<string, ColumnValues>>;

/**
 * All features in the order of `client.model(..).features`, row after row; a category by its position, NaN
 * for what is missing. The form for hot paths. The order belongs to a version: name it ("churn@1").
 */
export type Dense = Float32Array;

/** What is scored: one row, several, columns, or dense. */
export type Rows = Dense | Row | readonly Row[] | Columns;

// Fields 15 with a length: `dense` in requests, `values` within it.
const DENSE_TAG = 0x7a;
const VARINT_BYTES_MAX = 5;
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Named rows as the message of it. */
export function namedRows(rows: Exclude<Rows, Dense>): NamedRows {
  return create(NamedRowsSchema, { columns: columnsOf(rows) });
}

/**
 * Rows as columns. A column in which every value is missing is left out, which for the server is the same.
 *
 * @throws StubtailError with what cannot be sent
 */
export function columnsOf(rows: Exclude<Rows, Dense>): MessageInitShape<typeof ColumnSchema>[] {
  if (!isObject(rows)) {
    throw invalid("rows", "expected a row, a list of rows, columns or a Float32Array");
  }
  const columns = isList(rows) ? gathered(rows) : Object.entries(rows).map(asColumn);
  if (columns.length === 0) {
    throw invalid("rows", "expected at least one feature");
  }
  return columns.flatMap(([name, values]) => column(name, values) ?? []);
}

/** A row as the map of values that DecideRequest has. */
export function valuesOf(
  field: string,
  row: Row,
): Record<string, MessageInitShape<typeof ValueSchema>> {
  const found: Record<string, MessageInitShape<typeof ValueSchema>> = {};
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === "string") {
      found[name] = { kind: { case: "text", value } };
    } else if (isMissing(value)) {
      found[name] = {};
    } else {
      found[name] = { kind: { case: "number", value: number(`${field}.${name}`, value) } };
    }
  }
  return found;
}

/**
 * A request whose rows are dense: the head without them, and their bytes, which are the wire form of a
 * packed field already. So no value is touched one by one.
 */
export function withDense(head: Uint8Array, values: Dense): Buffer {
  const packed = bytesOf(values);
  const inner = packed.length === 0 ? 0 : 1 + varintBytes(packed.length) + packed.length;
  const whole = Buffer.allocUnsafe(head.length + 1 + VARINT_BYTES_MAX * 2 + 1 + packed.length);
  whole.set(head);
  let at = whole.writeUInt8(DENSE_TAG, head.length);
  at = writeVarint(whole, inner, at);
  if (inner > 0) {
    at = writeVarint(whole, packed.length, whole.writeUInt8(DENSE_TAG, at));
    whole.set(packed, at);
  }
  return whole.subarray(0, at + packed.length);
}

/** What callers without types give is looked at. */
function isObject(rows: unknown): boolean {
  return typeof rows === "object" && rows !== null;
}

function isList(rows: Row | readonly Row[] | Columns): rows is readonly Row[] {
  return Array.isArray(rows);
}

function asColumn([name, values]: [string, FeatureValue | ColumnValues]): [string, ColumnValues] {
  const many = Array.isArray(values) || ArrayBuffer.isView(values);
  return [name, many ? (values as ColumnValues) : [values as FeatureValue]];
}

/** The features of all rows, each with a value for every row. */
function gathered(rows: readonly Row[]): [string, ColumnValues][] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return [...names].map((name) => [name, rows.map((row) => row[name])]);
}

function column(name: string, values: ColumnValues) {
  if (ArrayBuffer.isView(values)) {
    return { name, numbers: Array.from(values) };
  }
  const first = values.find((value) => !isMissing(value));
  if (first === undefined) {
    return undefined;
  }
  if (typeof first !== "string") {
    return {
      name,
      numbers: values.map((value) => (isMissing(value) ? Number.NaN : number(name, value))),
    };
  }
  return { name, strings: values.map((value) => (isMissing(value) ? "" : text(name, value))) };
}

function isMissing(value: FeatureValue): value is null | undefined {
  return value === null || value === undefined || Number.isNaN(value);
}

function number(name: string, value: unknown): number {
  if (typeof value === "number" || typeof value === "boolean") {
    return Number(value);
  }
  throw invalid(name, expected("a number or a boolean", value));
}

function text(name: string, value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  throw invalid(name, expected("a string, as in other rows", value));
}

function expected(what: string, value: unknown): string {
  const kind = Array.isArray(value) ? "list" : typeof value;
  return `expected ${what}, not a ${kind}; a column holds numbers or strings, never both`;
}

function bytesOf(values: Float32Array): Uint8Array {
  if (IS_LITTLE_ENDIAN) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const view = new DataView(new ArrayBuffer(values.byteLength));
  for (const [index, value] of values.entries()) {
    view.setFloat32(index * Float32Array.BYTES_PER_ELEMENT, value, true);
  }
  return new Uint8Array(view.buffer);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) {
    bytes += 1;
  }
  return bytes;
}

function writeVarint(into: Buffer, value: number, at: number): number {
  let rest = value;
  let next = at;
  while (rest > 0x7f) {
    next = into.writeUInt8((rest & 0x7f) | 0x80, next);
    rest >>>= 7;
  }
  return into.writeUInt8(rest, next);
}
