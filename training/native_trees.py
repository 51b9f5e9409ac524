"""The trees of LightGBM, XGBoost and CatBoost, read into the plain form of `trees.py`, exactly."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from training.trees import Ensemble, Node, Split


def of_lightgbm(booster: Any) -> Ensemble:
    """The trees of a LightGBM booster, trained on `missing_first` rows.

    Raises:
        ValueError: a split is of a kind that the plain form has not.
    """
    dump = booster.dump_model()
    return Ensemble(tuple(_lightgbm(tree["tree_structure"]) for tree in dump["tree_info"]), 0.0)


def of_xgboost(booster: Any) -> Ensemble:
    """The trees of an XGBoost booster for log-odds or for a number, on `missing_first` rows.

    Raises:
        ValueError: a split is over a set of categories.
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    trees = learner["gradient_booster"]["model"]["trees"]
    if any(any(tree["split_type"]) for tree in trees):
        raise ValueError("a split over a set of categories has no place in this graph")
    base = float(str(learner["learner_model_param"]["base_score"]).strip("[]"))
    if learner["objective"]["name"].startswith("binary:"):
        base = math.log(base / (1 - base))  # it is stored as a probability
    return Ensemble(tuple(_xgboost(tree, 0) for tree in trees), base)


def of_catboost(model: Any) -> Ensemble:
    """The trees of a CatBoost model with symmetric trees, on `missing_first` rows.

    Raises:
        ValueError: a split is not about a number.
    """
    with TemporaryDirectory() as folder:  # CatBoost writes this form to files only
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        document = json.loads(path.read_text())
    trees = []
    for tree in document["oblivious_trees"]:
        if any(split["split_type"] != "FloatFeature" for split in tree["splits"] or ()):
            raise ValueError("a split over a set of categories has no place in this graph")
        questions = [
            (split["float_feature_index"], float(np.float32(split["border"])))
            for split in tree["splits"] or ()
        ]
        trees.append(_catboost(questions, tree["leaf_values"], len(questions), 0, {}))
    scale, (bias,) = document["scale_and_bias"]
    if scale != 1:
        raise ValueError(f"the leaves of this model are scaled by {scale}")
    return Ensemble(tuple(trees), bias)


def _lightgbm(node: Mapping[str, Any]) -> Node:
    if "leaf_value" in node:
        return float(node["leaf_value"])
    if node["decision_type"] != "<=" or node["missing_type"] != "None":
        raise ValueError(
            f"a split of type {node['decision_type']} with missing values of type"
            f" {node['missing_type']} has no place in this graph; train on `missing_first` rows"
        )
    return Split(
        node["split_feature"],
        _float32_not_above(float(node["threshold"])),
        above=_lightgbm(node["right_child"]),
        below=_lightgbm(node["left_child"]),
    )


def _xgboost(tree: Mapping[str, Any], at: int) -> Node:
    """XGBoost goes left where `x < condition`; both are float32."""
    condition = np.float32(tree["split_conditions"][at])
    if tree["left_children"][at] < 0:
        return float(condition)  # of a leaf it is the value
    return Split(
        tree["split_indices"][at],
        float(np.nextafter(condition, np.float32(-np.inf))),
        above=_xgboost(tree, tree["right_children"][at]),
        below=_xgboost(tree, tree["left_children"][at]),
    )


def _catboost(
    questions: Sequence[tuple[int, float]],
    values: Sequence[float],
    depth: int,
    leaf: int,
    known: Mapping[int, tuple[float, float]],
) -> Node:
    """A symmetric tree asks all rows the same questions; the answers are the bits of the leaf.

    A question that an earlier one has answered is left out; `known` holds for each feature the
    bounds that the path has set, lower (exclusive) and upper (inclusive).
    """
    if not depth:
        return float(values[leaf])
    feature, border = questions[depth - 1]
    low, high = known.get(feature, (-math.inf, math.inf))
    yes = leaf | 1 << (depth - 1)
    if border <= low:
        return _catboost(questions, values, depth - 1, yes, known)
    if border >= high:
        return _catboost(questions, values, depth - 1, leaf, known)
    above = {**known, feature: (border, high)}
    below = {**known, feature: (low, border)}
    return Split(
        feature,
        border,
        above=_catboost(questions, values, depth - 1, yes, above),
        below=_catboost(questions, values, depth - 1, leaf, below),
    )


def _float32_not_above(exact: float) -> float:
    """The largest float32 that is not above a threshold of LightGBM, which is a double.

    For every float32 x then `x <= threshold` says the same of both: rounding to the nearest, as
    converters do, sends rows that lie between the two down the wrong branch.
    """
    rounded = np.float32(exact)
    if float(rounded) > exact:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)
