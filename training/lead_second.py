"""The second purchase: a line in logs for customers with one, as their chance fades with age.

Trees cannot say that a customer older than any they have seen is less likely still to come back. A
line can, and it has less to learn by heart: all that tells two such customers apart is how long ago
they bought, and what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper
from sklearn.linear_model import LogisticRegression

from training import graph, intervals
from training.calibration import sigmoid
from training.cdnow import Panel
from training.features import Labels, Matrix

Numbers = npt.NDArray[np.float64]

AGE: Final = "recency_days"
BASKET: Final = ("first_value", "first_items")
FACTS: Final = (AGE, *BASKET)
PURCHASES: Final = "purchases"
LEAST: Final = (1.0, 0.0, 0.0)  # what a fact below it counts as: less has no log
FLOORS: Final = (0.0, 1.0, 1.0)  # added before the log: a first purchase may be worth nothing
DATES: Final = 4  # the last ones: in a customer's first months the chance falls off the line
DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """Log-odds = weights * log(facts + floors) + constant; the first weight is of the age."""

    weights: tuple[float, ...]
    constant: float

    def chance(self, rows: Matrix, names: Sequence[str]) -> Numbers:
        """The probability of a second purchase, [rows]; 1 for those who have made it."""
        found = sigmoid(_logs(rows, names) @ np.array(self.weights) + self.constant)
        return np.where(_repeated(rows, names), 1.0, found)

    def standing(self, rows: Matrix, names: Sequence[str]) -> Numbers:
        """How a customer stands among others of the same age, 0 to 1, [rows].

        The interval is about this number: unlike the chance, it does not drift as all grow older.
        """
        found = sigmoid(_logs(rows, names)[:, 1:] @ np.array(self.weights[1:]))
        return np.where(_repeated(rows, names), 1.0, found)


def single(panel: Panel) -> npt.NDArray[np.bool_]:
    """The customers with one purchase, [customers]."""
    return ~_repeated(panel.rows, panel.known.names)


def fit(panels: Sequence[Panel], horizon: int) -> Line:
    """Logistic regression on the customers with one purchase of the last dates."""
    parts = [(panel, single(panel)) for panel in panels[-DATES:]]
    logs = np.concatenate([_logs(panel.rows[one], panel.known.names) for panel, one in parts])
    bought = np.concatenate([panel.wait[one] < horizon for panel, one in parts])
    model = LogisticRegression(C=100.0, max_iter=1000).fit(logs, bought)
    weights = tuple(round(float(weight), DIGITS) for weight in model.coef_[0])
    return Line(weights, round(float(model.intercept_[0]), DIGITS))


def interval(
    standing: Numbers, labels: Labels, meaning: str, coverages: Sequence[float]
) -> dict[str, Any]:
    """The interval of the outcome, from the standing of customers with one purchase."""
    found = intervals.outcome(standing, labels, meaning=meaning, coverages=coverages)
    return {
        **found,
        "method": "quantile",
        "lower": "conversion_standing",
        "upper": "conversion_standing",
    }


def nodes(line: Line, names: Sequence[str], constants: dict[str, Any]) -> list[onnx.NodeProto]:
    """From INPUT to `conversion` and `conversion_standing`; adds to the constants.

    Args:
        line: fitted.
        names: of the features.
        constants: of the graph, by name; `one` and `last_axis` are there.
    """
    constants |= {
        "facts": np.array([names.index(name) for name in FACTS], np.int64),
        "fact_least": np.array([LEAST], np.float32),
        "fact_floors": np.array([FLOORS], np.float32),
        "fact_weights": np.array([line.weights], np.float32),
        "fact_constant": np.array([line.constant], np.float32),
        "fact_widths": np.array([1, len(BASKET)], np.int64),
        "purchases_column": np.array([names.index(PURCHASES)], np.int64),
    }
    node = helper.make_node
    return [
        node("Gather", [graph.INPUT, "facts"], ["second_facts"], axis=1),
        node("Max", ["second_facts", "fact_least"], ["second_bounded"]),
        node("Add", ["second_bounded", "fact_floors"], ["second_floored"]),
        node("Log", ["second_floored"], ["second_logs"]),
        node("Mul", ["second_logs", "fact_weights"], ["second_parts"]),
        node("ReduceSum", ["second_parts", "last_axis"], ["second_sum"], keepdims=1),
        node("Add", ["second_sum", "fact_constant"], ["second_odds"]),
        node("Sigmoid", ["second_odds"], ["second_chance"]),
        node("Split", ["second_parts", "fact_widths"], ["second_age", "second_basket"], axis=1),
        node("ReduceSum", ["second_basket", "last_axis"], ["second_rank"], keepdims=1),
        node("Sigmoid", ["second_rank"], ["second_standing"]),
        node("Gather", [graph.INPUT, "purchases_column"], ["purchases"], axis=1),
        node("Greater", ["purchases", "one"], ["repeated"]),
        node("Where", ["repeated", "one", "second_chance"], ["conversion"]),
        node("Where", ["repeated", "one", "second_standing"], ["conversion_standing"]),
    ]


def described(line: Line) -> Mapping[str, Any]:
    """The line as model.json names it."""
    return {
        "formula": "sigmoid(sum of weight * ln(fact + floor) + constant)",
        "facts": list(FACTS),
        "floors": list(FLOORS),
        "weights": list(line.weights),
        "constant": line.constant,
        "dates": f"the last {DATES}",
    }


def _logs(rows: Matrix, names: Sequence[str]) -> Numbers:
    facts = rows[:, [names.index(name) for name in FACTS]].astype(np.float64)
    return np.asarray(np.log(np.maximum(facts, LEAST) + np.array(FLOORS)))


def _repeated(rows: Matrix, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    return np.asarray(rows[:, names.index(PURCHASES)] > 1)
