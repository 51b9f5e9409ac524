"""One `decide` call: arguments to a request, and the reply to a Decision; no I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from stubtail.v1 import decision_pb2, scoring_pb2
from stubtail_client.columns import Column, NumberColumn, StringColumn, column_of, is_missing
from stubtail_client.decisions import Decision, Doubles, Option, Outcomes, Violation
from stubtail_client.detail_replies import decode_warnings
from stubtail_client.errors import InvalidArgument, invalid_rows, malformed_reply
from stubtail_client.options import Priority, checked_model, priority_number
from stubtail_client.wishes import (
    AxisInput,
    Bounds,
    CandidatesInput,
    Constraint,
    GridInput,
    Limit,
    MaxChange,
    ObjectiveInput,
    Profit,
    Range,
    Revenue,
    ValueAtRisk,
)

DECIDE = "DecisionService.Decide"
_NAMED: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (Revenue, "revenue", ("price", "outcome")),
    (Profit, "profit", ("price", "cost", "outcome")),
    (ValueAtRisk, "value_at_risk", ("value", "cost", "outcome")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a caller asks; `Client.decide` describes each."""

    model: str
    context: Mapping[str, Any]
    grid: GridInput | None = None
    candidates: CandidatesInput | None = None
    maximise: ObjectiveInput | None = None
    minimise: ObjectiveInput | None = None
    constraints: Sequence[Constraint] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    coverage: float | None = None
    top: int = 10
    curve: bool = False
    explain_excluded: bool = False
    allow_outside_range: bool = False
    priority: Priority | None = None

    def encode(self) -> bytes:
        """A DecideRequest.

        Raises:
            InvalidArgument: an argument cannot be sent.
        """
        with _sendable("decide"):
            request = decision_pb2.DecideRequest(
                model=checked_model(self.model),
                priority=priority_number(self.priority),
                coverage=self.coverage or 0.0,
                curve=self.curve,
                explain_excluded=self.explain_excluded,
                allow_outside_range=self.allow_outside_range,
            )
        if not isinstance(self.top, int) or not 1 <= self.top <= 10_000:
            raise invalid_rows("top", f"is 1 to 10,000, not {self.top!r}")
        request.top = self.top
        _add_values(request.context, self.context, "context")
        _add_values(request.parameters, self.parameters, "parameters")
        if (self.grid is None) == (self.candidates is None):
            raise invalid_rows("candidates", "give either `grid` or `candidates`")
        if self.grid is not None:
            _add_grid(request.grid, self.grid)
        else:
            request.list.SetInParent()
            request.list.columns.extend(_columns(self.candidates or ()))
        with _sendable("objective"):
            _set_objective(request.objective, self.maximise, self.minimise)
        with _sendable("constraints"):
            for constraint in self.constraints:
                _set_constraint(request.constraints.add(), constraint)
        return request.SerializeToString()


@contextmanager
def _sendable(what: str) -> Iterator[None]:
    """Turns what Protobuf says of a value that it cannot hold into a refusal of the argument."""
    try:
        yield
    except InvalidArgument:
        raise
    except UnicodeEncodeError:
        raise invalid_rows(what, "a string is not valid Unicode") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid_rows(what, f"cannot be sent: {error}") from None


def _add_grid(grid: decision_pb2.CandidateGrid, axes: GridInput) -> None:
    if not isinstance(axes, Mapping):
        raise invalid_rows("grid", f"expected a dict of values, not {type(axes).__name__}")
    grid.SetInParent()
    for name, values in axes.items():
        with _sendable(f"grid[{name!s:.64}]"):
            _add_axis(grid.axes.add(name=name), name, values)


def _columns(candidates: CandidatesInput) -> list[scoring_pb2.Column]:
    names: dict[str, None] = {}
    for index, candidate in enumerate(candidates):
        if not isinstance(candidate, Mapping):
            kind = type(candidate).__name__
            raise invalid_rows(f"candidates[{index}]", f"expected a dict of changes, not {kind}")
        names.update(dict.fromkeys(candidate))
    made = (column_of(name, [one.get(name) for one in candidates]) for name in names)
    with _sendable("candidates"):
        return [_column(column) for column in made if column is not None]


def _column(column: Column) -> scoring_pb2.Column:
    if isinstance(column, StringColumn):
        return scoring_pb2.Column(name=column.name, strings=column.values)
    assert isinstance(column, NumberColumn)
    return scoring_pb2.Column(name=column.name, numbers=column.values.tolist())


def _add_values(target: Any, values: Mapping[str, Any], what: str) -> None:
    """Fills a map of names to values; a missing value is left out."""
    if not isinstance(values, Mapping):
        raise invalid_rows(what, f"expected a dict, not {type(values).__name__}")
    for name, value in values.items():
        if is_missing(value):
            continue
        column = column_of(name, [value])
        with _sendable(what):
            if isinstance(column, StringColumn):
                target[name].text = column.values[0]
            elif isinstance(column, NumberColumn):
                target[name].number = float(column.values[0])


def _add_axis(axis: decision_pb2.Axis, name: str, values: AxisInput) -> None:
    if isinstance(values, Range):
        try:
            axis.range.CopyFrom(decision_pb2.Range(**_fields(values, "first", "last", "steps")))
        except (TypeError, ValueError):
            raise invalid_rows(f"grid[{name}]", f"{values!r} is not a range of numbers") from None
        return
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable) or _is_scalar(values):
        raise invalid_rows(f"grid[{name}]", f"expected a list of values, not {values!r}")
    column = column_of(name, list(values))
    if isinstance(column, StringColumn):
        axis.texts.values.extend(column.values)
    elif isinstance(column, NumberColumn) and len(column.values):
        axis.numbers.values.extend(column.values.tolist())
    else:
        raise invalid_rows(f"grid[{name}]", "has no values")


def _is_scalar(values: Any) -> bool:
    """Whether it is an array of no dimension, which claims to be iterable."""
    return isinstance(values, np.ndarray) and not values.ndim


def _set_objective(
    message: decision_pb2.Objective,
    maximise: ObjectiveInput | None,
    minimise: ObjectiveInput | None,
) -> None:
    if (maximise is None) == (minimise is None):
        raise invalid_rows("objective", "give either `maximise` or `minimise`")
    wanted = maximise if maximise is not None else minimise
    message.direction = (
        decision_pb2.DIRECTION_MAXIMISE if maximise is not None else decision_pb2.DIRECTION_MINIMISE
    )
    if isinstance(wanted, str):
        message.expression = wanted
        return
    for kind, name, names in _NAMED:
        if isinstance(wanted, kind):
            for part in names:
                setattr(getattr(message, name), part, getattr(wanted, part))
            message.pessimistic = bool(getattr(wanted, "pessimistic", False))
            return
    raise invalid_rows(
        "objective", f"expected an expression, Revenue, Profit or ValueAtRisk, not {wanted!r}"
    )


def _set_constraint(message: decision_pb2.Constraint, constraint: Constraint) -> None:
    if isinstance(constraint, Bounds):
        fields = _fields(constraint, "minimum", "maximum")
        message.bounds.CopyFrom(decision_pb2.Bounds(name=constraint.of, **fields))
    elif isinstance(constraint, MaxChange):
        fields = _fields(constraint, "relative", "absolute")
        if len(fields) != 1:
            raise invalid_rows("constraints", f"give relative or absolute: {constraint!r}")
        message.max_change.CopyFrom(decision_pb2.MaxChange(name=constraint.of, **fields))
    elif isinstance(constraint, Limit):
        fields = _fields(constraint, "at_least", "at_most")
        message.limit.CopyFrom(decision_pb2.Limit(expression=constraint.expression, **fields))
    else:
        expected = f"expected Bounds, MaxChange or Limit, not {constraint!r}"
        raise invalid_rows("constraints", expected)
    message.name = constraint.name


def _fields(wish: Any, *names: str) -> dict[str, Any]:
    """Those of the attributes that are set."""
    return {name: getattr(wish, name) for name in names if getattr(wish, name) is not None}


def decode_decision(reply: bytes) -> Decision:
    """The answer.

    Raises:
        Internal: the bytes are no DecideResponse, or their columns do not have one length.
    """
    try:
        message = decision_pb2.DecideResponse.FromString(reply)
        return _decision(message)
    except (DecodeError, ValueError, IndexError):
        raise malformed_reply(DECIDE) from None


def _decision(message: decision_pb2.DecideResponse) -> Decision:
    names = tuple(message.constraints)
    reasons = [exclusion.reason for exclusion in message.exclusions]
    excluded = None
    if message.HasField("excluded"):
        pairs = zip(message.excluded.positions, message.excluded.exclusions, strict=True)
        excluded = {position: reasons[reason] for position, reason in pairs}
    return Decision(
        model=message.model,
        version=message.version,
        feasible=message.feasible,
        candidate_count=message.candidate_count,
        feasible_count=message.feasible_count,
        ranked=_outcomes(message.ranked, names),
        baseline=_option(message.baseline, names),
        nearest=_option(message.nearest, names) if message.HasField("nearest") else None,
        violations=tuple(
            Violation(one.constraint, one.slack, one.reason) for one in message.violations
        ),
        curve=_outcomes(message.curve, names) if message.HasField("curve") else None,
        exclusions={one.reason: one.count for one in message.exclusions},
        excluded=excluded,
        constraints=names,
        warnings=decode_warnings(message.warnings),
    )


def _option(message: decision_pb2.Outcomes, names: Sequence[str]) -> Option:
    return _outcomes(message, names)[0]


def _outcomes(message: decision_pb2.Outcomes, names: Sequence[str]) -> Outcomes:
    predicted = _doubles(message.predicted)
    count = len(predicted)
    feasible = np.array(message.feasible, np.bool_) if message.feasible else np.ones(count, bool)
    slacks = [_doubles(slack.values) for slack in message.slacks]
    made = Outcomes(
        positions=np.array(message.positions, np.uint32),
        changes={
            column.name: list(column.strings) or _doubles(column.numbers)
            for column in message.changes
        },
        predicted=predicted,
        lower=_doubles(message.lower) if message.lower else None,
        upper=_doubles(message.upper) if message.upper else None,
        objective=_doubles(message.objective),
        slacks=dict(zip(names, slacks, strict=bool(count))),
        outputs={column.name: _doubles(column.numbers) for column in message.outputs},
        feasible=feasible,
    )
    columns = [made.objective, made.feasible, *made.slacks.values(), *made.outputs.values()]
    columns += [bound for bound in (made.lower, made.upper) if bound is not None]
    lengths = {len(column) for column in (*columns, *made.changes.values())}
    if not lengths <= {count} or len(made.positions) not in (0, count):
        raise ValueError("columns of different lengths")
    return made


def _doubles(values: Sequence[float]) -> Doubles:
    return np.array(values[:], np.float64)
