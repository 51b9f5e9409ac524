"""The types of stubtail/v1/decision.proto. Written by proto/generate.py; do not edit."""

from stubtail.v1 import common_pb2 as _common_pb2
from stubtail.v1 import scoring_pb2 as _scoring_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    DIRECTION_MAXIMISE: _ClassVar[Direction]
    DIRECTION_MINIMISE: _ClassVar[Direction]
DIRECTION_UNSPECIFIED: Direction
DIRECTION_MAXIMISE: Direction
DIRECTION_MINIMISE: Direction

class DecideRequest(_message.Message):
    __slots__ = ("model", "priority", "context", "parameters", "list", "grid", "objective", "constraints", "coverage", "top", "curve", "explain_excluded", "allow_outside_range")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping[str, object]]] = ...) -> None: ...
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping[str, object]]] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    CURVE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    ALLOW_OUTSIDE_RANGE_FIELD_NUMBER: _ClassVar[int]
    model: str
    priority: _common_pb2.Priority
    context: _containers.MessageMap[str, Value]
    parameters: _containers.MessageMap[str, Value]
    list: CandidateList
    grid: CandidateGrid
    objective: Objective
    constraints: _containers.RepeatedCompositeFieldContainer[Constraint]
    coverage: float
    top: int
    curve: bool
    explain_excluded: bool
    allow_outside_range: bool
    def __init__(self, model: _Optional[str] = ..., priority: _Optional[_Union[_common_pb2.Priority, str]] = ..., context: _Optional[_Mapping[str, Value]] = ..., parameters: _Optional[_Mapping[str, Value]] = ..., list: _Optional[_Union[CandidateList, _Mapping[str, object]]] = ..., grid: _Optional[_Union[CandidateGrid, _Mapping[str, object]]] = ..., objective: _Optional[_Union[Objective, _Mapping[str, object]]] = ..., constraints: _Optional[_Iterable[_Union[Constraint, _Mapping[str, object]]]] = ..., coverage: _Optional[float] = ..., top: _Optional[int] = ..., curve: _Optional[bool] = ..., explain_excluded: _Optional[bool] = ..., allow_outside_range: _Optional[bool] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("number", "text")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    number: float
    text: str
    def __init__(self, number: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...

class CandidateList(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[_scoring_pb2.Column]
    def __init__(self, columns: _Optional[_Iterable[_Union[_scoring_pb2.Column, _Mapping[str, object]]]] = ...) -> None: ...

class CandidateGrid(_message.Message):
    __slots__ = ("axes",)
    AXES_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedCompositeFieldContainer[Axis]
    def __init__(self, axes: _Optional[_Iterable[_Union[Axis, _Mapping[str, object]]]] = ...) -> None: ...

class Axis(_message.Message):
    __slots__ = ("name", "range", "numbers", "texts")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    range: Range
    numbers: Numbers
    texts: Texts
    def __init__(self, name: _Optional[str] = ..., range: _Optional[_Union[Range, _Mapping[str, object]]] = ..., numbers: _Optional[_Union[Numbers, _Mapping[str, object]]] = ..., texts: _Optional[_Union[Texts, _Mapping[str, object]]] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("first", "last", "steps")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    first: float
    last: float
    steps: int
    def __init__(self, first: _Optional[float] = ..., last: _Optional[float] = ..., steps: _Optional[int] = ...) -> None: ...

class Numbers(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class Texts(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class Objective(_message.Message):
    __slots__ = ("direction", "expression", "revenue", "profit", "value_at_risk", "pessimistic")
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    REVENUE_FIELD_NUMBER: _ClassVar[int]
    PROFIT_FIELD_NUMBER: _ClassVar[int]
    VALUE_AT_RISK_FIELD_NUMBER: _ClassVar[int]
    PESSIMISTIC_FIELD_NUMBER: _ClassVar[int]
    direction: Direction
    expression: str
    revenue: Revenue
    profit: Profit
    value_at_risk: ValueAtRisk
    pessimistic: bool
    def __init__(self, direction: _Optional[_Union[Direction, str]] = ..., expression: _Optional[str] = ..., revenue: _Optional[_Union[Revenue, _Mapping[str, object]]] = ..., profit: _Optional[_Union[Profit, _Mapping[str, object]]] = ..., value_at_risk: _Optional[_Union[ValueAtRisk, _Mapping[str, object]]] = ..., pessimistic: _Optional[bool] = ...) -> None: ...

class Revenue(_message.Message):
    __slots__ = ("price", "outcome")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    price: str
    outcome: str
    def __init__(self, price: _Optional[str] = ..., outcome: _Optional[str] = ...) -> None: ...

class Profit(_message.Message):
    __slots__ = ("price", "cost", "outcome")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    price: str
    cost: str
    outcome: str
    def __init__(self, price: _Optional[str] = ..., cost: _Optional[str] = ..., outcome: _Optional[str] = ...) -> None: ...

class ValueAtRisk(_message.Message):
    __slots__ = ("value", "cost", "outcome")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    value: str
    cost: str
    outcome: str
    def __init__(self, value: _Optional[str] = ..., cost: _Optional[str] = ..., outcome: _Optional[str] = ...) -> None: ...

class Constraint(_message.Message):
    __slots__ = ("name", "bounds", "max_change", "limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    MAX_CHANGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    bounds: Bounds
    max_change: MaxChange
    limit: Limit
    def __init__(self, name: _Optional[str] = ..., bounds: _Optional[_Union[Bounds, _Mapping[str, object]]] = ..., max_change: _Optional[_Union[MaxChange, _Mapping[str, object]]] = ..., limit: _Optional[_Union[Limit, _Mapping[str, object]]] = ...) -> None: ...

class Bounds(_message.Message):
    __slots__ = ("name", "minimum", "maximum")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    name: str
    minimum: float
    maximum: float
    def __init__(self, name: _Optional[str] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ...) -> None: ...

class MaxChange(_message.Message):
    __slots__ = ("name", "absolute", "relative")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ABSOLUTE_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    absolute: float
    relative: float
    def __init__(self, name: _Optional[str] = ..., absolute: _Optional[float] = ..., relative: _Optional[float] = ...) -> None: ...

class Limit(_message.Message):
    __slots__ = ("expression", "at_least", "at_most")
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    expression: str
    at_least: float
    at_most: float
    def __init__(self, expression: _Optional[str] = ..., at_least: _Optional[float] = ..., at_most: _Optional[float] = ...) -> None: ...

class DecideResponse(_message.Message):
    __slots__ = ("model", "version", "feasible", "candidate_count", "feasible_count", "ranked", "baseline", "nearest", "violations", "curve", "exclusions", "excluded", "constraints", "warnings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEASIBLE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FEASIBLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RANKED_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    CURVE_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIONS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: str
    feasible: bool
    candidate_count: int
    feasible_count: int
    ranked: Outcomes
    baseline: Outcomes
    nearest: Outcomes
    violations: _containers.RepeatedCompositeFieldContainer[Violation]
    curve: Outcomes
    exclusions: _containers.RepeatedCompositeFieldContainer[Exclusion]
    excluded: ExcludedCandidates
    constraints: _containers.RepeatedScalarFieldContainer[str]
    warnings: _containers.RepeatedCompositeFieldContainer[_scoring_pb2.ScoreWarning]
    def __init__(self, model: _Optional[str] = ..., version: _Optional[str] = ..., feasible: _Optional[bool] = ..., candidate_count: _Optional[int] = ..., feasible_count: _Optional[int] = ..., ranked: _Optional[_Union[Outcomes, _Mapping[str, object]]] = ..., baseline: _Optional[_Union[Outcomes, _Mapping[str, object]]] = ..., nearest: _Optional[_Union[Outcomes, _Mapping[str, object]]] = ..., violations: _Optional[_Iterable[_Union[Violation, _Mapping[str, object]]]] = ..., curve: _Optional[_Union[Outcomes, _Mapping[str, object]]] = ..., exclusions: _Optional[_Iterable[_Union[Exclusion, _Mapping[str, object]]]] = ..., excluded: _Optional[_Union[ExcludedCandidates, _Mapping[str, object]]] = ..., constraints: _Optional[_Iterable[str]] = ..., warnings: _Optional[_Iterable[_Union[_scoring_pb2.ScoreWarning, _Mapping[str, object]]]] = ...) -> None: ...

class Outcomes(_message.Message):
    __slots__ = ("positions", "changes", "predicted", "lower", "upper", "objective", "slacks", "outputs", "feasible")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    SLACKS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    FEASIBLE_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    changes: _containers.RepeatedCompositeFieldContainer[_scoring_pb2.Column]
    predicted: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    objective: _containers.RepeatedScalarFieldContainer[float]
    slacks: _containers.RepeatedCompositeFieldContainer[Slack]
    outputs: _containers.RepeatedCompositeFieldContainer[_scoring_pb2.Column]
    feasible: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, positions: _Optional[_Iterable[int]] = ..., changes: _Optional[_Iterable[_Union[_scoring_pb2.Column, _Mapping[str, object]]]] = ..., predicted: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ..., objective: _Optional[_Iterable[float]] = ..., slacks: _Optional[_Iterable[_Union[Slack, _Mapping[str, object]]]] = ..., outputs: _Optional[_Iterable[_Union[_scoring_pb2.Column, _Mapping[str, object]]]] = ..., feasible: _Optional[_Iterable[bool]] = ...) -> None: ...

class Slack(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class Violation(_message.Message):
    __slots__ = ("constraint", "slack", "reason")
    CONSTRAINT_FIELD_NUMBER: _ClassVar[int]
    SLACK_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    constraint: str
    slack: float
    reason: str
    def __init__(self, constraint: _Optional[str] = ..., slack: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...

class Exclusion(_message.Message):
    __slots__ = ("reason", "count")
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    count: int
    def __init__(self, reason: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ExcludedCandidates(_message.Message):
    __slots__ = ("positions", "exclusions")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    exclusions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, positions: _Optional[_Iterable[int]] = ..., exclusions: _Optional[_Iterable[int]] = ...) -> None: ...
