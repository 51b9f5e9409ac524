"""Boosted trees for any objective of LightGBM: settings, rounds chosen ahead in time, and fits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt

from training import native_trees
from training.features import Matrix
from training.trees import Ensemble, missing_first

Numbers = npt.NDArray[np.floating[Any]]
Start = Numbers | None

ROUNDS_MIN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Settings of LightGBM, in its own words; `more` holds those that the objective needs."""

    objective: str
    num_leaves: int = 8
    learning_rate: float = 0.1
    lambda_l2: float = 20.0
    feature_fraction: float = 0.3
    min_data_in_leaf: int = 50
    more: dict[str, Any] = field(default_factory=dict)

    def parameters(self, seed: int) -> dict[str, Any]:
        """All of LightGBM's parameters; the last ones make two runs agree to the last bit."""
        return {
            "objective": self.objective,
            "num_leaves": self.num_leaves,
            "learning_rate": self.learning_rate,
            "lambda_l2": self.lambda_l2,
            "feature_fraction": self.feature_fraction,
            "min_data_in_leaf": self.min_data_in_leaf,
            **self.more,
            "verbosity": -1,
            "max_bin": 63,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "use_missing": False,
        }


@dataclass(frozen=True, slots=True)
class Grown:
    """Fitted trees in plain form, and LightGBM's own answer.

    `raw` gives float64 [rows], without any start, for float32 [rows, features].
    """

    ensemble: Ensemble
    raw: Callable[[Matrix], npt.NDArray[np.float64]]


def grow(
    rows: Matrix,
    truth: Numbers,
    setting: Setting,
    rounds: int,
    seed: int,
    start: Start = None,
) -> Grown:
    """Trees fitted on these rows.

    Args:
        rows: float32 [rows, features]; NaN is missing.
        truth: what is to be predicted, [rows].
        setting: of LightGBM.
        rounds: the number of trees.
        seed: of LightGBM's draws.
        start: raw scores that the trees are added to, [rows]; None is none.
    """
    booster = lightgbm.train(setting.parameters(seed), _dataset(rows, truth, start), rounds)

    def raw(asked: Matrix) -> npt.NDArray[np.float64]:
        return np.asarray(booster.predict(_doubles(asked), raw_score=True), np.float64)

    return Grown(native_trees.of_lightgbm(booster), raw)


def best_rounds(
    seen: tuple[Matrix, Numbers, Start],
    later: tuple[Matrix, Numbers, Start],
    setting: Setting,
    most: int,
    seed: int,
) -> int:
    """The number of trees, at most `most`, with the least loss on rows of a later time.

    Args:
        seen: rows, truth and start of the rows to fit on.
        later: the same of the rows to judge on.
        setting: of LightGBM.
        most: the largest number tried.
        seed: of LightGBM's draws.
    """
    train, valid = (_dataset(*part) for part in (seen, later))
    history: dict[str, dict[str, list[float]]] = {}
    lightgbm.train(
        setting.parameters(seed),
        train,
        most,
        valid_sets=[valid],
        valid_names=["later"],
        callbacks=[lightgbm.record_evaluation(history)],
    )
    (curve,) = history["later"].values()
    return max(ROUNDS_MIN, int(np.argmin(curve)) + 1)


def _dataset(rows: Matrix, truth: Numbers, start: Start) -> Any:
    return lightgbm.Dataset(_doubles(rows), truth, init_score=start)


def _doubles(rows: Matrix) -> npt.NDArray[np.float64]:
    return missing_first(rows).astype(np.float64)
