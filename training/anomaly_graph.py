"""A bundle of detectors as one ONNX graph: the forest is one node, whatever its number of trees."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper

from training import graph
from training.anomaly_bundle import LN10, WEIGHTS, Bundle
from training.anomaly_members import DISTANCE_FLOOR, Tails
from training.anomaly_steps import constants, step_node
from training.trees import Ensemble

Nodes = list[onnx.NodeProto]
node = helper.make_node

OUTPUTS: Final = ("score", "p_value", "contribution", "lower", "upper", "taken")
RAW: Final = ("forest_score", "nearest_score", "covariance_score")


def bundle_graph(bundle: Bundle, *, name: str, notes: str, metadata: Mapping[str, str]) -> bytes:
    """`features` float32 [rows, F] to `OUTPUTS`, as `Bundle.outputs` has them."""
    width = len(bundle.means)
    nodes: Nodes = []
    arrays: dict[str, Any] = {"one": np.array([1.0]), "votes": WEIGHTS[:, None]}
    _forest(bundle, nodes)
    _nearest(bundle, nodes, arrays)
    _covariance(bundle, nodes, arrays)
    nodes.append(_tails(bundle.tails))
    nodes.append(node("Concat", list(RAW), ["members"], axis=1))
    ranks, tensors = bundle.ranks.nodes("ranks", "members", "surprises")
    chance, more = bundle.calibration.nodes("calibration", "combined", "chance_log", -1.0)
    reasons, most = bundle.reasons.nodes("reasons", "away_size", "together", 1.0 / LN10)
    tensors += more + most
    nodes += [
        *ranks,
        node("MatMul", ["surprises", "votes"], ["combined"]),
        node("Add", ["combined", "one"], ["more"]),
        node("Div", ["combined", "more"], ["score"]),
        *chance,
        node("Exp", ["chance_log"], ["p_value"]),
        *reasons,
        node("Max", ["alone", "together"], ["contribution"]),
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
    """The forest alone, `features` to `score`: one node for the trees, two for the rest."""
    nodes: Nodes = []
    _forest(bundle, nodes)
    nodes.append(node("Identity", [RAW[0]], ["score"]))
    return graph.model(
        nodes,
        len(bundle.means),
        {"score": 1},
        name="forest",
        notes="an isolation forest",
        metadata={},
    )


def _forest(bundle: Bundle, nodes: Nodes) -> None:
    ensemble = Ensemble(bundle.forest.trees, 0.0)
    nodes.append(graph.tree_node([ensemble], graph.INPUT, "forest_log", name="forest"))
    nodes.append(node("Exp", ["forest_log"], [RAW[0]]))


def _tails(tails: Tails) -> onnx.NodeProto:
    """How rare each value is by itself, in powers of ten."""
    columns = [
        (edges, {at: np.maximum(np.maximum(left, right) - np.log(2.0), 0.0) / LN10})
        for at, (edges, left, right) in enumerate(
            zip(tails.edges, tails.left, tails.right, strict=True)
        )
    ]
    return step_node("tails", graph.INPUT, "alone", columns, len(columns))


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
        node("Gemm", ["soft", "doubled", "norms"], ["distances"]),
        node("TopK", ["distances", "count"], ["near", "near_places"], largest=0, sorted=0),
        node("ReduceSumSquare", ["soft"], ["soft_norm"], axes=[1]),
        node("Add", ["near", "soft_norm"], ["near_squares"]),
        node("Max", ["near_squares", "floor"], ["near_kept"]),
        node("Sqrt", ["near_kept"], ["near_distances"]),
        node("ReduceMean", ["near_distances"], [RAW[1]], axes=[1]),
    ]


def _covariance(bundle: Bundle, nodes: Nodes, arrays: dict[str, Any]) -> None:
    """All that is linear in a row by one product: its distance, what is off, and the range."""
    covariance, width = bundle.covariance, len(bundle.means)
    factor = covariance.factor()
    foretell = covariance.precision / np.diag(covariance.precision)
    per_unit = 1.0 / bundle.deviations[:, None]
    # What is expected of a feature does not depend on its own value: no difference of large ones.
    kept = np.eye(width) - per_unit * foretell * bundle.deviations
    np.fill_diagonal(kept, 0.0)
    middle = bundle.means + (covariance.centre @ foretell) * bundle.deviations
    lower, upper = bundle.band
    arrays["means"] = bundle.means[None]
    arrays["linear"] = np.hstack((per_unit * factor, per_unit * foretell, kept, kept))
    at_centre = (-covariance.centre @ factor, -covariance.centre @ foretell)
    arrays["shift"] = np.concatenate((*at_centre, middle + lower, middle + upper))[None]
    arrays["four"] = np.array([width] * 4, np.int64)
    nodes += [
        node("Sub", [graph.INPUT, "means"], ["moved"]),
        node("Gemm", ["moved", "linear", "shift"], ["products"]),
        node("Split", ["products", "four"], ["round", "away", "lower", "upper"], axis=1),
        node("ReduceSumSquare", ["round"], [RAW[2]], axes=[1]),
        node("Abs", ["away"], ["away_size"]),
    ]


def nodes_of(content: bytes) -> Sequence[str]:
    """The operators of a graph, in its order."""
    return [one.op_type for one in onnx.load_from_string(content).graph.node]
