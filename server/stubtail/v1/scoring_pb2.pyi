"""The types of stubtail/v1/scoring.proto. Written by proto/generate.py; do not edit."""

from stubtail.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Link(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_UNSPECIFIED: _ClassVar[Link]
    LINK_IDENTITY: _ClassVar[Link]
    LINK_LOGIT: _ClassVar[Link]

class WarningKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WARNING_KIND_UNSPECIFIED: _ClassVar[WarningKind]
    WARNING_KIND_MISSING_DEFAULTED: _ClassVar[WarningKind]
    WARNING_KIND_UNKNOWN_DEFAULTED: _ClassVar[WarningKind]
    WARNING_KIND_CLIPPED: _ClassVar[WarningKind]
LINK_UNSPECIFIED: Link
LINK_IDENTITY: Link
LINK_LOGIT: Link
WARNING_KIND_UNSPECIFIED: WarningKind
WARNING_KIND_MISSING_DEFAULTED: WarningKind
WARNING_KIND_UNKNOWN_DEFAULTED: WarningKind
WARNING_KIND_CLIPPED: WarningKind

class ScoreRequest(_message.Message):
    __slots__ = ("model", "priority", "models", "coverage", "explain", "named", "dense")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    NAMED_FIELD_NUMBER: _ClassVar[int]
    DENSE_FIELD_NUMBER: _ClassVar[int]
    model: str
    priority: _common_pb2.Priority
    models: _containers.RepeatedScalarFieldContainer[str]
    coverage: float
    explain: Explain
    named: NamedRows
    dense: DenseRows
    def __init__(self, model: _Optional[str] = ..., priority: _Optional[_Union[_common_pb2.Priority, str]] = ..., models: _Optional[_Iterable[str]] = ..., coverage: _Optional[float] = ..., explain: _Optional[_Union[Explain, _Mapping[str, object]]] = ..., named: _Optional[_Union[NamedRows, _Mapping[str, object]]] = ..., dense: _Optional[_Union[DenseRows, _Mapping[str, object]]] = ...) -> None: ...

class Explain(_message.Message):
    __slots__ = ("top",)
    TOP_FIELD_NUMBER: _ClassVar[int]
    top: int
    def __init__(self, top: _Optional[int] = ...) -> None: ...

class NamedRows(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, columns: _Optional[_Iterable[_Union[Column, _Mapping[str, object]]]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "numbers", "strings")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    STRINGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    numbers: _containers.RepeatedScalarFieldContainer[float]
    strings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., numbers: _Optional[_Iterable[float]] = ..., strings: _Optional[_Iterable[str]] = ...) -> None: ...

class DenseRows(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("model", "version", "scores", "classes", "probabilities", "label_indexes", "lower", "upper", "levels", "level_indexes", "outputs", "explanation", "warnings", "results")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    LABEL_INDEXES_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_INDEXES_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: str
    scores: _containers.RepeatedScalarFieldContainer[float]
    classes: _containers.RepeatedScalarFieldContainer[str]
    probabilities: _containers.RepeatedScalarFieldContainer[float]
    label_indexes: _containers.RepeatedScalarFieldContainer[int]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    levels: _containers.RepeatedScalarFieldContainer[str]
    level_indexes: _containers.RepeatedScalarFieldContainer[int]
    outputs: _containers.RepeatedCompositeFieldContainer[ScoreOutput]
    explanation: Explanation
    warnings: _containers.RepeatedCompositeFieldContainer[ScoreWarning]
    results: _containers.RepeatedCompositeFieldContainer[ScoreResponse]
    def __init__(self, model: _Optional[str] = ..., version: _Optional[str] = ..., scores: _Optional[_Iterable[float]] = ..., classes: _Optional[_Iterable[str]] = ..., probabilities: _Optional[_Iterable[float]] = ..., label_indexes: _Optional[_Iterable[int]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ..., levels: _Optional[_Iterable[str]] = ..., level_indexes: _Optional[_Iterable[int]] = ..., outputs: _Optional[_Iterable[_Union[ScoreOutput, _Mapping[str, object]]]] = ..., explanation: _Optional[_Union[Explanation, _Mapping[str, object]]] = ..., warnings: _Optional[_Iterable[_Union[ScoreWarning, _Mapping[str, object]]]] = ..., results: _Optional[_Iterable[_Union[ScoreResponse, _Mapping[str, object]]]] = ...) -> None: ...

class ScoreOutput(_message.Message):
    __slots__ = ("name", "unit", "values", "lower", "upper", "levels", "level_indexes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_INDEXES_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: str
    values: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    levels: _containers.RepeatedScalarFieldContainer[str]
    level_indexes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ..., levels: _Optional[_Iterable[str]] = ..., level_indexes: _Optional[_Iterable[int]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("base_value", "names", "name_indexes", "contributions", "rest", "top", "link", "exact")
    BASE_VALUE_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    NAME_INDEXES_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    base_value: float
    names: _containers.RepeatedScalarFieldContainer[str]
    name_indexes: _containers.RepeatedScalarFieldContainer[int]
    contributions: _containers.RepeatedScalarFieldContainer[float]
    rest: _containers.RepeatedScalarFieldContainer[float]
    top: int
    link: Link
    exact: bool
    def __init__(self, base_value: _Optional[float] = ..., names: _Optional[_Iterable[str]] = ..., name_indexes: _Optional[_Iterable[int]] = ..., contributions: _Optional[_Iterable[float]] = ..., rest: _Optional[_Iterable[float]] = ..., top: _Optional[int] = ..., link: _Optional[_Union[Link, str]] = ..., exact: _Optional[bool] = ...) -> None: ...

class ScoreWarning(_message.Message):
    __slots__ = ("feature", "kind", "count", "rows")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    feature: str
    kind: WarningKind
    count: int
    rows: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, feature: _Optional[str] = ..., kind: _Optional[_Union[WarningKind, str]] = ..., count: _Optional[int] = ..., rows: _Optional[_Iterable[int]] = ...) -> None: ...
