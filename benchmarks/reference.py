"""The reference model: an ensemble of the size that the promises were made for.

100 trees of 31 leaves over 30 features, as boosting libraries make them by default. The trees are
random but grow as theirs do, leaf by leaf, so that a run costs what a run of a trained one costs:
about 0.8 ms for 256 fresh rows on one core, where the shipped churn model takes 0.25 ms.
"""

import random
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

NAME = "reference"
TREES, LEAVES, FEATURES = 100, 31, 30
HEAVIER = {"heavy": 5_000, "middling": 1_000}  # trees: 2.5 and 0.3 ms for eight rows on one core


def write(folder: Path, seed: int = 7, *, name: str = NAME, trees: int = TREES) -> Path:
    """Writes the model below `folder`, a folder of models; returns that folder.

    With more `trees` a run takes longer: the way to a heavier model of the same kind.
    """
    version = folder / name / "1"
    version.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(random.Random(seed), trees), version / "model.onnx")
    return folder


def _graph(rng: random.Random, trees: int) -> onnx.ModelProto:
    columns: dict[str, Any] = {key: [] for key in _NODE + _TARGET}
    for tree in range(trees):
        _grow(rng, tree, columns)
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["margin"],
        domain="ai.onnx.ml",
        n_targets=1,
        **columns,
    )
    graph = helper.make_graph(
        [ensemble, helper.make_node("Sigmoid", ["margin"], ["score"])],
        NAME,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", FEATURES])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["rows", 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


_NODE = [
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_values",
    "nodes_modes",
    "nodes_truenodeids",
    "nodes_falsenodeids",
]
_TARGET = ["target_treeids", "target_nodeids", "target_ids", "target_weights"]


def _grow(rng: random.Random, tree: int, columns: dict[str, Any]) -> None:
    """Splits random leaves until there are enough; rows are even over 0 to 1 in each feature."""
    children: dict[int, tuple[int, int, int, float]] = {}
    bounds: dict[int, dict[int, tuple[float, float]]] = {0: {}}
    leaves = [0]
    while len(leaves) < LEAVES:
        node = leaves.pop(rng.randrange(len(leaves)))
        feature = rng.randrange(FEATURES)
        low, high = bounds[node].get(feature, (0.0, 1.0))
        threshold = rng.uniform(low + 0.2 * (high - low), high - 0.2 * (high - low))
        left, right = len(bounds), len(bounds) + 1
        bounds[left] = {**bounds[node], feature: (low, threshold)}
        bounds[right] = {**bounds[node], feature: (threshold, high)}
        children[node] = (feature, left, right, threshold)
        leaves += [left, right]
    for node in range(len(bounds)):
        split, left, right, threshold = children.get(node, (0, 0, 0, 0.0))
        mode = "BRANCH_LEQ" if node in children else "LEAF"
        values = (tree, node, split, threshold, mode, left, right)
        for key, value in zip(_NODE, values, strict=True):
            columns[key].append(value)
    for node in leaves:
        for key, value in zip(_TARGET, (tree, node, 0, rng.gauss(0.0, 0.1)), strict=True):
            columns[key].append(value)
