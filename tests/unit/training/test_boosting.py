"""The choice of members: honest folds, equal budgets, and the least work that is good enough."""

from dataclasses import replace

import numpy as np
import pytest

from training import boosting, libraries
from training.boosting import BUDGETS, CANDIDATES, Candidate
from training.features import Part
from training.libraries import Grown
from training.trees import Ensemble, Split

ROWS = 600


@pytest.fixture(scope="module")
def part() -> Part:
    """600 rows of three columns in 150 groups; the outcome follows the first column."""
    random = np.random.default_rng(0)
    rows = random.normal(0, 1, (ROWS, 3)).astype(np.float32)
    labels = (rows[:, 0] + random.normal(0, 1, ROWS) > 0).astype(np.int8)
    return Part(rows, labels, np.arange(ROWS) // 4)


def library(quality: float, seen: list[int]) -> libraries.Library:
    """One whose trees all ask the same question; it notes how many rows it was given."""

    def grow(part: Part, _parameters, rounds: int) -> Grown:
        seen.append(len(part.labels))
        step = quality / rounds
        trees = (Split(0, 0.0, above=step, below=-step),) * rounds
        ensemble = Ensemble(trees, 0.0)
        return Grown(ensemble, ensemble.scores)

    return replace(libraries.LIGHTGBM, grow=grow)


def test_groups_stay_together(part):
    """No group is both learned from and judged on; without groups rows are drawn one by one."""
    for fitted, judged in boosting.folds_of(part, seed=1):
        assert not set(part.groups[fitted]) & set(part.groups[judged])

    loose = boosting.folds_of(Part(part.rows, part.labels), seed=1)
    assert any(set(part.groups[fitted]) & set(part.groups[judged]) for fitted, judged in loose)


def test_every_row_is_judged_once_with_the_same_share_of_positives(part):
    """Five parts that together are all rows."""
    folds = boosting.folds_of(part, seed=1)

    assert sorted(np.concatenate([judged for _, judged in folds])) == list(range(ROWS))
    for _, judged in folds:
        assert part.labels[judged].mean() == pytest.approx(part.labels.mean(), abs=0.03)


def test_the_smallest_budget_that_is_good_enough_is_taken(part):
    """Each tree adds as much as the last: the choice stops where more would not show."""
    folds = boosting.folds_of(part, seed=1)
    steps: list[str] = []

    choice = boosting.choose([library(30.0, [])], part, folds, 1, steps.append)

    losses = {int(budget): loss for budget, loss in choice.tried.items()}
    allowed = min(losses.values()) + boosting.TOLERANCE
    good = [budget for budget, loss in losses.items() if loss <= allowed]
    assert choice.budget == min(good)
    assert len(steps) == boosting.steps([libraries.LIGHTGBM]) == len(CANDIDATES)


def test_no_model_scores_rows_that_it_has_seen(part):
    """Each fit gets four fifths of the rows, and out-of-fold scores exist for all of them."""
    seen: list[int] = []

    choice = boosting.choose(
        [library(2.0, seen)], part, boosting.folds_of(part, 1), 1, lambda _: None
    )

    assert max(seen) < 0.85 * ROWS
    assert np.isfinite(choice.out_of_fold).all()
    assert choice.out_of_fold.shape == (ROWS,)


def test_the_vote_is_the_mean_of_its_members(part):
    """In log-odds, out of fold."""
    folds = boosting.folds_of(part, 1)

    choice = boosting.choose([library(1.0, []), library(3.0, [])], part, folds, 1, lambda _: None)

    first, second = choice.members
    np.testing.assert_allclose(
        choice.out_of_fold, (first.out_of_fold + second.out_of_fold) / 2, rtol=1e-12
    )


@pytest.mark.parametrize("budget", BUDGETS)
def test_a_budget_is_kept(budget):
    """Trees times the questions that a row answers in each."""
    for candidate in CANDIDATES:
        assert 1 <= candidate.rounds(budget) * np.log2(candidate.leaves) <= budget
    assert Candidate(leaves=8, rate=0.3).rounds(30) == 10
