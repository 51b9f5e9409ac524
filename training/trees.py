"""Boosted trees as two ONNX nodes that compute, for every float32 row, what LightGBM computes."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from training.calibration import Platt
from training.features import Matrix

INPUT: Final = "features"
OUTPUT: Final = "score"
LOG_ODDS: Final = "log_odds"
PRODUCER: Final = "stubtail.training"
PRODUCER_VERSION: Final = "1"
OPSET: Final = 17
ML_OPSET: Final = 3
IR_VERSION: Final = 8  # goes with opset 17; read by every ONNX Runtime since 1.12
MANTISSA_BITS: Final = 24  # of a float32
_NODE_LISTS: Final = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_modes",
    "nodes_featureids",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
)
_LEAF_LISTS: Final = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
BELOW_ALL: Final = float(np.finfo(np.float32).min)


def missing_first(rows: Matrix) -> npt.NDArray[np.float64]:
    """The rows as LightGBM gets them: a missing number is smaller than any other.

    The graph follows the same rule at no cost: its only question is "is x > threshold?", and NaN
    answers no to that. LightGBM's own treatment of NaN needs a test for NaN at each split, which
    makes 256 rows 6 to 15 % slower.
    """
    return np.where(np.isnan(rows), BELOW_ALL, rows).astype(np.float64)


def fold(booster: Any, platt: Platt) -> float:
    """Folds the calibration into the leaves of the booster and returns the base value.

    Each leaf is multiplied by the slope and rounded to a power of two so small that nothing
    visible changes (about 1e-6), and so large that a float32 holds every partial sum exactly:
    the log-odds of a row do not depend on the order of summing, that is on batch and threads.

    Afterwards `booster.predict(rows, raw_score=True)` plus the base value are the log-odds.
    """
    leaves = _leaf_values(booster)
    most = abs(platt.intercept) + sum(
        abs(platt.slope) * max(abs(value) for value in tree) for tree in leaves
    )
    step = 2.0 ** (math.ceil(math.log2(1.001 * most)) - MANTISSA_BITS)  # 1.001: rounding adds up
    for tree_id, tree in enumerate(leaves):
        for leaf_id, value in enumerate(tree):
            booster.set_leaf_output(tree_id, leaf_id, round(platt.slope * value / step) * step)
    return round(platt.intercept / step) * step


def to_onnx(
    booster: Any, base: float, *, name: str, notes: str, metadata: Mapping[str, str]
) -> bytes:
    """The graph: `features` float32 [rows, features] to `score` float32 [rows, 1].

    Args:
        booster: a LightGBM booster for a yes/no outcome, trained on `missing_first` rows.
        base: log-odds added to the sum of the leaves.
        name: of the model, becomes the name of the graph.
        notes: one sentence, becomes the doc_string.
        metadata: further text, readable in any ONNX viewer.

    Raises:
        ValueError: the booster has a split that this graph cannot express.
    """
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        [LOG_ODDS],
        name="trees",
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",  # the runtime ignores LOGISTIC in a regressor
        base_values=[base],
        **_attributes(booster),
    )
    squash = helper.make_node("Sigmoid", [LOG_ODDS], [OUTPUT], name="probability")
    width = booster.num_feature()
    graph = helper.make_graph(
        [ensemble, squash],
        name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 1])],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name=PRODUCER,
        producer_version=PRODUCER_VERSION,
        doc_string=notes,
    )
    helper.set_model_props(model, dict(sorted(metadata.items())))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _leaf_values(booster: Any) -> list[list[float]]:
    """The leaf values of each tree, in the order of LightGBM's leaf numbers."""
    return [
        [booster.get_leaf_output(tree["tree_index"], leaf) for leaf in range(tree["num_leaves"])]
        for tree in booster.dump_model()["tree_info"]
    ]


def _attributes(booster: Any) -> dict[str, Any]:
    """All trees of the booster as the parallel lists that the ONNX operator wants."""
    nodes: list[tuple[Any, ...]] = []
    leaves: list[tuple[Any, ...]] = []
    for tree in booster.dump_model()["tree_info"]:
        _add_tree(nodes, leaves, tree["tree_index"], tree["tree_structure"])
    lists = dict(zip(_NODE_LISTS, map(list, zip(*nodes, strict=True)), strict=True))
    lists |= dict(zip(_LEAF_LISTS, map(list, zip(*leaves, strict=True)), strict=True))
    return lists


def _add_tree(
    nodes: list[tuple[Any, ...]],
    leaves: list[tuple[Any, ...]],
    tree_id: int,
    root: Mapping[str, Any],
) -> None:
    """Adds one tree, parents before children, the children of a node side by side."""
    waiting = [root]
    for node_id, node in enumerate(waiting):  # grows while it is read
        if "leaf_value" in node:
            nodes.append((tree_id, node_id, "LEAF", 0, 0.0, 0, 0))
            leaves.append((tree_id, node_id, 0, float(node["leaf_value"])))
        else:
            above, below = len(waiting), len(waiting) + 1
            waiting += [node["right_child"], node["left_child"]]
            split = (node["split_feature"], _threshold(node))
            nodes.append((tree_id, node_id, "BRANCH_GT", *split, above, below))


def _threshold(node: Mapping[str, Any]) -> float:
    """The largest float32 that is not above LightGBM's threshold, which is a double.

    For every float32 x then `x <= threshold` says the same of both: rounding to the nearest, as
    converters do, sends rows that lie between the two down the wrong branch.
    """
    if node["decision_type"] != "<=" or node["missing_type"] != "None":
        raise ValueError(
            f"a split of type {node['decision_type']} with missing values of type"
            f" {node['missing_type']} has no place in this graph; train on `missing_first` rows"
        )
    exact = float(node["threshold"])
    rounded = np.float32(exact)
    if float(rounded) > exact:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)
