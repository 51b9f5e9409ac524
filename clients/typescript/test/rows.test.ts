/** Rows on the wire: typed arrays, columns, and what cannot be sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ScoreRequestSchema } from "../src/gen/stubtail/v1/scoring_pb.js";
import { type Rows, StubtailError } from "../src/index.js";
import { columnsOf, valuesOf } from "../src/rows.js";
import { scoreRequest } from "../src/score.js";

test("dense rows have the same bytes as the message of them", () => {
  for (const count of [0, 1, 31, 32, 5000, 600_000]) {
    const dense = Float32Array.from({ length: count }, (_, index) => index / 3);
    const request = create(ScoreRequestSchema, {
      model: "m@1",
      coverage: 0.9,
      rows: { case: "dense", value: { values: [...dense] } },
    });
    const bytes = scoreRequest({ model: "m@1" }, dense, { coverage: 0.9 });
    assert.ok(bytes.equals(toBinary(ScoreRequestSchema, request)), `${count} values`);
  }
});

test("a part of a larger buffer is sent, and nothing else of it", () => {
  const part = Float32Array.from([1, 2, 3, 4]).subarray(1, 3);
  const { rows } = fromBinary(ScoreRequestSchema, scoreRequest({ model: "m" }, part, undefined));
  assert.deepEqual(rows.case === "dense" && rows.value.values, [2, 3]);
});

test("columns of rows, lists of rows and columns", () => {
  const one = [
    { name: "a", numbers: [1] },
    { name: "b", strings: ["x"] },
    { name: "c", numbers: [1] },
  ];
  assert.deepEqual(columnsOf({ a: 1, b: "x", c: true, d: null }), one);
  const two = [
    { name: "a", numbers: [1, Number.NaN] },
    { name: "b", strings: ["", "y"] },
  ];
  assert.deepEqual(columnsOf([{ a: 1 }, { b: "y" }]), two);
  assert.deepEqual(columnsOf({ a: [1, undefined], b: ["", "y"] }), two);
  assert.deepEqual(columnsOf({ a: Float64Array.of(1, 2) }), [{ name: "a", numbers: [1, 2] }]);
});

test("what cannot be sent", () => {
  const wrong: Record<string, unknown> = {
    nothing: null,
    "no features": {},
    "an object": { a: {} },
    "both kinds": { a: [1, "x"] },
    "both kinds, the other way": { a: ["x", 1] },
  };
  for (const [name, rows] of Object.entries(wrong)) {
    const refused = (error: unknown): boolean =>
      error instanceof StubtailError &&
      error.code === "INVALID_ARGUMENT" &&
      error.violations.length === 1;
    assert.throws(() => columnsOf(rows as Exclude<Rows, Float32Array>), refused, name);
  }
});

test("values of a context", () => {
  assert.deepEqual(valuesOf("context", { a: 1, b: "x", c: null }), {
    a: { kind: { case: "number", value: 1 } },
    b: { kind: { case: "text", value: "x" } },
    c: {},
  });
});
