"""The three libraries that grow trees for a yes/no outcome, each behind the same call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import catboost
import lightgbm
import numpy as np
import xgboost

from training import native_trees
from training.evaluate import Scores
from training.features import Matrix, Part
from training.trees import Ensemble, missing_first

FEATURE_SHARE: Final = 0.5  # of the features that a tree of LightGBM, a split of the others may see


@dataclass(frozen=True, slots=True)
class Grown:
    """A fitted model: its trees in plain form, and the library's own answer.

    `log_odds` gives float64 [rows] for float32 [rows, features], as the library computes it.
    """

    ensemble: Ensemble
    log_odds: Callable[[Matrix], Scores]


@dataclass(frozen=True, slots=True)
class Library:
    """One library.

    Attributes:
        name: of its Python package.
        title: how it calls itself.
        version: the one installed; of the package itself, as XGBoost has two distributions.
        parameters: (leaves, learning rate, seed) to all of its settings, in its own words.
        grow: (rows and labels, these settings, number of trees) to a fitted model.
    """

    name: str
    title: str
    version: str
    parameters: Callable[[int, float, int], dict[str, Any]]
    grow: Callable[[Part, dict[str, Any], int], Grown]


def _lightgbm_parameters(leaves: int, rate: float, seed: int) -> dict[str, Any]:
    """The last five make two runs agree to the last bit."""
    return {
        "objective": "binary",
        "verbosity": -1,
        "num_leaves": leaves,
        "learning_rate": rate,
        "lambda_l2": 20.0,
        "feature_fraction": FEATURE_SHARE,
        "min_data_in_leaf": 20,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "use_missing": False,
    }


def _grow_lightgbm(part: Part, parameters: dict[str, Any], rounds: int) -> Grown:
    data = lightgbm.Dataset(missing_first(part.rows).astype(np.float64), part.labels)
    booster = lightgbm.train(parameters, data, rounds)

    def log_odds(rows: Matrix) -> Scores:
        return np.asarray(booster.predict(missing_first(rows).astype(np.float64), raw_score=True))

    return Grown(native_trees.of_lightgbm(booster), log_odds)


def _xgboost_parameters(leaves: int, rate: float, seed: int) -> dict[str, Any]:
    return {
        "objective": "binary:logistic",
        "verbosity": 0,
        "max_depth": _depth(leaves),
        "learning_rate": rate,
        "reg_lambda": 10.0,
        "min_child_weight": 5.0,
        "colsample_bynode": FEATURE_SHARE,
        "tree_method": "hist",
        "seed": seed,
        "nthread": 1,
    }


def _grow_xgboost(part: Part, parameters: dict[str, Any], rounds: int) -> Grown:
    data = xgboost.DMatrix(missing_first(part.rows), part.labels)
    start = {"base_score": float(part.labels.mean())}
    booster = xgboost.train({**parameters, **start}, data, rounds)

    def log_odds(rows: Matrix) -> Scores:
        found = booster.predict(xgboost.DMatrix(missing_first(rows)), output_margin=True)
        return np.asarray(found, np.float64)

    return Grown(native_trees.of_xgboost(booster), log_odds)


def _catboost_parameters(leaves: int, rate: float, seed: int) -> dict[str, Any]:
    return {
        "loss_function": "Logloss",
        "logging_level": "Silent",
        "depth": _depth(leaves),
        "learning_rate": rate,
        "l2_leaf_reg": 3.0,
        "rsm": FEATURE_SHARE,
        "bootstrap_type": "No",
        "boost_from_average": True,
        "random_strength": 0.0,
        "random_seed": seed,
        "thread_count": 1,
        "allow_writing_files": False,
    }


def _grow_catboost(part: Part, parameters: dict[str, Any], rounds: int) -> Grown:
    model = catboost.CatBoost({**parameters, "iterations": rounds})
    model.fit(missing_first(part.rows), part.labels)

    def log_odds(rows: Matrix) -> Scores:
        found = model.predict(missing_first(rows), "RawFormulaVal", thread_count=1)
        return np.asarray(found, np.float64)

    return Grown(native_trees.of_catboost(model), log_odds)


def _depth(leaves: int) -> int:
    """Of a balanced tree with that many leaves, a power of two."""
    return leaves.bit_length() - 1


LIGHTGBM: Final = Library(
    "lightgbm", "LightGBM", lightgbm.__version__, _lightgbm_parameters, _grow_lightgbm
)
XGBOOST: Final = Library(
    "xgboost", "XGBoost", xgboost.__version__, _xgboost_parameters, _grow_xgboost
)
CATBOOST: Final = Library(
    "catboost", "CatBoost", catboost.__version__, _catboost_parameters, _grow_catboost
)
ALL: Final = (LIGHTGBM, XGBOOST, CATBOOST)
