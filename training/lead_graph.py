"""The lead scores as one graph: one node of trees for four targets, and the arithmetic after it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from training import graph, lead_second
from training.lead_models import (
    CENTRE_DAYS,
    HORIZON_DAYS,
    SPEND_FLOOR,
    SPEND_START,
    TARGETS,
    Blend,
)
from training.lead_second import Line
from training.trees import Ensemble

OUTPUTS: Final = ("intent", "timing", "budget", "conversion", "churn_risk", "engagement")
SPREADS: Final = ("timing_spread", "budget_spread", "conversion_standing")


def build(
    ensembles: Mapping[str, Ensemble],
    second: Line,
    blend: Blend,
    columns: Sequence[str],
    *,
    notes: str,
    metadata: Mapping[str, str],
) -> bytes:
    """The graph: `features` [rows, features] to the scores, and more for intervals, [rows, 1] each.

    Args:
        ensembles: by target, with calibration.
        second: of conversion.
        blend: of engagement.
        columns: the names of the features.
        notes: as for `graph.classifier`.
        metadata: as for `graph.classifier`.
    """
    constants = _constants(blend, columns)
    node = helper.make_node
    nodes: list[onnx.NodeProto] = [
        graph.tree_node(
            [ensembles[target.name] for target in TARGETS], graph.INPUT, "sums", name="trees"
        ),
        node("Split", ["sums", "widths"], ["log_odds", "days", "log_factor"], axis=1),
        node("Sigmoid", ["log_odds"], ["chances"]),
        node("Split", ["chances"], ["intent", "churn_risk"], axis=1),
        *lead_second.nodes(second, columns, constants),
        node("Add", ["days", "centre"], ["wait"]),
        node("Clip", ["wait", "zero_days", "horizon"], ["timing"]),
        node("Div", ["timing", "above_horizon"], ["waited"]),
        node("Sub", ["one", "waited"], ["timing_spread"]),
        node("Gather", [graph.INPUT, "start_column"], ["recent"], axis=1),
        node("Max", ["recent", "nothing"], ["spent"]),  # more may have gone back than was bought
        node("Add", ["spent", "floor"], ["start"]),
        node("Exp", ["log_factor"], ["factor"]),
        node("Mul", ["start", "factor"], ["budget"]),
        node("Add", ["budget", "one"], ["budget_variance"]),
        node("Sqrt", ["budget_variance"], ["budget_spread"]),
        node("Split", ["log_odds"], ["intent_odds", "churn_odds"], axis=1),
        node("Log", ["budget"], ["log_budget"]),
        node("Concat", ["intent_odds", "churn_odds", "log_budget"], ["blended"], axis=1),
        node("Mul", ["blended", "blend_weights"], ["weighted"]),
        # a sum, not a matrix product: its bits do not depend on the number of rows
        node("ReduceSum", ["weighted", "last_axis"], ["mixed"], keepdims=1),
        node("Add", ["mixed", "blend_constant"], ["engagement_odds"]),
        node("Sigmoid", ["engagement_odds"], ["engagement"]),
    ]
    return graph.model(
        nodes,
        len(columns),
        dict.fromkeys((*OUTPUTS, *SPREADS), 1),
        name="lead",
        notes=notes,
        metadata=metadata,
        constants=[numpy_helper.from_array(value, key) for key, value in constants.items()],
    )


def _constants(blend: Blend, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "start_column": np.array([columns.index(SPEND_START)], np.int64),
        "nothing": np.array([0], np.float32),
        "floor": np.array([SPEND_FLOOR], np.float32),
        "one": np.array([1], np.float32),
        "centre": np.array([CENTRE_DAYS], np.float32),
        "zero_days": np.array(0, np.float32),
        "horizon": np.array(HORIZON_DAYS, np.float32),
        "above_horizon": np.array([HORIZON_DAYS + 1], np.float32),
        "blend_weights": np.array([blend.weights], np.float32),
        "blend_constant": np.array([blend.constant], np.float32),
        "widths": np.array([2, 1, 1], np.int64),
        "last_axis": np.array([1], np.int64),
    }
