"""Chooses and fits boosted trees for a yes/no outcome, on training rows only."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold

from training.evaluate import Scores
from training.features import Labels, Part
from training.trees import missing_first

FOLDS: Final = 5
ROUNDS_MIN: Final = 10
ROUNDS_MAX: Final = 120
# Among models that close in log loss nobody can tell the better one (its standard error over five
# folds is about 0.006); the one with the least work for the server is taken.
TOLERANCE: Final = 0.001

Folds = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One setting of LightGBM; the names are LightGBM's own."""

    num_leaves: int
    learning_rate: float
    lambda_l2: float = 20.0
    feature_fraction: float = 0.5
    min_data_in_leaf: int = 20

    def parameters(self, seed: int) -> dict[str, Any]:
        """All of LightGBM's parameters; the last five make two runs agree to the last bit."""
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "verbosity": -1,
            **asdict(self),
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "use_missing": False,
        }


CANDIDATES: Final = tuple(
    Candidate(num_leaves=leaves, learning_rate=rate)
    for leaves in (4, 6, 8, 12)
    for rate in (0.1, 0.2)
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The setting that won, with what cross-validation said of each.

    Attributes:
        candidate: the setting.
        rounds: the number of trees.
        log_loss: its mean over the folds, in nats.
        out_of_fold: log-odds of each training row from the model that had not seen it, [rows].
        tried: one entry per candidate, for model.json.
    """

    candidate: Candidate
    rounds: int
    log_loss: float
    out_of_fold: Scores
    tried: list[dict[str, Any]]


def folds_of(part: Part, seed: int) -> Folds:
    """Five splits into rows to fit and rows to judge, each with the same share of positives."""
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return list(splitter.split(part.rows, part.labels))


def choose(part: Part, folds: Folds, seed: int, step: Callable[[str], None]) -> Choice:
    """Tries every candidate at every number of trees by cross-validation.

    Args:
        part: the training rows.
        folds: of `folds_of`.
        seed: of LightGBM's draws.
        step: called with a word after each of the `len(CANDIDATES) * len(folds)` fits.
    """
    data, labels = missing_first(part.rows), part.labels
    fits = [
        _cross_validate(data, labels, folds, candidate.parameters(seed), step)
        for candidate in CANDIDATES
    ]
    curves = [np.mean([curve for _, curve in fit], axis=0) for fit in fits]
    best = min(float(curve[ROUNDS_MIN - 1 :].min()) for curve in curves)
    index, rounds = min(
        (
            (index, rounds)
            for index, curve in enumerate(curves)
            for rounds in range(ROUNDS_MIN, ROUNDS_MAX + 1)
            if curve[rounds - 1] <= best + TOLERANCE
        ),
        key=lambda pair: _work(CANDIDATES[pair[0]], pair[1]),
    )
    out_of_fold = np.empty(labels.size)
    for (_, judged), (booster, _) in zip(folds, fits[index], strict=True):
        out_of_fold[judged] = booster.predict(data[judged], raw_score=True, num_iteration=rounds)
    return Choice(
        candidate=CANDIDATES[index],
        rounds=rounds,
        log_loss=float(curves[index][rounds - 1]),
        out_of_fold=out_of_fold,
        tried=[
            {
                **asdict(candidate),
                "best_rounds": int(curve.argmin()) + 1,
                "log_loss": round(float(curve.min()), 4),
            }
            for candidate, curve in zip(CANDIDATES, curves, strict=True)
        ],
    )


def fit(part: Part, choice: Choice, seed: int) -> Any:
    """A booster of the chosen setting, fitted on all the rows given."""
    data = lightgbm.Dataset(missing_first(part.rows), part.labels)
    return lightgbm.train(choice.candidate.parameters(seed), data, choice.rounds)


def _cross_validate(
    data: npt.NDArray[np.float64],
    labels: Labels,
    folds: Folds,
    parameters: dict[str, Any],
    step: Callable[[str], None],
) -> list[tuple[Any, npt.NDArray[np.float64]]]:
    """For each fold its booster and its log loss after each round, [ROUNDS_MAX]."""
    fits = []
    for fitted, judged in folds:
        train = lightgbm.Dataset(data[fitted], labels[fitted])
        valid = lightgbm.Dataset(data[judged], labels[judged], reference=train)
        history: dict[str, dict[str, list[float]]] = {}
        booster = lightgbm.train(
            parameters,
            train,
            ROUNDS_MAX,
            valid_sets=[valid],
            valid_names=["judged"],
            callbacks=[lightgbm.record_evaluation(history)],
        )
        fits.append((booster, np.array(history["judged"]["binary_logloss"])))
        step("cross-validating")
    return fits


def _work(candidate: Candidate, rounds: int) -> float:
    """Comparisons that one row costs, about: trees times the depth of a balanced tree."""
    return rounds * math.log2(candidate.num_leaves)
