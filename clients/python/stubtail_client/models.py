"""What the server says about its models, as plain dataclasses."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

State = Literal["LOADING", "READY", "FAILED", "UNLOADED", "UNKNOWN"]
FeatureType = Literal["number", "category", "unknown"]
OutsideRule = Literal["allow", "refuse", "clip", "unknown"]


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One version of one model.

    Attributes:
        name: the name to call it by.
        version: a positive integer in decimal digits.
        state: whether it can answer; "UNKNOWN" for a state newer than this client.
        reason: why it cannot, and what to mend; empty when it can.
        live: whether calls that name no version go to this one.
        kind: "scoring", "forecasting", ..; empty without a manifest.
        description: one sentence on what it computes.
    """

    name: str
    version: str
    state: State
    reason: str
    live: bool
    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the graph.

    Attributes:
        name: its name in the graph.
        datatype: in the words of the Open Inference Protocol, such as "FP32" or "BYTES".
        shape: -1 for a free dimension; the first is the number of rows.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a row.

    Attributes:
        name: the key in a dict, or the column of a frame.
        type: "number" or "category".
        categories: the allowed strings; in a dense row, a category is given by its position here.
        optional: whether a value may be missing.
        minimum: the smallest number seen in training; None where not recorded.
        maximum: the largest number seen in training; None where not recorded.
        description: what it means, with its unit.
        outside: what becomes of a number beyond minimum and maximum: it may stand ("allow"), be
            refused ("refuse"), or be moved to the nearer end with a warning ("clip").
    """

    name: str
    type: FeatureType
    categories: tuple[str, ...]
    optional: bool
    minimum: float | None
    maximum: float | None
    description: str
    outside: OutsideRule = "allow"


@dataclass(frozen=True, slots=True)
class ScoredOutput:
    """One output that `score` returns for each row.

    Attributes:
        name: in `Scores.outputs`, where there are several.
        meaning: in a sentence; "" where nothing is said.
        unit: such as "probability", "days" or "dollars"; "" where nothing is said.
        levels: the names of its levels, from the lowest up; empty where it has none.
        level_thresholds: where each level but the first begins.
        coverages: the values of `coverage` that it has intervals for; empty where it has none.
    """

    name: str
    meaning: str
    unit: str
    levels: tuple[str, ...]
    level_thresholds: tuple[float, ...]
    coverages: tuple[float, ...]


@dataclass(frozen=True)
class Model:
    """One version of one model in full.

    Attributes:
        summary: name, version and state.
        inputs: the tensors that the graph takes.
        outputs: the tensors that the graph returns.
        features: in the order of a dense row; empty without a manifest.
        classes: the names of the classes; empty where the model has none.
        threshold: the score from which a row belongs to the last of two classes; 0 where a score
            has no such meaning.
        sha256: of the graph, in hexadecimal digits.
        manifest_json: model.json as text; empty without a manifest.
        run_fixed_us: measured time of one run, fixed part, in microseconds.
        run_per_row_us: measured time of one run, part for each row, in microseconds.
        scored_outputs: what `score` returns, the main score among them; empty without a manifest.
        explained_by: the features, or groups of features, that reasons are given by; empty where
            the model gives none.
    """

    summary: ModelSummary
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    features: tuple[Feature, ...]
    classes: tuple[str, ...]
    threshold: float
    sha256: str
    manifest_json: str
    run_fixed_us: float
    run_per_row_us: float
    scored_outputs: tuple[ScoredOutput, ...] = ()
    explained_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name to call it by."""
        return self.summary.name

    @property
    def version(self) -> str:
        """The version described here."""
        return self.summary.version

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """model.json as a dict: training data, metrics, statistics. Empty without a manifest."""
        document: dict[str, Any] = json.loads(self.manifest_json or "{}")
        return document
