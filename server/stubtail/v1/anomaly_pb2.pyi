"""The types of stubtail/v1/anomaly.proto. Written by proto/generate.py; do not edit."""

from stubtail.v1 import common_pb2 as _common_pb2
from stubtail.v1 import scoring_pb2 as _scoring_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_LOW: _ClassVar[Severity]
    SEVERITY_MEDIUM: _ClassVar[Severity]
    SEVERITY_HIGH: _ClassVar[Severity]
    SEVERITY_CRITICAL: _ClassVar[Severity]

class AnomalyKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANOMALY_KIND_UNSPECIFIED: _ClassVar[AnomalyKind]
    ANOMALY_KIND_POINT: _ClassVar[AnomalyKind]
    ANOMALY_KIND_SPIKE: _ClassVar[AnomalyKind]
    ANOMALY_KIND_DIP: _ClassVar[AnomalyKind]
    ANOMALY_KIND_LEVEL_SHIFT: _ClassVar[AnomalyKind]
    ANOMALY_KIND_VARIANCE: _ClassVar[AnomalyKind]
    ANOMALY_KIND_FLAT_LINE: _ClassVar[AnomalyKind]
SEVERITY_UNSPECIFIED: Severity
SEVERITY_LOW: Severity
SEVERITY_MEDIUM: Severity
SEVERITY_HIGH: Severity
SEVERITY_CRITICAL: Severity
ANOMALY_KIND_UNSPECIFIED: AnomalyKind
ANOMALY_KIND_POINT: AnomalyKind
ANOMALY_KIND_SPIKE: AnomalyKind
ANOMALY_KIND_DIP: AnomalyKind
ANOMALY_KIND_LEVEL_SHIFT: AnomalyKind
ANOMALY_KIND_VARIANCE: AnomalyKind
ANOMALY_KIND_FLAT_LINE: AnomalyKind

class DetectRequest(_message.Message):
    __slots__ = ("model", "priority", "false_alarm_rate", "top_features", "series", "named", "dense")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    FALSE_ALARM_RATE_FIELD_NUMBER: _ClassVar[int]
    TOP_FEATURES_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    NAMED_FIELD_NUMBER: _ClassVar[int]
    DENSE_FIELD_NUMBER: _ClassVar[int]
    model: str
    priority: _common_pb2.Priority
    false_alarm_rate: float
    top_features: int
    series: DetectSeriesInput
    named: _scoring_pb2.NamedRows
    dense: _scoring_pb2.DenseRows
    def __init__(self, model: _Optional[str] = ..., priority: _Optional[_Union[_common_pb2.Priority, str]] = ..., false_alarm_rate: _Optional[float] = ..., top_features: _Optional[int] = ..., series: _Optional[_Union[DetectSeriesInput, _Mapping[str, object]]] = ..., named: _Optional[_Union[_scoring_pb2.NamedRows, _Mapping[str, object]]] = ..., dense: _Optional[_Union[_scoring_pb2.DenseRows, _Mapping[str, object]]] = ...) -> None: ...

class DetectSeriesInput(_message.Message):
    __slots__ = ("series", "from_index", "kinds", "bands", "group", "dependencies", "focus")
    SERIES_FIELD_NUMBER: _ClassVar[int]
    FROM_INDEX_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    BANDS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    FOCUS_FIELD_NUMBER: _ClassVar[int]
    series: _containers.RepeatedCompositeFieldContainer[DetectSeries]
    from_index: int
    kinds: _containers.RepeatedScalarFieldContainer[AnomalyKind]
    bands: bool
    group: bool
    dependencies: _containers.RepeatedCompositeFieldContainer[Dependency]
    focus: str
    def __init__(self, series: _Optional[_Iterable[_Union[DetectSeries, _Mapping[str, object]]]] = ..., from_index: _Optional[int] = ..., kinds: _Optional[_Iterable[_Union[AnomalyKind, str]]] = ..., bands: _Optional[bool] = ..., group: _Optional[bool] = ..., dependencies: _Optional[_Iterable[_Union[Dependency, _Mapping[str, object]]]] = ..., focus: _Optional[str] = ...) -> None: ...

class DetectSeries(_message.Message):
    __slots__ = ("name", "component", "season_length", "timestamps", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    SEASON_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    component: str
    season_length: int
    timestamps: _containers.RepeatedScalarFieldContainer[float]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., component: _Optional[str] = ..., season_length: _Optional[int] = ..., timestamps: _Optional[_Iterable[float]] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class Dependency(_message.Message):
    __slots__ = ("component", "depends_on")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    component: str
    depends_on: str
    def __init__(self, component: _Optional[str] = ..., depends_on: _Optional[str] = ...) -> None: ...

class DetectResponse(_message.Message):
    __slots__ = ("model", "version", "scores", "p_values", "severities", "flagged", "drivers", "series", "incidents", "warnings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    P_VALUES_FIELD_NUMBER: _ClassVar[int]
    SEVERITIES_FIELD_NUMBER: _ClassVar[int]
    FLAGGED_FIELD_NUMBER: _ClassVar[int]
    DRIVERS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: str
    scores: _containers.RepeatedScalarFieldContainer[float]
    p_values: _containers.RepeatedScalarFieldContainer[float]
    severities: _containers.RepeatedScalarFieldContainer[Severity]
    flagged: _containers.RepeatedScalarFieldContainer[bool]
    drivers: Drivers
    series: _containers.RepeatedCompositeFieldContainer[SeriesAnomalies]
    incidents: _containers.RepeatedCompositeFieldContainer[Incident]
    warnings: _containers.RepeatedCompositeFieldContainer[_scoring_pb2.ScoreWarning]
    def __init__(self, model: _Optional[str] = ..., version: _Optional[str] = ..., scores: _Optional[_Iterable[float]] = ..., p_values: _Optional[_Iterable[float]] = ..., severities: _Optional[_Iterable[_Union[Severity, str]]] = ..., flagged: _Optional[_Iterable[bool]] = ..., drivers: _Optional[_Union[Drivers, _Mapping[str, object]]] = ..., series: _Optional[_Iterable[_Union[SeriesAnomalies, _Mapping[str, object]]]] = ..., incidents: _Optional[_Iterable[_Union[Incident, _Mapping[str, object]]]] = ..., warnings: _Optional[_Iterable[_Union[_scoring_pb2.ScoreWarning, _Mapping[str, object]]]] = ...) -> None: ...

class Drivers(_message.Message):
    __slots__ = ("top", "names", "name_indexes", "contributions", "values", "lower", "upper")
    TOP_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    NAME_INDEXES_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    top: int
    names: _containers.RepeatedScalarFieldContainer[str]
    name_indexes: _containers.RepeatedScalarFieldContainer[int]
    contributions: _containers.RepeatedScalarFieldContainer[float]
    values: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, top: _Optional[int] = ..., names: _Optional[_Iterable[str]] = ..., name_indexes: _Optional[_Iterable[int]] = ..., contributions: _Optional[_Iterable[float]] = ..., values: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ...) -> None: ...

class SeriesAnomalies(_message.Message):
    __slots__ = ("name", "anomalies", "season_length", "expected", "lower", "upper", "left_out")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ANOMALIES_FIELD_NUMBER: _ClassVar[int]
    SEASON_LENGTH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    anomalies: _containers.RepeatedCompositeFieldContainer[Anomaly]
    season_length: int
    expected: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    left_out: int
    def __init__(self, name: _Optional[str] = ..., anomalies: _Optional[_Iterable[_Union[Anomaly, _Mapping[str, object]]]] = ..., season_length: _Optional[int] = ..., expected: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ..., left_out: _Optional[int] = ...) -> None: ...

class Anomaly(_message.Message):
    __slots__ = ("kind", "severity", "start", "end", "peak", "p_value", "value", "expected", "lower", "upper", "timestamp")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    PEAK_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    kind: AnomalyKind
    severity: Severity
    start: int
    end: int
    peak: int
    p_value: float
    value: float
    expected: float
    lower: float
    upper: float
    timestamp: float
    def __init__(self, kind: _Optional[_Union[AnomalyKind, str]] = ..., severity: _Optional[_Union[Severity, str]] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., peak: _Optional[int] = ..., p_value: _Optional[float] = ..., value: _Optional[float] = ..., expected: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., timestamp: _Optional[float] = ...) -> None: ...

class Incident(_message.Message):
    __slots__ = ("start", "end", "severity", "causes", "series_count")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    SERIES_COUNT_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    severity: Severity
    causes: _containers.RepeatedCompositeFieldContainer[Cause]
    series_count: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., severity: _Optional[_Union[Severity, str]] = ..., causes: _Optional[_Iterable[_Union[Cause, _Mapping[str, object]]]] = ..., series_count: _Optional[int] = ...) -> None: ...

class Cause(_message.Message):
    __slots__ = ("component", "weight", "start", "surprise", "series", "explained")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    SURPRISE_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    EXPLAINED_FIELD_NUMBER: _ClassVar[int]
    component: str
    weight: float
    start: int
    surprise: float
    series: _containers.RepeatedScalarFieldContainer[str]
    explained: float
    def __init__(self, component: _Optional[str] = ..., weight: _Optional[float] = ..., start: _Optional[int] = ..., surprise: _Optional[float] = ..., series: _Optional[_Iterable[str]] = ..., explained: _Optional[float] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("options", "state", "points", "export")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FIELD_NUMBER: _ClassVar[int]
    options: WatchOptions
    state: WatchState
    points: WatchPoints
    export: WatchExport
    def __init__(self, options: _Optional[_Union[WatchOptions, _Mapping[str, object]]] = ..., state: _Optional[_Union[WatchState, _Mapping[str, object]]] = ..., points: _Optional[_Union[WatchPoints, _Mapping[str, object]]] = ..., export: _Optional[_Union[WatchExport, _Mapping[str, object]]] = ...) -> None: ...

class WatchOptions(_message.Message):
    __slots__ = ("false_alarm_rate", "keys_max", "idle_seconds", "season_length", "warm_up", "bands")
    FALSE_ALARM_RATE_FIELD_NUMBER: _ClassVar[int]
    KEYS_MAX_FIELD_NUMBER: _ClassVar[int]
    IDLE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SEASON_LENGTH_FIELD_NUMBER: _ClassVar[int]
    WARM_UP_FIELD_NUMBER: _ClassVar[int]
    BANDS_FIELD_NUMBER: _ClassVar[int]
    false_alarm_rate: float
    keys_max: int
    idle_seconds: float
    season_length: int
    warm_up: int
    bands: bool
    def __init__(self, false_alarm_rate: _Optional[float] = ..., keys_max: _Optional[int] = ..., idle_seconds: _Optional[float] = ..., season_length: _Optional[int] = ..., warm_up: _Optional[int] = ..., bands: _Optional[bool] = ...) -> None: ...

class WatchPoints(_message.Message):
    __slots__ = ("keys", "values", "sequence")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    values: _containers.RepeatedScalarFieldContainer[float]
    sequence: int
    def __init__(self, keys: _Optional[_Iterable[str]] = ..., values: _Optional[_Iterable[float]] = ..., sequence: _Optional[int] = ...) -> None: ...

class WatchExport(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchState(_message.Message):
    __slots__ = ("format", "season_length", "keys", "numbers", "last")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SEASON_LENGTH_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    format: int
    season_length: int
    keys: _containers.RepeatedScalarFieldContainer[str]
    numbers: _containers.RepeatedScalarFieldContainer[float]
    last: bool
    def __init__(self, format: _Optional[int] = ..., season_length: _Optional[int] = ..., keys: _Optional[_Iterable[str]] = ..., numbers: _Optional[_Iterable[float]] = ..., last: _Optional[bool] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("verdicts", "state")
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    verdicts: WatchVerdicts
    state: WatchState
    def __init__(self, verdicts: _Optional[_Union[WatchVerdicts, _Mapping[str, object]]] = ..., state: _Optional[_Union[WatchState, _Mapping[str, object]]] = ...) -> None: ...

class WatchVerdicts(_message.Message):
    __slots__ = ("sequence", "alarms", "keys_known", "forgotten", "forgotten_count", "expected", "lower", "upper")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    KEYS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    FORGOTTEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    alarms: _containers.RepeatedCompositeFieldContainer[WatchAlarm]
    keys_known: int
    forgotten: _containers.RepeatedScalarFieldContainer[str]
    forgotten_count: int
    expected: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, sequence: _Optional[int] = ..., alarms: _Optional[_Iterable[_Union[WatchAlarm, _Mapping[str, object]]]] = ..., keys_known: _Optional[int] = ..., forgotten: _Optional[_Iterable[str]] = ..., forgotten_count: _Optional[int] = ..., expected: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ...) -> None: ...

class WatchAlarm(_message.Message):
    __slots__ = ("index", "key", "kind", "severity", "value", "expected", "lower", "upper", "deviation")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_FIELD_NUMBER: _ClassVar[int]
    index: int
    key: str
    kind: AnomalyKind
    severity: Severity
    value: float
    expected: float
    lower: float
    upper: float
    deviation: float
    def __init__(self, index: _Optional[int] = ..., key: _Optional[str] = ..., kind: _Optional[_Union[AnomalyKind, str]] = ..., severity: _Optional[_Union[Severity, str]] = ..., value: _Optional[float] = ..., expected: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., deviation: _Optional[float] = ...) -> None: ...
