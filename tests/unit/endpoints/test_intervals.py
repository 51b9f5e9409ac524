"""Intervals: the one formula for all methods, its grid, its cuts, and levels beside it."""

import json
from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.intervals import bounds_for
from stubtail.endpoints.outputs import OutputColumn, output_columns, score_column
from stubtail.errors import CallError
from stubtail.models.manifest import Manifest
from tests import score_models
from tests.unit.endpoints.loaded import model, spec

NAMES = ("score", "spread", "low", "high")
VALUES = {
    "score": [0.1, 0.5, 0.9],
    "spread": [1.0, 2.0, 0.5],
    "low": [0.0, 0.4, 0.8],
    "high": [0.3, 0.6, 1.0],
}
BASE = {"method": "split", "coverages": [0.5, 0.9], "below": [0.1, 0.2], "above": [0.3, 0.4]}


def outputs(shape: tuple[int, ...] = (-1, 1)) -> list[np.ndarray]:
    """What a run gives, float32 [3, 1]."""
    return [np.array(VALUES[name], np.float32).reshape(shape) for name in NAMES]


def column(**changes: Any) -> OutputColumn:
    """The main score of a model with this interval."""
    about = score_models.manifest(
        b"g", "m", output={"score": "score", "interval": BASE | changes}, explanation=None
    )
    specs = [spec(name, "FP32", -1, 1) for name in NAMES]
    manifest = Manifest.parse(json.dumps(about), "m")
    found = score_column(model("m", [spec("x", "FP32", -1, 4)], specs, about=manifest))
    assert found is not None
    return found


def bounds(coverage: float = 0.9, **changes: Any) -> tuple[list[float], list[float]]:
    """Lower and upper for the values above."""
    found = bounds_for(column(**changes), coverage)
    assert found is not None
    lower, upper = found(outputs())
    assert {lower.dtype, upper.dtype} == {np.dtype(np.float32)}
    return np.round(lower, 6).tolist(), np.round(upper, 6).tolist()


def near(*values: float) -> Any:
    """These numbers as float32."""
    return pytest.approx(list(values), abs=1e-6)


def test_split() -> None:
    """The score less and plus a constant for the coverage."""
    assert bounds() == (near(-0.1, 0.3, 0.7), near(0.5, 0.9, 1.3))
    assert bounds(0.5) == (near(0.0, 0.4, 0.8), near(0.4, 0.8, 1.2))


def test_normalised() -> None:
    """The constant times the scale of each row."""
    assert bounds(scale="spread") == (near(-0.1, 0.1, 0.8), near(0.5, 1.3, 1.1))


def test_quantile() -> None:
    """From the two quantiles outwards, or inwards where they were too wide."""
    assert bounds(lower="low", upper="high") == (near(-0.2, 0.2, 0.6), near(0.7, 1.0, 1.4))
    inward = bounds(lower="low", upper="high", below=[-0.2, -0.05], above=[-0.2, -0.05])
    assert inward == (near(0.05, 0.45, 0.85), near(0.25, 0.55, 0.95))


def test_bounds_never_cross() -> None:
    """Quantiles moved past each other meet half way."""
    lower, upper = bounds(0.5, lower="low", upper="high", below=[-0.4, 0], above=[-0.4, 0])
    assert lower == upper == near(0.15, 0.5, 0.9)


def test_infinite_outputs_have_bounds_without_a_complaint() -> None:
    """A model may answer with infinity; a warning would be an error where they count as such."""
    found = bounds_for(column(method="normalised", scale="spread"), 0.9)
    assert found is not None
    endless = [np.full((3, 1), np.inf, np.float32) for _ in NAMES]
    lower, upper = found(endless)
    assert np.isnan(lower).all()
    assert np.isinf(upper).all()


def test_bounds_are_cut() -> None:
    """To what can be."""
    assert bounds(minimum=0.0, maximum=1.0) == (near(0.0, 0.3, 0.7), near(0.5, 0.9, 1.0))


@pytest.mark.parametrize("coverage", [0.7, 0.0, 1.0, -1.0, float("nan"), float("inf")])
def test_a_coverage_beside_the_grid(coverage: float) -> None:
    """Is refused with the grid."""
    with pytest.raises(CallError) as caught:
        bounds_for(column(), coverage)
    assert caught.value.code.name == "INVALID_ARGUMENT"
    assert "coverage: must be one of 0.5, 0.9, which score was calibrated for" in str(caught.value)


def test_a_coverage_that_was_computed() -> None:
    """0.1 + 0.8 is 0.9 for all who do not look at the bits."""
    assert bounds_for(column(), 0.1 + 0.8) is not None


def test_outputs_without_an_interval_have_no_bounds() -> None:
    """Whatever the coverage."""
    about = Manifest.parse(json.dumps(score_models.days_manifest(b"g")), "m")
    specs = [spec(name, "FP32", -1) for name in ("spread", "days", "score")]
    score, days = output_columns(model("m", [spec("x", "FP32", -1, 4)], specs, about=about))
    assert (score.position, days.position) == (2, 1)
    assert bounds_for(score, 0.9) is None
    assert bounds_for(days, 0.9) is not None


def test_levels_begin_at_their_thresholds() -> None:
    """As float32, in which scores are; a score that is no number is in the highest, not lost."""
    about = Manifest.parse(json.dumps(score_models.manifest(b"g", "m")), "m")
    found = score_column(
        model("m", [spec("x", "FP32", -1, 4)], [spec("score", "FP32", -1, 1)], about=about)
    )
    assert found is not None
    assert found.levels is not None
    values = np.array([0, 0.29999, 0.3, 0.59, 0.6, 1, np.nan], np.float32)
    assert found.levels.indexes(values).tolist() == [0, 0, 1, 1, 2, 2, 2]
