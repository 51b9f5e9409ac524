"""The types of stubtail/v1/forecasting.proto. Written by proto/generate.py; do not edit."""

from stubtail.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ForecastRequest(_message.Message):
    __slots__ = ("model", "priority", "horizon", "quantile_levels", "frequency", "season_lengths", "non_negative", "integer", "series")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_LEVELS_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    SEASON_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    NON_NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    model: str
    priority: _common_pb2.Priority
    horizon: int
    quantile_levels: _containers.RepeatedScalarFieldContainer[float]
    frequency: str
    season_lengths: _containers.RepeatedScalarFieldContainer[float]
    non_negative: bool
    integer: bool
    series: _containers.RepeatedCompositeFieldContainer[Series]
    def __init__(self, model: _Optional[str] = ..., priority: _Optional[_Union[_common_pb2.Priority, str]] = ..., horizon: _Optional[int] = ..., quantile_levels: _Optional[_Iterable[float]] = ..., frequency: _Optional[str] = ..., season_lengths: _Optional[_Iterable[float]] = ..., non_negative: _Optional[bool] = ..., integer: _Optional[bool] = ..., series: _Optional[_Iterable[_Union[Series, _Mapping[str, object]]]] = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("id", "values", "start_ms", "timestamps_ms", "frequency", "covariates")
    ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    START_MS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMPS_MS_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    COVARIATES_FIELD_NUMBER: _ClassVar[int]
    id: str
    values: _containers.RepeatedScalarFieldContainer[float]
    start_ms: int
    timestamps_ms: _containers.RepeatedScalarFieldContainer[int]
    frequency: str
    covariates: _containers.RepeatedCompositeFieldContainer[Covariate]
    def __init__(self, id: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ..., start_ms: _Optional[int] = ..., timestamps_ms: _Optional[_Iterable[int]] = ..., frequency: _Optional[str] = ..., covariates: _Optional[_Iterable[_Union[Covariate, _Mapping[str, object]]]] = ...) -> None: ...

class Covariate(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class ForecastResponse(_message.Message):
    __slots__ = ("model", "horizon", "quantile_levels", "points", "quantiles", "timestamps_ms", "series")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_LEVELS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMPS_MS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    model: str
    horizon: int
    quantile_levels: _containers.RepeatedScalarFieldContainer[float]
    points: _containers.RepeatedScalarFieldContainer[float]
    quantiles: _containers.RepeatedScalarFieldContainer[float]
    timestamps_ms: _containers.RepeatedScalarFieldContainer[int]
    series: _containers.RepeatedCompositeFieldContainer[SeriesForecast]
    def __init__(self, model: _Optional[str] = ..., horizon: _Optional[int] = ..., quantile_levels: _Optional[_Iterable[float]] = ..., points: _Optional[_Iterable[float]] = ..., quantiles: _Optional[_Iterable[float]] = ..., timestamps_ms: _Optional[_Iterable[int]] = ..., series: _Optional[_Iterable[_Union[SeriesForecast, _Mapping[str, object]]]] = ...) -> None: ...

class SeriesForecast(_message.Message):
    __slots__ = ("id", "model", "version", "reason", "shares", "season_lengths", "trend_slope", "trend_slope_lower", "trend_slope_upper", "backtest_mae", "backtest_mase", "backtest_origins", "notes")
    ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    SEASON_LENGTHS_FIELD_NUMBER: _ClassVar[int]
    TREND_SLOPE_FIELD_NUMBER: _ClassVar[int]
    TREND_SLOPE_LOWER_FIELD_NUMBER: _ClassVar[int]
    TREND_SLOPE_UPPER_FIELD_NUMBER: _ClassVar[int]
    BACKTEST_MAE_FIELD_NUMBER: _ClassVar[int]
    BACKTEST_MASE_FIELD_NUMBER: _ClassVar[int]
    BACKTEST_ORIGINS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    id: str
    model: str
    version: str
    reason: str
    shares: _containers.RepeatedCompositeFieldContainer[ModelShare]
    season_lengths: _containers.RepeatedScalarFieldContainer[float]
    trend_slope: float
    trend_slope_lower: float
    trend_slope_upper: float
    backtest_mae: float
    backtest_mase: float
    backtest_origins: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., model: _Optional[str] = ..., version: _Optional[str] = ..., reason: _Optional[str] = ..., shares: _Optional[_Iterable[_Union[ModelShare, _Mapping[str, object]]]] = ..., season_lengths: _Optional[_Iterable[float]] = ..., trend_slope: _Optional[float] = ..., trend_slope_lower: _Optional[float] = ..., trend_slope_upper: _Optional[float] = ..., backtest_mae: _Optional[float] = ..., backtest_mase: _Optional[float] = ..., backtest_origins: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ModelShare(_message.Message):
    __slots__ = ("model", "weight", "relative_mae")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_MAE_FIELD_NUMBER: _ClassVar[int]
    model: str
    weight: float
    relative_mae: float
    def __init__(self, model: _Optional[str] = ..., weight: _Optional[float] = ..., relative_mae: _Optional[float] = ...) -> None: ...
