"""Conformal intervals hold the truth as often as they say, whatever the model and the noise."""

import json
from typing import Any

import numpy as np
import pytest

from training import intervals

ROWS = 4000
MEANING = "what it is about"


def drawn(seed: int) -> dict[str, np.ndarray]:
    """Rows with skewed noise whose size differs from row to row, and a fair model of them."""
    random = np.random.default_rng(seed)
    score = random.normal(10, 3, ROWS)
    spread = random.uniform(0.5, 4, ROWS)
    truth = score + spread * (random.gamma(2, 1, ROWS) - 2)
    return {"score": score, "spread": spread, "truth": truth}


def forms() -> list[tuple[str, dict[str, Any]]]:
    """One interval of each method, calibrated on other rows than those of the tests."""
    rows = drawn(1)
    low, high = rows["score"] - rows["spread"], rows["score"] + rows["spread"]
    found = [
        intervals.split(rows["score"], rows["truth"], meaning=MEANING),
        intervals.normalised(
            rows["score"], rows["truth"], rows["spread"], scale="spread", meaning=MEANING
        ),
        intervals.quantile(low, high, rows["truth"], lower="low", upper="high", meaning=MEANING),
    ]
    return [(one["method"], one) for one in found]


def outputs_of(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the graph would return, as columns."""
    low, high = rows["score"] - rows["spread"], rows["score"] + rows["spread"]
    named = {"score": rows["score"], "spread": rows["spread"], "low": low, "high": high}
    return {name: values[:, None].astype(np.float32) for name, values in named.items()}


@pytest.mark.parametrize(("_method", "interval"), forms())
def test_new_rows_are_covered_as_often_as_promised(_method, interval):
    """Within two points of each coverage of the grid, which is 2.5 standard errors here."""
    rows = drawn(2)

    found = intervals.measure(interval, outputs_of(rows), "score", rows["truth"])

    assert found["rows"] == ROWS
    assert [one["nominal"] for one in found["coverages"]] == list(intervals.COVERAGES)
    for one in found["coverages"]:
        assert one["measured"] == pytest.approx(one["nominal"], abs=0.02)


def test_half_of_the_misses_are_on_each_side():
    """Skewed noise gives skewed intervals, not a long side that never misses."""
    rows = drawn(3)
    _, interval = forms()[0]

    lower, upper = intervals.bounds(interval, outputs_of(rows), "score", 0.8)

    assert (rows["truth"] < lower).mean() == pytest.approx(0.1, abs=0.015)
    assert (rows["truth"] > upper).mean() == pytest.approx(0.1, abs=0.015)


def test_a_known_spread_makes_intervals_narrower():
    """Normalised intervals use what is known of each row's error."""
    rows = drawn(2)

    widths = {
        method: intervals.measure(one, outputs_of(rows), "score", rows["truth"])["coverages"][2]
        for method, one in forms()
    }

    assert widths["normalised"]["mean_width"] < widths["split"]["mean_width"]


def test_bounds_by_hand():
    """Less below, plus above, times the spread, cut to the limits."""
    interval = {
        "method": "normalised",
        "coverages": [0.5],
        "below": [1.0],
        "above": [2.0],
        "scale": "s",
        "minimum": 0.0,
        "maximum": 12.0,
    }
    outputs = {"score": np.array([1.0, 10.0]), "s": np.array([3.0, 0.5])}

    lower, upper = intervals.bounds(interval, outputs, "score", 0.5)

    assert lower.tolist() == [0.0, 9.5]
    assert upper.tolist() == [7.0, 11.0]


def test_quantiles_that_pass_each_other_meet_half_way():
    """As the server has it: the lower bound is never above the upper one."""
    interval = {
        "method": "quantile",
        "coverages": [0.5],
        "below": [-3.0],
        "above": [-1.0],
        "lower": "low",
        "upper": "high",
    }
    outputs = {"score": np.zeros(2), "low": np.array([0.0, 0.0]), "high": np.array([2.0, 9.0])}

    lower, upper = intervals.bounds(interval, outputs, "score", 0.5)

    assert lower.tolist() == [2.0, 3.0]
    assert upper.tolist() == [2.0, 8.0]


def test_the_rank_is_that_of_conformal_prediction():
    """Nine rows and 0.8: the ninth of ten ranks on each side, the largest of the nine."""
    truth = np.zeros(9)
    scores = np.arange(1.0, 10.0)

    found = intervals.split(scores, truth, coverages=[0.5, 0.8], meaning=MEANING)

    assert found["below"] == [8.0, 9.0]  # ceil(10 * 0.75), ceil(10 * 0.9)
    assert found["above"] == [-2.0, -1.0]
    assert found["calibration_rows"] == 9


def test_too_few_rows_are_told():
    """No rank is high enough: the interval would have to be infinite."""
    with pytest.raises(ValueError, match="9 calibration rows are too few, 19 are needed"):
        intervals.split(np.zeros(9), np.zeros(9), coverages=[0.9], meaning=MEANING)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_row_that_is_no_number_is_told(wrong):
    """NaN would sort to the end and widen everything in silence."""
    scores = np.zeros(100)
    scores[3] = wrong

    with pytest.raises(ValueError, match="no number"):
        intervals.split(scores, np.zeros(100), meaning=MEANING)


def test_a_spread_of_nothing_is_refused():
    """Division by zero would make the interval empty or infinite."""
    with pytest.raises(ValueError, match="above 0"):
        intervals.normalised(np.zeros(50), np.zeros(50), np.zeros(50), scale="s", meaning=MEANING)


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_both_outcomes_are_covered_alike(share):
    """The rare outcome as often as the other, and so all rows together."""
    random = np.random.default_rng(4)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        odds = random.normal(np.log(share / (1 - share)), 1.5, 20_000)
        chance = 1 / (1 + np.exp(-odds))
        return chance, (random.random(odds.size) < chance).astype(np.int8)

    interval = intervals.outcome(*draw(), meaning=MEANING)
    chance, labels = draw()

    for label in (0, 1):
        some = labels == label
        found = intervals.measure(interval, {"score": chance[some]}, "score", labels[some])
        for one in found["coverages"]:
            assert one["measured"] == pytest.approx(one["nominal"], abs=0.03)
    assert (interval["minimum"], interval["maximum"]) == (0.0, 1.0)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1234567, -0.1234567, 98765.4321, -3e-7, 1e-30])
def test_corrections_are_rounded_outwards(value):
    """Six digits are the same on every processor; a narrower interval would break the promise."""
    found = intervals._rounded_up(value)

    assert value <= found <= value + 1.1e-5 * abs(value)


@pytest.mark.parametrize(("_method", "interval"), forms())
def test_the_object_is_plain_json(_method, interval):
    """It is written into model.json as it is."""
    assert json.loads(json.dumps(interval)) == interval
