"""Trees as ONNX: one TreeEnsembleRegressor node for all of them, and the graph around it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import onnx
from onnx import TensorProto, helper

from training.trees import Ensemble, Node, Split

INPUT: Final = "features"
OUTPUT: Final = "score"
LOG_ODDS: Final = "log_odds"
PRODUCER: Final = "stubtail.training"
PRODUCER_VERSION: Final = "1"
OPSET: Final = 17
ML_OPSET: Final = 3
IR_VERSION: Final = 8  # goes with opset 17; read by every ONNX Runtime since 1.12
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


def classifier(
    ensemble: Ensemble, width: int, *, name: str, notes: str, metadata: Mapping[str, str]
) -> bytes:
    """The graph of a yes/no model: `features` float32 [rows, width] to `score` [rows, 1].

    Args:
        ensemble: trees whose sum is the calibrated log-odds, as `trees.fold` gives them.
        width: the number of features.
        name: of the model, becomes the name of the graph.
        notes: one sentence, becomes the doc_string.
        metadata: further text, readable in any ONNX viewer.
    """
    squash = helper.make_node("Sigmoid", [LOG_ODDS], [OUTPUT], name="probability")
    nodes = [tree_node([ensemble], INPUT, LOG_ODDS, name="trees"), squash]
    return model(nodes, width, {OUTPUT: 1}, name=name, notes=notes, metadata=metadata)


def tree_node(
    targets: Sequence[Ensemble], source: str, result: str, *, name: str
) -> onnx.NodeProto:
    """One node for all trees: `source` float32 [rows, features] to `result` [rows, targets].

    Args:
        targets: one ensemble for each column of the result; `trees.exact` ones give the same bits
            in every batch.
        source: the input tensor.
        result: the output tensor.
        name: of the node.
    """
    nodes: list[tuple[Any, ...]] = []
    leaves: list[tuple[Any, ...]] = []
    # Of a target without a tree ONNX Runtime forgets the base value: it gets a tree of one leaf.
    trees = [(at, tree) for at, one in enumerate(targets) for tree in one.trees or (0.0,)]
    for tree_id, (target, tree) in enumerate(trees):
        _add_tree(nodes, leaves, tree_id, target, tree)
    lists: dict[str, Any]
    lists = dict(zip(_NODE_LISTS, map(list, zip(*nodes, strict=True)), strict=True))
    lists |= dict(zip(_LEAF_LISTS, map(list, zip(*leaves, strict=True)), strict=True))
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [result],
        name=name,
        domain="ai.onnx.ml",
        n_targets=len(targets),
        aggregate_function="SUM",
        post_transform="NONE",  # the runtime ignores LOGISTIC in a regressor
        base_values=[one.base for one in targets],
        **lists,
    )


def model(
    nodes: Sequence[onnx.NodeProto],
    width: int,
    outputs: Mapping[str, int],
    *,
    name: str,
    notes: str,
    metadata: Mapping[str, str],
    constants: Sequence[onnx.TensorProto] = (),
) -> bytes:
    """A checked model of these nodes, the same bytes each time.

    Args:
        nodes: in the order of running.
        width: the number of features of the input, which is called INPUT.
        outputs: the graph's outputs with their width; all are float32 [rows, width].
        name: as for `classifier`; so are `notes` and `metadata`.
        notes: as for `classifier`.
        metadata: as for `classifier`.
        constants: initialisers that the nodes use.
    """

    def table(tensor: str, columns: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["rows", columns])

    graph = helper.make_graph(
        list(nodes),
        name,
        [table(INPUT, width)],
        [table(output, columns) for output, columns in outputs.items()],
        list(constants),
    )
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name=PRODUCER,
        producer_version=PRODUCER_VERSION,
        doc_string=notes,
    )
    helper.set_model_props(made, dict(sorted(metadata.items())))
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _add_tree(
    nodes: list[tuple[Any, ...]],
    leaves: list[tuple[Any, ...]],
    tree_id: int,
    target: int,
    root: Node,
) -> None:
    """Adds one tree, parents before children, the children of a node side by side."""
    waiting = [root]
    for node_id, node in enumerate(waiting):  # grows while it is read
        if isinstance(node, Split):
            above, below = len(waiting), len(waiting) + 1
            waiting += [node.above, node.below]
            question = (node.feature, node.threshold)
            nodes.append((tree_id, node_id, "BRANCH_GT", *question, above, below))
        else:
            nodes.append((tree_id, node_id, "LEAF", 0, 0.0, 0, 0))
            leaves.append((tree_id, node_id, target, node))
