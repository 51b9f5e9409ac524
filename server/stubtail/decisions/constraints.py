"""What must hold for a candidate: a quantity between two numbers, and its slack."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.decisions.evaluate import evaluate
from stubtail.decisions.functions import Column
from stubtail.decisions.types import Checked, Key, Type

TOLERANCE: Final = 1e-9  # of the numbers compared: 2.0 * 1.1 must lie within 10 % of 2.0

SLACK_COST: Final = 2  # comparing with two limits, as `Checked.cost`: 5 ns a row

Slack = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A quantity stays between two numbers; a condition is 0 or 1 and must be 1.

    Attributes:
        name: what replies call it.
        quantity: what is compared.
        minimum, maximum: between which numbers; infinite where there is no limit.
        said: what messages call the quantity.
    """

    name: str
    quantity: Checked
    minimum: float
    maximum: float
    said: str

    @property
    def cost(self) -> int:
        """What judging a row costs, as `Checked.cost`."""
        return self.quantity.cost + SLACK_COST

    def judge(self, variables: Mapping[Key, Column], rows: int) -> "Judgement":
        """Evaluates the quantity, which is done once, and compares it."""
        value = evaluate(self.quantity, variables, rows).astype(np.float64)
        slack = np.full(rows, np.inf)
        scale = np.abs(value)
        with np.errstate(all="ignore"):
            # A limit that is not there says nothing, also of an infinite value.
            if math.isfinite(self.minimum):
                slack = value - self.minimum
                scale = np.maximum(scale, abs(self.minimum))
            if math.isfinite(self.maximum):
                slack = np.minimum(slack, self.maximum - value)
                scale = np.maximum(scale, abs(self.maximum))
            # An infinite value has an infinite scale; it is no rounding error.
            rounding = (slack < 0) & (slack >= -TOLERANCE * scale) & np.isfinite(value)
        return Judgement(self, value, np.where(rounding, 0.0, slack))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A constraint on the rows of one run.

    Attributes:
        constraint: what must hold.
        value: [rows], the quantity.
        slack: [rows], the distance to the nearer limit: negative when violated, NaN when the
            quantity has no value.
    """

    constraint: Constraint
    value: NDArray[np.float64]
    slack: Slack

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which rows do not keep the constraint, [rows]."""
        return ~(self.slack >= 0)

    def violation(self, row: int) -> str:
        """What a row violates, in words."""
        constraint = self.constraint
        if constraint.quantity.type is Type.TRUTH:
            return f"{constraint.said} must be true"
        limits = limits_in_words(constraint.minimum, constraint.maximum)
        return f"{constraint.said} must be {limits} and is {self.value[row]:g}"


def limits_in_words(minimum: float, maximum: float) -> str:
    """Two limits as a sentence has them."""
    if math.isinf(minimum):
        return f"at most {maximum:g}"
    if math.isinf(maximum):
        return f"at least {minimum:g}"
    return f"from {minimum:g} to {maximum:g}"


def widths(slacks: Sequence[Slack]) -> list[float]:
    """For each constraint its widest violation, which others are compared with; 1 without any."""
    found = []
    for slack in slacks:
        short = -slack[np.isfinite(slack) & (slack < 0)]
        found.append(float(short.max()) if short.size else 1.0)
    return found


def nearest(slacks: Sequence[Slack], count: int) -> int:
    """The position of the candidate that violates least: the sum of shares of the widest violation.

    Args:
        slacks: of each constraint, [count].
        count: how many candidates come into question, at least one.
    """
    total = np.zeros(count)
    for slack, width in zip(slacks, widths(slacks), strict=True):
        # What has no value violates more than everything that has one.
        shares = np.where(np.isfinite(slack), np.maximum(-slack, 0.0) / width, 2.0)
        total += np.where(slack == np.inf, 0.0, shares)
    return int(np.argmin(total))
