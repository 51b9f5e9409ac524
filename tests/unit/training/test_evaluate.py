"""The measures of probabilities, against values worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from training import evaluate

LABELS = np.array([0, 0, 1, 1], dtype=np.int8)
SCORES = np.array([0.1, 0.4, 0.35, 0.8])


def drawn(seed: int, *, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and probabilities of 500 rows; few digits make many ties."""
    random = np.random.default_rng(seed)
    scores = np.clip(random.random(500).round(digits), 0.01, 0.99)
    return (random.random(500) < scores).astype(np.int8), scores


def test_auc_counts_pairs_in_the_right_order():
    """Three of the four pairs of a positive and a negative row are in order."""
    assert evaluate.auc(LABELS, SCORES) == 0.75


def test_auc_of_one_score_for_all_is_a_half():
    """A tie counts half."""
    assert evaluate.auc(LABELS, np.full(4, 0.3)) == 0.5


def test_average_precision_sums_the_steps():
    """Precision is 1 at the first hit and 2/3 at the second, each worth half of the recall."""
    assert evaluate.average_precision(LABELS, SCORES) == pytest.approx((1 + 2 / 3) / 2)


def test_calibration_error_is_the_mean_gap_of_the_bins():
    """Two bins: 0.2 stated and 0.5 seen, 0.9 stated and 1.0 seen, two rows each."""
    labels = np.array([0, 1, 1, 1], dtype=np.int8)

    error = evaluate.calibration_error(labels, np.array([0.25, 0.25, 0.95, 0.95]))

    assert error == pytest.approx((0.25 + 0.05) / 2)


def test_calibration_error_holds_the_probability_one():
    """The last bin contains its upper end."""
    assert evaluate.calibration_error(LABELS, np.array([0.0, 0.0, 1.0, 1.0])) == 0.0


def test_lift_compares_the_best_tenth_with_chance():
    """Two of the ten best rows are positive, of all rows one in twenty: four times chance."""
    labels = np.zeros(100, np.int8)
    labels[[0, 1, 50, 60, 70]] = 1

    assert evaluate.lift(labels, np.arange(100, 0, -1.0)) == pytest.approx(4.0)


def test_lift_of_one_score_for_all_is_one():
    """Ties at the edge count with their mean: the order of equal rows means nothing."""
    labels = np.array([1] * 5 + [0] * 42, dtype=np.int8)

    assert evaluate.lift(labels, np.full(47, 0.3)) == pytest.approx(1.0)


def test_log_loss_and_brier_by_hand():
    """Both look at the probability that was given to what happened."""
    labels, scores = np.array([1, 0], dtype=np.int8), np.array([0.8, 0.4])

    assert evaluate.log_loss(labels, scores) == pytest.approx(-np.log(0.8 * 0.6) / 2)
    assert evaluate.brier(labels, scores) == pytest.approx((0.2**2 + 0.4**2) / 2)


def test_log_loss_of_a_certain_mistake_is_finite():
    """A probability of 0 for what happened costs much, yet no infinity."""
    assert 30 < evaluate.log_loss(np.array([1], dtype=np.int8), np.array([0.0])) < 40


@pytest.mark.parametrize("digits", [1, 2, 12])
@pytest.mark.parametrize("seed", range(5))
def test_measures_agree_with_scikit_learn(seed, digits):
    """With and without ties, every measure is the one that everybody means by its name."""
    labels, scores = drawn(seed, digits=digits)

    ours = evaluate.measures(labels, scores, 0.5)

    chosen = scores >= 0.5
    theirs = {
        "auc": metrics.roc_auc_score(labels, scores),
        "average_precision": metrics.average_precision_score(labels, scores),
        "log_loss": metrics.log_loss(labels, scores),
        "brier": metrics.brier_score_loss(labels, scores),
        "accuracy": metrics.accuracy_score(labels, chosen),
        "precision": metrics.precision_score(labels, chosen),
        "recall": metrics.recall_score(labels, chosen),
        "f1": metrics.f1_score(labels, chosen),
    }
    assert {name: ours[name] for name in theirs} == pytest.approx(theirs, abs=5.1e-5)


def test_measures_of_a_model_that_chooses_nobody():
    """No division by zero: precision, recall and F1 are 0."""
    found = evaluate.measures(LABELS, np.full(4, 0.25), 0.5)

    assert (found["precision"], found["recall"], found["f1"]) == (0.0, 0.0, 0.0)
    assert found["accuracy"] == 0.5


def test_best_threshold_is_the_lowest_with_the_best_f1():
    """From 0.36 to 0.8 one hit of two; at 0.11 to 0.35 both hits for one miss, which is best."""
    assert evaluate.best_threshold(LABELS, SCORES) == pytest.approx(0.11)


def test_auc_gain_over_itself_is_nothing():
    """The resamples are paired: a model gains nothing over itself, whatever is drawn."""
    labels, scores = drawn(1, digits=12)

    gain = evaluate.auc_gain(labels, scores, scores, seed=1)

    assert (gain["gain"], gain["low"], gain["high"]) == (0.0, 0.0, 0.0)


def test_auc_gain_over_chance_is_beyond_doubt():
    """The interval of a good model against noise is far from 0, and a seed repeats it."""
    labels, scores = drawn(2, digits=12)
    noise = np.random.default_rng(9).random(labels.size)

    gain = evaluate.auc_gain(labels, scores, noise, seed=1)

    assert 0.1 < gain["low"] < gain["gain"] < gain["high"]
    assert gain == evaluate.auc_gain(labels, scores, noise, seed=1)
