"""Chooses and fits boosted trees for a yes/no outcome, on training rows only."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from training.calibration import sigmoid
from training.evaluate import DIGITS, Scores, auc, log_loss
from training.features import Labels, Part
from training.libraries import Grown, Library

FOLDS: Final = 5
LEAVES: Final = (4, 8)
RATES: Final = (0.3, 0.4, 0.5, 0.6)
BUDGETS: Final = range(20, 81, 4)  # comparisons that a row may cost in one member
# Of models that close in log loss nobody can tell the better one: it is a quarter of the standard
# error over five folds (0.006 for churn). The one with the least work for the server is taken.
TOLERANCE: Final = 0.0015

Folds = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Trees of one shape: their leaves (at most, for LightGBM) and the learning rate."""

    leaves: int
    rate: float

    def rounds(self, budget: int) -> int:
        """How many such trees a row can pass with that many comparisons."""
        return int(budget / math.log2(self.leaves))


CANDIDATES: Final = tuple(Candidate(leaves, rate) for leaves in LEAVES for rate in RATES)


@dataclass(frozen=True, slots=True)
class Member:
    """One library with the setting that won.

    `out_of_fold` are the log-odds of each training row from the model that had not seen it, [rows].
    """

    library: Library
    candidate: Candidate
    rounds: int
    out_of_fold: Scores

    def parameters(self, seed: int) -> dict[str, Any]:
        """All settings of the library."""
        return self.library.parameters(self.candidate.leaves, self.candidate.rate, seed)


@dataclass(frozen=True, slots=True)
class Choice:
    """The members that won, with what cross-validation said.

    Attributes:
        members: in the order of the libraries.
        budget: comparisons that a row costs in each of them, at most.
        out_of_fold: mean log-odds of the members for each training row, [rows].
        tried: log loss of the vote by budget, for model.json.
    """

    members: tuple[Member, ...]
    budget: int
    out_of_fold: Scores
    tried: dict[str, float]


def folds_of(part: Part, seed: int) -> Folds:
    """Five splits into rows to fit and rows to judge, each with the same share of positives.

    Rows of one group are on the same side of each split.
    """
    kind = StratifiedKFold if part.groups is None else StratifiedGroupKFold
    splitter = kind(FOLDS, shuffle=True, random_state=seed)
    return list(splitter.split(part.rows, part.labels, part.groups))


def steps(libraries: Sequence[Library]) -> int:
    """How often `choose` calls its `step`."""
    return len(libraries) * len(CANDIDATES)


def choose(
    libraries: Sequence[Library],
    part: Part,
    folds: Folds,
    seed: int,
    step: Callable[[str], None],
) -> Choice:
    """Tries every library, every candidate and every number of trees by cross-validation.

    All members get the same budget of comparisons and use it as they do best; of all budgets
    whose vote is within `TOLERANCE` of the best log loss, the smallest is taken.

    Args:
        libraries: one for each member.
        part: the training rows.
        folds: of `folds_of`; the same for all.
        seed: of the libraries' draws.
        step: called with a word for each library and candidate.
    """
    staged = {}
    for library in libraries:
        for candidate in CANDIDATES:
            staged[library.name, candidate] = _staged(library, candidate, part, folds, seed)
            step(f"cross-validating {library.title}")
    teams = {
        budget: tuple(_member(library, budget, part.labels, staged) for library in libraries)
        for budget in BUDGETS
    }
    votes = {budget: _vote(team) for budget, team in teams.items()}
    losses = {budget: log_loss(part.labels, sigmoid(vote)) for budget, vote in votes.items()}
    best = min(losses.values())
    budget = min(budget for budget, loss in losses.items() if loss <= best + TOLERANCE)
    return Choice(
        members=teams[budget],
        budget=budget,
        out_of_fold=votes[budget],
        tried={str(budget): round(loss, DIGITS) for budget, loss in losses.items()},
    )


def fit(part: Part, choice: Choice, seed: int) -> list[Grown]:
    """Every member, fitted on all the rows given."""
    return [
        member.library.grow(part, member.parameters(seed), member.rounds)
        for member in choice.members
    ]


def fold_measures(labels: Labels, log_odds: Scores, folds: Folds) -> dict[str, float]:
    """AUC as mean and standard deviation over the folds, and log loss, of out-of-fold scores."""
    found = [auc(labels[judged], log_odds[judged]) for _, judged in folds]
    values = {
        "auc": float(np.mean(found)),
        "auc_std": float(np.std(found, ddof=1)),
        "log_loss": log_loss(labels, sigmoid(log_odds)),
    }
    return {name: round(value, DIGITS) for name, value in values.items()}


def _staged(
    library: Library, candidate: Candidate, part: Part, folds: Folds, seed: int
) -> npt.NDArray[np.float32]:
    """The out-of-fold log-odds of every row after each number of trees, [trees, rows]."""
    rounds = candidate.rounds(BUDGETS[-1])
    found = np.empty((rounds, len(part.labels)), np.float32)
    parameters = library.parameters(candidate.leaves, candidate.rate, seed)
    for fitted, judged in folds:
        some = Part(part.rows[fitted], part.labels[fitted])
        grown = library.grow(some, parameters, rounds)
        for count, log_odds in enumerate(grown.ensemble.staged(part.rows[judged])):
            found[count, judged] = log_odds
    return found


def _member(
    library: Library,
    budget: int,
    labels: Labels,
    staged: Mapping[tuple[str, Candidate], npt.NDArray[np.float32]],
) -> Member:
    """The library's best use of a budget."""

    def of(candidate: Candidate) -> Scores:
        log_odds = staged[library.name, candidate][candidate.rounds(budget) - 1]
        return np.asarray(log_odds, np.float64)

    best = min(CANDIDATES, key=lambda candidate: log_loss(labels, sigmoid(of(candidate))))
    return Member(library, best, best.rounds(budget), of(best))


def _vote(team: Sequence[Member]) -> Scores:
    """The mean log-odds of the members, [rows]."""
    return np.asarray(np.mean([member.out_of_fold for member in team], axis=0))
