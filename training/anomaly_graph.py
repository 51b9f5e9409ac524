"""A bundle of detectors as one ONNX graph: the forest is one node, whatever its number of trees."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper

from training import graph
from training.anomaly_bundle import LN10, WEIGHTS, Bundle
from training.anomaly_members import DISTANCE_FLOOR, Tails
from training.anomaly_steps import constants
from training.trees import Ensemble

Nodes = list[onnx.NodeProto]
node = helper.make_node

OUTPUTS: Final = ("score", "p_value", "contribution", "lower", "upper", "taken")
RAW: Final = ("forest_score", "nearest_score", "covariance_score")


def bundle_graph(bundle: Bundle, *, name: str, notes: str, metadata: Mapping[str, str]) -> bytes:
    """`features` float32 [rows, F] to `OUTPUTS`, as `Bundle.outputs` has them."""
    width = len(bundle.means)
    nodes: Nodes = []
    arrays: dict[str, Any] = {
        "means": bundle.means[None],
        "deviations": bundle.deviations[None],
        "one": np.array([1.0]),
        "zero": np.array([0.0]),
        "last_axis": np.array([1], np.int64),
    }
    _forest(bundle, nodes, arrays)
    nodes.append(node("Sub", [graph.INPUT, "means"], ["moved"]))
    nodes.append(node("Div", ["moved", "deviations"], ["standard"]))
    _nearest(bundle, nodes, arrays)
    _covariance(bundle, nodes, arrays)
    _tails(bundle.tails, width, nodes, arrays)
    nodes.append(node("Concat", list(RAW), ["members"], axis=1))
    tensors = []
    for curves, prefix, source, result in (
        (bundle.ranks, "ranks", "members", "surprises"),
        (bundle.calibration, "calibration", "combined", "surprise"),
        (bundle.reasons, "reasons", "away_size", "together"),
    ):
        some, more = curves.nodes(prefix, source, result)
        tensors += more
        if prefix == "calibration":
            nodes.append(node("MatMul", ["surprises", "votes"], ["combined"]))
        nodes += some
    arrays["votes"] = WEIGHTS[:, None]
    arrays |= {"ln10": np.array([LN10]), "ln2": np.array([np.log(2.0)])}
    nodes += [
        node("Add", ["combined", "one"], ["more"]),
        node("Div", ["combined", "more"], ["score"]),
        node("Neg", ["surprise"], ["chance_log"]),
        node("Min", ["chance_log", "zero"], ["chance_log_cut"]),
        node("Exp", ["chance_log_cut"], ["p_value"]),
        node("Max", ["left", "right"], ["rarer"]),
        node("Sub", ["rarer", "ln2"], ["alone"]),
        node("Max", ["alone", "together", "zero"], ["stranger"]),
        node("Div", ["stranger", "ln10"], ["contribution"]),
        node("Identity", [graph.INPUT], ["taken"]),
    ]
    widths = {output: 1 if output in OUTPUTS[:2] else width for output in OUTPUTS}
    cast = {k: v if v.dtype == np.int64 else v.astype(np.float32) for k, v in arrays.items()}
    return graph.model(
        nodes,
        width,
        widths,
        name=name,
        notes=notes,
        metadata=metadata,
        constants=[*constants(cast), *tensors],
    )


def forest_graph(bundle: Bundle) -> bytes:
    """The forest alone, `features` to `score`: one node for the trees, three for the formula."""
    nodes: Nodes = []
    arrays: dict[str, Any] = {}
    _forest(bundle, nodes, arrays)
    nodes.append(node("Identity", [RAW[0]], ["score"]))
    return graph.model(
        nodes,
        len(bundle.means),
        {"score": 1},
        name="forest",
        notes="an isolation forest",
        metadata={},
        constants=constants({key: value.astype(np.float32) for key, value in arrays.items()}),
    )


def _forest(bundle: Bundle, nodes: Nodes, arrays: dict[str, Any]) -> None:
    ensemble = Ensemble(bundle.forest.trees, 0.0)
    nodes.append(graph.tree_node([ensemble], graph.INPUT, "depth", name="forest"))
    arrays["per_depth"] = np.array([-np.log(2.0) / bundle.forest.usual_depth])
    nodes.append(node("Mul", ["depth", "per_depth"], ["depth_log"]))
    nodes.append(node("Exp", ["depth_log"], [RAW[0]]))


def _tails(tails: Tails, width: int, nodes: Nodes, arrays: dict[str, Any]) -> None:
    nodes.append(_tail_node(tails))
    arrays["halves"] = np.array([width, width], np.int64)
    nodes.append(node("Split", ["both_tails", "halves"], ["left", "right"], axis=1))


def _tail_node(tails: Tails) -> onnx.NodeProto:
    """One node for the steps of all features: a balanced tree for each, two targets a leaf."""
    width = len(tails.edges)
    split: list[tuple[Any, ...]] = []
    leaves: list[tuple[Any, ...]] = []
    for feature, edges in enumerate(tails.edges):
        left, right = tails.left[feature], tails.right[feature]
        waiting = [(0, len(edges))]  # bins from the first to the last of each node
        for at, (first, last) in enumerate(waiting):  # grows while it is read
            if first == last:
                split.append((feature, at, "LEAF", 0, 0.0, 0, 0))
                leaves.append((feature, at, feature, float(left[first])))
                leaves.append((feature, at, width + feature, float(right[first])))
            else:
                middle = (first + last) // 2  # bins above lie beyond the edge `middle`
                above, below = len(waiting), len(waiting) + 1
                waiting += [(middle + 1, last), (first, middle)]
                edge = float(edges[middle])
                split.append((feature, at, "BRANCH_GT", feature, edge, above, below))
    columns = [list(column) for column in zip(*split, strict=True)]
    weights = [list(column) for column in zip(*leaves, strict=True)]
    names = ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")
    lists: dict[str, Any] = {
        f"nodes_{name}": column for name, column in zip(names, columns, strict=True)
    }
    targets = ("treeids", "nodeids", "ids", "weights")
    lists |= {f"target_{name}": column for name, column in zip(targets, weights, strict=True)}
    return node(
        "TreeEnsembleRegressor",
        [graph.INPUT],
        ["both_tails"],
        name="tails",
        domain="ai.onnx.ml",
        n_targets=2 * width,
        aggregate_function="SUM",
        post_transform="NONE",
        **lists,
    )


def _nearest(bundle: Bundle, nodes: Nodes, arrays: dict[str, Any]) -> None:
    """Squared distances by one product; what they share within a row is added to the nearest."""
    softened, nearest = bundle.softened, bundle.nearest
    arrays["middles"], arrays["per_width"] = softened.middles[None], 1.0 / softened.widths[None]
    arrays["doubled"] = -2.0 * nearest.references.T
    arrays["norms"] = (nearest.references**2).sum(axis=1)[None]
    arrays["floor"] = np.array([DISTANCE_FLOOR])
    arrays["count"] = np.array([nearest.count], np.int64)
    nodes += [
        node("Sub", [graph.INPUT, "middles"], ["from_middle"]),
        node("Mul", ["from_middle", "per_width"], ["in_widths"]),
        node("Abs", ["in_widths"], ["widths_off"]),
        node("Add", ["widths_off", "one"], ["more_widths"]),
        node("Log", ["more_widths"], ["soft_size"]),
        node("Sign", ["in_widths"], ["side"]),
        node("Mul", ["soft_size", "side"], ["soft"]),
        node("MatMul", ["soft", "doubled"], ["products"]),
        node("Add", ["products", "norms"], ["distances"]),
        node("TopK", ["distances", "count"], ["near", "near_places"], largest=0, sorted=0),
        node("ReduceSumSquare", ["soft"], ["soft_norm"], axes=[1]),
        node("Add", ["near", "soft_norm"], ["near_squares"]),
        node("Relu", ["near_squares"], ["near_cut"]),
        node("Add", ["near_cut", "floor"], ["near_kept"]),
        node("Sqrt", ["near_kept"], ["near_distances"]),
        node("ReduceMean", ["near_distances"], [RAW[1]], axes=[1]),
    ]


def _covariance(bundle: Bundle, nodes: Nodes, arrays: dict[str, Any]) -> None:
    covariance = bundle.covariance
    arrays["centre"] = covariance.centre[None]
    arrays["factor"] = covariance.factor()
    arrays["foretell"] = covariance.precision / np.diag(covariance.precision)
    arrays["band_lower"], arrays["band_upper"] = (side[None] for side in bundle.band)
    nodes += [
        node("Sub", ["standard", "centre"], ["off"]),
        node("MatMul", ["off", "factor"], ["round"]),
        node("Mul", ["round", "round"], ["round_squares"]),
        node("ReduceSum", ["round_squares", "last_axis"], [RAW[2]], keepdims=1),
        node("MatMul", ["off", "foretell"], ["away"]),
        node("Abs", ["away"], ["away_size"]),
        node("Mul", ["away", "deviations"], ["away_units"]),
        node("Sub", [graph.INPUT, "away_units"], ["expected"]),
        node("Add", ["expected", "band_lower"], ["lower"]),
        node("Add", ["expected", "band_upper"], ["upper"]),
    ]


def nodes_of(content: bytes) -> Sequence[str]:
    """The operators of a graph, in its order."""
    return [one.op_type for one in onnx.load_from_string(content).graph.node]
