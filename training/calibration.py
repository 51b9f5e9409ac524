"""Platt scaling: turns log-odds that are somewhat too bold or too shy into honest probabilities."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.features import Labels

STEPS_MAX: Final = 50  # Newton needs about five
CLOSE: Final = 1e-10
CURVE_MAX: Final = 1e12  # condition number beyond which a step is noise
DIGITS: Final = 6  # of slope and intercept: rounded, so that every processor finds the same pair


@dataclass(frozen=True, slots=True)
class Platt:
    """probability = sigmoid(slope * log-odds + intercept)."""

    slope: float
    intercept: float

    def probabilities(self, log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The calibrated probabilities, in the shape of `log_odds`."""
        return sigmoid(self.slope * log_odds + self.intercept)


def sigmoid(log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0.0, -log_odds))


def fit(log_odds: npt.NDArray[np.float64], labels: Labels) -> Platt:
    """The pair with the least log loss, found by Newton's method.

    Args:
        log_odds: scores of rows that the model has not been trained on, [rows].
        labels: 0 or 1, [rows]; both occur.

    Raises:
        ValueError: no pair is best, as when the scores separate the outcomes completely.
    """
    design = np.column_stack([log_odds, np.ones_like(log_odds)])
    signs = np.where(labels == 1, -1.0, 1.0)

    def loss(weights: npt.NDArray[np.float64]) -> float:
        return float(np.logaddexp(0.0, signs * (design @ weights)).sum())

    weights = np.array([1.0, 0.0])
    for _ in range(STEPS_MAX):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - labels)
        curve = (design * (p * (1 - p))[:, None]).T @ design
        if not np.linalg.cond(curve) < CURVE_MAX:
            break
        step = np.linalg.solve(curve, gradient)
        while np.abs(step).max() > CLOSE and loss(weights - step) > loss(weights):
            step = step / 2  # far from the best pair, a whole step overshoots
        weights = weights - step
        if np.abs(step).max() <= CLOSE:
            return Platt(round(float(weights[0]), DIGITS), round(float(weights[1]), DIGITS))
    raise ValueError("calibration found no best slope: do the scores separate the outcomes?")
