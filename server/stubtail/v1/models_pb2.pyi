"""The types of stubtail/v1/models.proto. Written by proto/generate.py; do not edit."""

from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_STATE_UNSPECIFIED: _ClassVar[ModelState]
    MODEL_STATE_LOADING: _ClassVar[ModelState]
    MODEL_STATE_READY: _ClassVar[ModelState]
    MODEL_STATE_FAILED: _ClassVar[ModelState]
    MODEL_STATE_UNLOADED: _ClassVar[ModelState]

class FeatureType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEATURE_TYPE_UNSPECIFIED: _ClassVar[FeatureType]
    FEATURE_TYPE_NUMBER: _ClassVar[FeatureType]
    FEATURE_TYPE_CATEGORY: _ClassVar[FeatureType]

class OutsideRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTSIDE_RULE_UNSPECIFIED: _ClassVar[OutsideRule]
    OUTSIDE_RULE_ALLOW: _ClassVar[OutsideRule]
    OUTSIDE_RULE_REFUSE: _ClassVar[OutsideRule]
    OUTSIDE_RULE_CLIP: _ClassVar[OutsideRule]
MODEL_STATE_UNSPECIFIED: ModelState
MODEL_STATE_LOADING: ModelState
MODEL_STATE_READY: ModelState
MODEL_STATE_FAILED: ModelState
MODEL_STATE_UNLOADED: ModelState
FEATURE_TYPE_UNSPECIFIED: FeatureType
FEATURE_TYPE_NUMBER: FeatureType
FEATURE_TYPE_CATEGORY: FeatureType
OUTSIDE_RULE_UNSPECIFIED: OutsideRule
OUTSIDE_RULE_ALLOW: OutsideRule
OUTSIDE_RULE_REFUSE: OutsideRule
OUTSIDE_RULE_CLIP: OutsideRule

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelSummary]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelSummary, _Mapping[str, object]]]] = ...) -> None: ...

class ModelSummary(_message.Message):
    __slots__ = ("name", "version", "state", "reason", "live", "kind", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    state: ModelState
    reason: str
    live: bool
    kind: str
    description: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., state: _Optional[_Union[ModelState, str]] = ..., reason: _Optional[str] = ..., live: _Optional[bool] = ..., kind: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("summary", "inputs", "outputs", "features", "classes", "threshold", "sha256", "manifest_json", "run_fixed_us", "run_per_row_us", "scored_outputs", "explained_by")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_JSON_FIELD_NUMBER: _ClassVar[int]
    RUN_FIXED_US_FIELD_NUMBER: _ClassVar[int]
    RUN_PER_ROW_US_FIELD_NUMBER: _ClassVar[int]
    SCORED_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    EXPLAINED_BY_FIELD_NUMBER: _ClassVar[int]
    summary: ModelSummary
    inputs: _containers.RepeatedCompositeFieldContainer[TensorSpec]
    outputs: _containers.RepeatedCompositeFieldContainer[TensorSpec]
    features: _containers.RepeatedCompositeFieldContainer[Feature]
    classes: _containers.RepeatedScalarFieldContainer[str]
    threshold: float
    sha256: str
    manifest_json: str
    run_fixed_us: float
    run_per_row_us: float
    scored_outputs: _containers.RepeatedCompositeFieldContainer[ScoredOutput]
    explained_by: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, summary: _Optional[_Union[ModelSummary, _Mapping[str, object]]] = ..., inputs: _Optional[_Iterable[_Union[TensorSpec, _Mapping[str, object]]]] = ..., outputs: _Optional[_Iterable[_Union[TensorSpec, _Mapping[str, object]]]] = ..., features: _Optional[_Iterable[_Union[Feature, _Mapping[str, object]]]] = ..., classes: _Optional[_Iterable[str]] = ..., threshold: _Optional[float] = ..., sha256: _Optional[str] = ..., manifest_json: _Optional[str] = ..., run_fixed_us: _Optional[float] = ..., run_per_row_us: _Optional[float] = ..., scored_outputs: _Optional[_Iterable[_Union[ScoredOutput, _Mapping[str, object]]]] = ..., explained_by: _Optional[_Iterable[str]] = ...) -> None: ...

class ScoredOutput(_message.Message):
    __slots__ = ("name", "meaning", "unit", "levels", "level_thresholds", "coverages")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEANING_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    COVERAGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    meaning: str
    unit: str
    levels: _containers.RepeatedScalarFieldContainer[str]
    level_thresholds: _containers.RepeatedScalarFieldContainer[float]
    coverages: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., meaning: _Optional[str] = ..., unit: _Optional[str] = ..., levels: _Optional[_Iterable[str]] = ..., level_thresholds: _Optional[_Iterable[float]] = ..., coverages: _Optional[_Iterable[float]] = ...) -> None: ...

class TensorSpec(_message.Message):
    __slots__ = ("name", "datatype", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATATYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    datatype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., datatype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Feature(_message.Message):
    __slots__ = ("name", "type", "categories", "optional", "minimum", "maximum", "description", "outside")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: FeatureType
    categories: _containers.RepeatedScalarFieldContainer[str]
    optional: bool
    minimum: float
    maximum: float
    description: str
    outside: OutsideRule
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[FeatureType, str]] = ..., categories: _Optional[_Iterable[str]] = ..., optional: _Optional[bool] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., description: _Optional[str] = ..., outside: _Optional[_Union[OutsideRule, str]] = ...) -> None: ...
