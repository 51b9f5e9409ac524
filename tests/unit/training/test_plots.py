"""Plots as data: the curves are those that everybody means by their names."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from training import evaluate, plots


@pytest.fixture
def judged() -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and honest probabilities of 2,000 rows."""
    random = np.random.default_rng(1)
    scores = random.beta(1, 3, 2000)
    return (random.random(2000) < scores).astype(np.int8), scores


def curve(pictures: list[dict[str, Any]], title: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The points of one line."""
    (picture,) = [one for one in pictures if one["title"] == title]
    (line,) = [one for one in picture["series"] if one["name"] == name]
    return np.array(line["x"]), np.array(line["y"])


def test_the_area_under_the_roc_is_the_auc(judged):
    """41 points of the curve hold it to three decimals."""
    labels, scores = judged

    x, y = curve(plots.of_classifier(labels, {"m": scores}), "ROC", "m")

    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert metrics.auc(x, y) == pytest.approx(evaluate.auc(labels, scores), abs=0.005)


def test_lift_of_the_first_tenth_is_the_measure(judged):
    """The curve starts with the best rows and ends at 1, everybody."""
    labels, scores = judged

    x, y = curve(plots.of_classifier(labels, {"m": scores}), "Cumulative lift", "m")

    tenth = int(np.flatnonzero(np.isclose(x, 0.1))[0])
    assert y[tenth] == pytest.approx(evaluate.lift(labels, scores), abs=1e-3)
    assert y[-1] == 1.0


def test_honest_probabilities_lie_on_the_diagonal(judged):
    """Ten parts of equal size: stated and seen shares agree within chance."""
    labels, scores = judged

    x, y = curve(plots.of_classifier(labels, {"m": scores}), "Calibration", "m")

    assert len(x) == 10
    np.testing.assert_allclose(x, y, atol=0.1)


def test_precision_ends_at_the_share_of_positives(judged):
    """Who chooses everybody finds all, at the precision of chance."""
    labels, scores = judged

    x, y = curve(plots.of_classifier(labels, {"m": scores}), "Precision and recall", "m")

    assert x[-1] == 1.0
    assert y[-1] == pytest.approx(labels.mean(), abs=1e-3)
