/** All that can be asked, against the server of `make test-clients`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  StubtailError,
  assistant,
  atLeast,
  atMost,
  between,
  maxChange,
  system,
  user,
} from "../src/index.js";
import { SKIP, connected } from "./server.js";

const SAID = "Grüße aus 東京 🦀.";

function near(one: number | undefined, other: number): void {
  assert.ok(one !== undefined && Math.abs(one - other) < 1e-5, `${one} is not ${other}`);
}

/** What the model `risk` answers: see clients/conformance/models.py. */
function risk(amount: number, plus: number): number {
  return 1 / (1 + Math.exp(-(0.4 * amount - 0.5 + 1.5 * plus)));
}

test("score in every form", SKIP, async () => {
  using client = connected({ connections: 2 });
  const forms = [
    Float32Array.of(1, 0, 3, 1),
    { amount: Float64Array.of(1, 3), plan: ["basic", "plus"] },
    [
      { amount: 1, plan: "basic" },
      { amount: 3, plan: "plus" },
    ],
  ];
  for (const rows of forms) {
    const scores = await client.score("risk", rows, { coverage: 0.9, reasons: 1 });
    assert.ok(scores.scores instanceof Float32Array);
    near(scores.scores[0], risk(1, 0));
    near(scores.scores[1], risk(3, 1));
    assert.deepEqual([scores.label(0), scores.label(1)], ["stay", "leave"]);
    assert.deepEqual([scores.level(0), scores.model, scores.version], ["low", "risk", "1"]);
    assert.equal(scores.lower.length, 2);
    const [reason, ...others] = scores.reasons(1);
    assert.equal(reason?.feature, "plan");
    assert.ok(reason.contribution > 0 && others.length === 0);
  }
  const one = await client.score("risk@1", { amount: 1, plan: "basic" });
  near(one.scores[0], risk(1, 0));
  assert.deepEqual([one.reasons(0), one.lower.length], [[], 0]);
  const several = await client.scoreModels(["risk", "shop"], Float32Array.of(1, 0));
  near(several.get("shop")?.scores[0], 8);
  assert.equal(several.get("risk")?.label(0), "stay");
});

test("score of what is wrong", SKIP, async () => {
  using client = connected();
  await assert.rejects(client.score("risk", { amonut: 1, plan: "basic" }), (error) => {
    assert.ok(error instanceof StubtailError);
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.equal(error.violations[0]?.field, "named.columns[amonut]");
    return true;
  });
  await assert.rejects(client.score("nothing", Float32Array.of(1)), {
    reason: "MODEL_NOT_FOUND",
    resource: "nothing",
  });
});

test("decide", SKIP, async () => {
  using client = connected();
  const context = { price: 2, plan: "basic" };
  const asked = {
    model: "shop",
    context,
    parameters: { cost: 1 },
    grid: { price: { first: 1, last: 5, steps: 5 }, plan: ["basic", "plus"] },
    maximise: "score * (price - cost)",
  };
  const constraints = [atLeast("score", 4), between("price", 1, 9)];
  const { best, baseline } = await client.decide({ ...asked, constraints });
  assert.deepEqual(best?.values, { price: 4, plan: "plus" });
  near(best.predicted, 5);
  near(best.objective, 15);
  near(baseline?.predicted, 6);
  const impossible = [atLeast("score", 100), maxChange("price", 0.5), atMost("price", 9)];
  const none = await client.decide({ ...asked, constraints: impossible });
  assert.deepEqual([none.feasible, none.best, none.ranked], [false, undefined, []]);
  assert.ok(none.nearest !== undefined);
  const listed = await client.decide({
    model: "shop",
    context,
    candidates: { price: [1, 3] },
    minimise: "score",
  });
  assert.equal(listed.best?.values["price"], 3);
  const numbers = { model: "shop", context, grid: { price: [1, 2] }, minimise: "score" };
  assert.equal((await client.decide(numbers)).best?.values["price"], 2);
  await assert.rejects(client.decide({ model: "shop", context }), { code: "INVALID_ARGUMENT" });
});

test("forecast", SKIP, async () => {
  using client = connected();
  const start = new Date("2026-01-05T00:00:00Z");
  const values = [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4];
  const times = values.map((_, hour) => new Date(start.getTime() + hour * 3_600_000));
  const [first, second] = await client.forecast({
    model: "seasonal-naive",
    horizon: 4,
    levels: [0.1, 0.9],
    frequency: "h",
    seasons: [4],
    series: [
      { id: "a", values, start },
      { id: "b", values: Float64Array.from(values), times },
    ],
  });
  assert.ok(first !== undefined && second !== undefined);
  for (const [step, value] of [1, 2, 3, 4].entries()) {
    near(second.points[step], value);
    near(first.quantile(0.9)?.[step], value);
  }
  assert.deepEqual(second.times?.[0], new Date("2026-01-05T16:00:00Z"));
  assert.deepEqual([first.id, second.id, first.quantile(0.5)], ["a", "b", undefined]);
});

test("detect and watch", SKIP, async () => {
  using client = connected();
  const values = Float64Array.from({ length: 64 }, (_, index) => 10 + (index % 3));
  values[50] = 1000;
  const found = await client.detectSeries([{ name: "load", seasonLength: 1, values }], {
    falseAlarmRate: 0.001,
    priority: "low",
  });
  assert.equal(found.series[0]?.anomalies[0]?.peak, 50);
  await assert.rejects(client.detectRows("nothing", Float32Array.of(1), { top: 2 }), {
    code: "NOT_FOUND",
  });

  const watcher = client.watch({ watch: { warmUp: 8 }, timeoutMs: 60_000 });
  await watcher.send(["k"], [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 50], 7n);
  const verdicts = await watcher.next();
  assert.deepEqual([verdicts?.sequence, verdicts?.alarms.map((one) => one.index)], [7n, [10]]);
  const state = await watcher.export();
  assert.equal(state.length, 1);
  watcher.end();
  assert.equal(await watcher.next(), undefined);

  const again = client.watch({ watch: { warmUp: 8 }, state, timeoutMs: 60_000 });
  await again.send(["k"], Float64Array.of(60));
  for await (const one of again) {
    assert.equal(one.alarms.length, 1, "what was learned goes on");
    break;
  }
  const wrong = client.watch({ watch: { warmUp: 8 }, timeoutMs: 60_000 });
  await wrong.send(["k"], [Number.POSITIVE_INFINITY]);
  await assert.rejects(wrong.next(), { code: "INVALID_ARGUMENT" });
});

test("language models", SKIP, async () => {
  using client = connected();
  const conversation = [system("Be brief."), user("Hi"), assistant("Yes?"), user("Go on")];
  const answer = await client.chat("fast", conversation, { sampling: { maxTokens: 100 } });
  assert.deepEqual([answer.text, answer.end?.usage?.costNanoUsd], [SAID, 15_000n]);
  const stream = client.chatStream("fast", "Hi");
  let text = "";
  for await (const piece of stream) {
    text += piece;
  }
  assert.deepEqual([text, stream.text, stream.start?.provider], [SAID, SAID, "said"]);
  assert.ok(stream.end !== undefined);
  const broken = client.chatStream("said/breaking", "Hi");
  await assert.rejects(
    async () => {
      for await (const { event } of broken.events()) {
        assert.notEqual(event.case, undefined);
      }
    },
    { reason: "ANSWER_INTERRUPTED" },
  );
  assert.equal(broken.text, "Grüße aus ");
  const vectors = await client.embed("fast", ["ab", "жжж"]);
  assert.deepEqual([vectors.length, vectors[1]?.[0]], [2, 3]);
  assert.ok(vectors[0] instanceof Float32Array);
  assert.equal((await client.languageModels()).models.length, 3);
});

test("models and health", SKIP, async () => {
  using client = connected();
  assert.ok((await client.models()).length >= 6);
  assert.equal((await client.model("risk")).features[1]?.name, "plan");
  assert.equal(await client.serving(), true);
  assert.equal(await client.serving("off"), false);
  await assert.rejects(client.serving("nobody"), { code: "NOT_FOUND" });
});
