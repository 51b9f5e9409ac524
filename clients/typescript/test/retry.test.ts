/** When failed attempts are made again: decisions without a socket. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorDetails, type Failure, type StatusName, StubtailError } from "../src/errors.js";
import { hedged } from "../src/hedge.js";
import { Budget, definite, delayMs, retryable } from "../src/retry.js";

function failed(
  code: StatusName,
  details: ErrorDetails = {},
  more: Partial<Failure> = {},
): Failure {
  return { error: new StubtailError(code, "", details), never: false, over: false, ...more };
}

test("what is retried", () => {
  const cases: [string, Failure, boolean][] = [
    ["unavailable", failed("UNAVAILABLE"), true],
    ["cancelled by the server", failed("CANCELLED"), true],
    ["cancelled by the caller", failed("CANCELLED", {}, { over: true }), false],
    ["a provider has failed", failed("UNAVAILABLE", { reason: "UPSTREAM_FAILED" }), false],
    ["no connection in time", failed("UNAVAILABLE", {}, { over: true }), false],
    ["exhausted with a time", failed("RESOURCE_EXHAUSTED", { retryAfterMs: 1 }), true],
    ["exhausted without", failed("RESOURCE_EXHAUSTED"), false],
    ["a failure of the model", failed("INTERNAL"), false],
    ["too late already", failed("DEADLINE_EXCEEDED"), false],
    ["a request that is not good", failed("INVALID_ARGUMENT"), false],
  ];
  for (const [name, failure, wanted] of cases) {
    assert.equal(retryable(failure), wanted, name);
  }
});

test("what both copies of a call would meet", () => {
  const cases: [string, StubtailError, boolean][] = [
    ["a request that is not good", failed("INVALID_ARGUMENT").error, true],
    ["no such model", failed("NOT_FOUND").error, true],
    ["not allowed", failed("PERMISSION_DENIED").error, true],
    ["exhausted without a time", failed("RESOURCE_EXHAUSTED").error, true],
    ["exhausted with a time", failed("RESOURCE_EXHAUSTED", { retryAfterMs: 1 }).error, false],
    ["unavailable", failed("UNAVAILABLE").error, false],
    ["a failure of the model", failed("INTERNAL").error, false],
    ["too late for this copy", failed("DEADLINE_EXCEEDED").error, false],
  ];
  for (const [name, error, wanted] of cases) {
    assert.equal(definite(error), wanted, name);
  }
});

test("delays", () => {
  const plain = failed("UNAVAILABLE");
  assert.deepEqual(
    [0, 0.5, 1].map((random) => delayMs(plain, 1, random)),
    [16, 20, 24],
  );
  assert.equal(delayMs(plain, 2, 0.5), 160);
  assert.equal(delayMs(plain, 3, 0.5), undefined, "more attempts than there may be");
  assert.equal(delayMs(failed("UNAVAILABLE", { retryAfterMs: 60_000 }), 1, 0), 60_000);
  assert.equal(delayMs(failed("UNAVAILABLE", {}, { never: true }), 1, 0), undefined);
});

test("the budget stops retries while more than a few per cent fail", () => {
  const budget = Budget.ofRetries();
  const allowed = Array.from({ length: 100 }, () => budget.failed()).filter(Boolean).length;
  assert.equal(allowed, 24, "from a full bucket");
  for (let calls = 0; calls < 249; calls++) {
    budget.succeeded();
  }
  assert.equal(budget.failed(), false, "below half of the tokens");
  for (let calls = 0; calls < 1000; calls++) {
    budget.succeeded();
  }
  assert.equal(budget.full, true);
});

test("hedges are a tenth of the calls", () => {
  const budget = Budget.ofHedges();
  let hedges = 0;
  for (let calls = 0; calls < 1000; calls++) {
    hedges += budget.take() ? 1 : 0;
    budget.succeeded();
  }
  assert.ok(hedges >= 100 && hedges <= 111, `${hedges} hedges for 1,000 calls`);
});

test("a hedge: the first good answer counts, and the other attempt is ended", async () => {
  const ended: boolean[] = [];
  let started = 0;
  const answer = await hedged(
    (signal) => {
      started += 1;
      if (started === 2) {
        return Promise.resolve("second");
      }
      return new Promise<string>((_, reject) => {
        signal.addEventListener("abort", () => {
          ended.push(true);
          reject(new Error("ended"));
        });
      });
    },
    1,
    () => true,
    definite,
  );
  assert.deepEqual([answer, started, ended], ["second", 2, [true]]);
});

test("a hedge: the last failure is told, and none is made without a token", async () => {
  const failing = (): Promise<string> => Promise.reject(new Error("no"));
  await assert.rejects(
    hedged(
      failing,
      60_000,
      () => true,
      () => false,
    ),
    /no/,
  );
  const late = async (): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return "first";
  };
  let asked = 0;
  const mayStart = (): boolean => {
    asked += 1;
    return false;
  };
  const answer = await hedged(late, 1, mayStart, definite);
  assert.deepEqual([answer, asked], ["first", 1]);
});

test("a hedge: a definite refusal ends it, and the failure of one server does not", async () => {
  for (const [code, first, wanted] of [
    ["INVALID_ARGUMENT", true, "INVALID_ARGUMENT"],
    ["INVALID_ARGUMENT", false, "INVALID_ARGUMENT"],
    ["INTERNAL", true, "good"],
    ["INTERNAL", false, "good"],
  ] as const) {
    const refuse: (() => void)[] = [];
    let started = 0;
    const start = (signal: AbortSignal): Promise<string> => {
      started += 1;
      const refused = (started === 1) === first;
      const attempt = new Promise<string>((resolve, reject) => {
        const answer = code === "INTERNAL" ? "good" : undefined; // the other one hangs
        refuse.push(() => {
          if (refused) {
            reject(failed(code).error);
          } else if (answer !== undefined) {
            setImmediate(resolve, answer);
          }
        });
        signal.addEventListener("abort", () => {
          reject(new Error("ended"));
        });
      });
      if (started === 2) {
        for (const end of refuse) {
          end();
        }
      }
      return attempt;
    };
    const end = hedged(start, 1, () => true, definite).catch(
      (problem: unknown) => (problem as StubtailError).code,
    );
    assert.equal(await end, wanted, `${code}, first ${String(first)}`);
  }
});
