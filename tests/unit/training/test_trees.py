"""Trees in plain form: what they give a row, how they vote, and why their sums are exact."""

import numpy as np
import pytest

from training import trees
from training.calibration import Platt
from training.trees import Ensemble, Split

STUMP = Split(0, 1.5, above=2.0, below=-1.0)
DEEP = Split(1, 0.0, above=STUMP, below=0.25)
ROWS = np.array([[1.0, 1.0], [2.0, 1.0], [2.0, -1.0], [1.5, np.nan]], np.float32)


def random_tree(random: np.random.Generator, depth: int) -> trees.Node:
    """A tree over four columns with random thresholds and leaves."""
    if not depth:
        return float(random.normal(0, 0.3))
    above, below = random_tree(random, depth - 1), random_tree(random, depth - 1)
    return Split(int(random.integers(4)), float(np.float32(random.normal())), above, below)


def test_a_row_finds_its_leaf():
    """Above the threshold or not; NaN is not above anything."""
    assert trees.evaluate(DEEP, ROWS).tolist() == [-1.0, 2.0, 0.25, 0.25]
    assert trees.evaluate(7.0, ROWS).tolist() == [7.0] * 4


def test_stages_end_with_the_score():
    """One stage after each tree, the base included."""
    ensemble = Ensemble((STUMP, DEEP), 10.0)

    stages = list(ensemble.staged(ROWS))

    assert stages[0].tolist() == [9.0, 12.0, 12.0, 9.0]
    np.testing.assert_array_equal(stages[1], ensemble.scores(ROWS))


def test_a_vote_is_the_mean_of_its_members():
    """All trees in one sum give the mean of the sums."""
    members = [Ensemble((STUMP,), 1.0), Ensemble((DEEP, STUMP), 0.0), Ensemble((), -4.0)]

    vote = trees.vote(members)

    expected = np.mean([member.scores(ROWS) for member in members], axis=0)
    np.testing.assert_allclose(vote.scores(ROWS), expected, rtol=1e-15)
    assert len(vote.trees) == 3


def test_folding_is_the_calibration():
    """Slope and intercept move into leaves and base; the rounding of the leaves does not show."""
    random = np.random.default_rng(1)
    ensemble = Ensemble(tuple(random_tree(random, 3) for _ in range(40)), -0.7)
    rows = random.normal(0, 1, (2000, 4)).astype(np.float32)
    calibrated = 1.25 * ensemble.scores(rows) - 0.5

    folded = trees.fold(ensemble, Platt(1.25, -0.5))

    np.testing.assert_allclose(folded.scores(rows), calibrated, rtol=0, atol=1e-5)
    assert np.abs(folded.scores(rows) - calibrated).max() > 0


@pytest.mark.parametrize("seed", range(5))
def test_exact_sums_are_the_same_in_float32_in_any_order(seed):
    """Every partial sum of the leaves, the base first or last, is a float32 without rounding."""
    random = np.random.default_rng(seed)
    grown = Ensemble(tuple(random_tree(random, 2) for _ in range(60)), float(random.normal(0, 3)))
    exact = trees.exact(grown)
    rows = random.normal(0, 1, (300, 4)).astype(np.float32)
    parts = np.array([*(trees.evaluate(tree, rows) for tree in exact.trees), [exact.base] * 300])

    for _ in range(10):
        random.shuffle(parts)
        found = np.zeros(300, np.float32)
        for part in parts.astype(np.float32):
            found += part
        np.testing.assert_array_equal(found.astype(np.float64), exact.scores(rows))


def test_missing_first_changes_only_what_is_missing():
    """The libraries get the smallest float32 in its place."""
    found = trees.missing_first(ROWS)

    assert found[3, 1] == np.finfo(np.float32).min
    np.testing.assert_array_equal(found[:3], ROWS[:3])
    assert found.dtype == np.float32
