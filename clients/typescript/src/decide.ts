/** Decisions: a row as it is, what could be changed in it, and what is wanted. */
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { invalid } from "./errors.js";
import {
  type AxisSchema,
  type ConstraintSchema,
  type DecideRequest,
  DecideRequestSchema,
  type DecideResponse,
  Direction,
  type ObjectiveSchema,
  type Outcomes,
} from "./gen/stubtail/v1/decision_pb.js";
import { type Columns, type Row, columnsOf, valuesOf } from "./rows.js";
import { type Priority, priorityOf } from "./score.js";

/** Numbers at equal distances, both ends included. */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly steps: number;
}

/** What must hold for a candidate; see `atMost`, `atLeast`, `between` and `maxChange`. */
export type Constraint = MessageInitShape<typeof ConstraintSchema>;

/** What is asked. clients/README.md tells of expressions. */
export interface Question {
  readonly model: string;
  readonly priority?: Priority;
  /** The row as it is. */
  readonly context: Row;
  /** Values that expressions use and the model does not. */
  readonly parameters?: Row;
  /** All combinations of these values: numbers, categories or a `Span`, by feature or parameter. */
  readonly grid?: Readonly<Record<string, Span | readonly number[] | readonly string[]>>;
  /** Candidates one by one instead. What is left out stays as it is in the context. */
  readonly candidates?: Columns | readonly Row[];
  /** An expression that should be large, or `minimise`, or any other `objective`. */
  readonly maximise?: string;
  readonly minimise?: string;
  readonly objective?: MessageInitShape<typeof ObjectiveSchema>;
  readonly constraints?: readonly Constraint[];
  /** Bounds of the outcome, such as 0.9. */
  readonly coverage?: number;
  /** How many of the best to return; 10 where it is not given. */
  readonly top?: number;
  /** Every candidate in the order of the question, in `reply.curve`. */
  readonly curve?: boolean;
  /** Why each excluded candidate was, in `reply.excluded`. */
  readonly explainExcluded?: boolean;
  /** Whether candidates may leave the range that the model saw in training. */
  readonly allowOutsideRange?: boolean;
}

/** One candidate and what is predicted for it. */
export interface Choice {
  /** Its position in the question, from 0; undefined for the context as it is. */
  readonly position: number | undefined;
  /** What it changes. */
  readonly values: Readonly<Record<string, number | string>>;
  /** The main output of the model, and with a coverage its bounds. */
  readonly predicted: number;
  readonly lower: number | undefined;
  readonly upper: number | undefined;
  /** What orders the candidates. */
  readonly objective: number;
}

/** The best candidates. That none keeps all constraints is an answer: then `ranked` is empty. */
export class Decision {
  /** The best first. */
  readonly ranked: readonly Choice[];
  /** The context as it is. */
  readonly baseline: Choice | undefined;
  /** Only where nothing is feasible: what violates least; `reply.violations` says what. */
  readonly nearest: Choice | undefined;

  constructor(readonly reply: DecideResponse) {
    this.ranked = choices(reply.ranked);
    this.baseline = choices(reply.baseline)[0];
    this.nearest = choices(reply.nearest)[0];
  }

  /** Whether any candidate keeps all constraints. */
  get feasible(): boolean {
    return this.reply.feasible;
  }

  /** The best candidate; undefined where none is feasible. */
  get best(): Choice | undefined {
    return this.ranked[0];
  }
}

/** Keeps an expression down. */
export function atMost(expression: string, most: number): Constraint {
  return { kind: { case: "limit", value: { expression, atMost: most } } };
}

/** Keeps an expression up. */
export function atLeast(expression: string, least: number): Constraint {
  return { kind: { case: "limit", value: { expression, atLeast: least } } };
}

/** Keeps a feature or parameter between two numbers. */
export function between(name: string, minimum: number, maximum: number): Constraint {
  return { kind: { case: "bounds", value: { name, minimum, maximum } } };
}

/** Keeps a feature or parameter within a share of its value in the context: 0.1 is 10 %. */
export function maxChange(name: string, share: number): Constraint {
  return {
    kind: { case: "maxChange", value: { name, change: { case: "relative", value: share } } },
  };
}

/**
 * The request of a question.
 *
 * @throws StubtailError with what cannot be sent
 */
export function decideRequest(question: Question): DecideRequest {
  return create(DecideRequestSchema, {
    model: question.model,
    priority: priorityOf(question.priority),
    context: valuesOf("context", question.context),
    parameters: valuesOf("parameters", question.parameters ?? {}),
    candidates:
      question.grid === undefined
        ? { case: "list", value: { columns: columnsOf(question.candidates ?? {}) } }
        : { case: "grid", value: { axes: Object.entries(question.grid).map(axis) } },
    objective: objective(question),
    constraints: [...(question.constraints ?? [])],
    coverage: question.coverage ?? 0,
    top: question.top ?? 0,
    curve: question.curve ?? false,
    explainExcluded: question.explainExcluded ?? false,
    allowOutsideRange: question.allowOutsideRange ?? false,
  });
}

function objective(question: Question): MessageInitShape<typeof ObjectiveSchema> {
  const { objective: whole, maximise, minimise } = question;
  if ([whole, maximise, minimise].filter((one) => one !== undefined).length !== 1) {
    throw invalid("objective", "expected one of maximise, minimise and objective");
  }
  if (whole !== undefined) {
    return whole;
  }
  const direction = maximise === undefined ? Direction.MINIMISE : Direction.MAXIMISE;
  return { direction, objective: { case: "expression", value: maximise ?? minimise ?? "" } };
}

function axis([name, values]: [string, Span | readonly number[] | readonly string[]]) {
  const whole: MessageInitShape<typeof AxisSchema> = { name };
  if ("steps" in values) {
    whole.values = { case: "range", value: values };
  } else if (typeof values[0] === "string") {
    whole.values = { case: "texts", value: { values: values.map(String) } };
  } else {
    whole.values = { case: "numbers", value: { values: values.map(Number) } };
  }
  return whole;
}

function choices(outcomes: Outcomes | undefined): Choice[] {
  if (outcomes === undefined) {
    return [];
  }
  return outcomes.predicted.map((predicted, index) => ({
    position: outcomes.positions[index],
    values: Object.fromEntries(
      outcomes.changes.map(({ name, numbers, strings }) => [
        name,
        numbers[index] ?? strings[index] ?? "",
      ]),
    ),
    predicted,
    lower: outcomes.lower[index],
    upper: outcomes.upper[index],
    objective: outcomes.objective[index] ?? Number.NaN,
  }));
}
