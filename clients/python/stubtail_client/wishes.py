"""What a caller asks of `decide`: values to try, objectives and constraints, as plain objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers at equal distances, both ends included: `Range(1.8, 2.2, 5)` is 1.8, 1.9, .. 2.2."""

    first: float
    last: float
    steps: int


@dataclass(frozen=True, slots=True)
class Revenue:
    """`price * outcome`: the outcome is a number of items sold.

    Attributes:
        price: the feature or parameter that is the price of an item.
        outcome: the output; "" for the main one.
        pessimistic: counts with the lower bound of the outcome instead; needs `coverage`.
    """

    price: str
    outcome: str = ""
    pessimistic: bool = False


@dataclass(frozen=True, slots=True)
class Profit:
    """`(price - cost) * outcome`: the outcome is a number of items sold.

    Attributes:
        price: the feature or parameter that is the price of an item.
        cost: the feature or parameter that an item costs.
        outcome: the output; "" for the main one.
        pessimistic: counts with the lower bound of the outcome instead; needs `coverage`.
    """

    price: str
    cost: str
    outcome: str = ""
    pessimistic: bool = False


@dataclass(frozen=True, slots=True)
class ValueAtRisk:
    """`value * outcome + cost`: the outcome is the probability of losing the value.

    Attributes:
        value: the feature or parameter that may be lost.
        cost: the feature or parameter that the action costs; "" for nothing.
        outcome: the output; "" for the main one.
        pessimistic: counts with the upper bound of the outcome instead; needs `coverage`.
    """

    value: str
    cost: str = ""
    outcome: str = ""
    pessimistic: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """A numeric feature or parameter stays between two numbers; None is no limit.

    Attributes:
        of: the feature or parameter.
        minimum: the least that is allowed.
        maximum: the most that is allowed.
        name: what the answer calls it; "" lets the server make one.
    """

    of: str
    minimum: float | None = None
    maximum: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class MaxChange:
    """A numeric feature or parameter does not move too far from the context's value.

    Attributes:
        of: the feature or parameter.
        relative: the allowed change as a share of the context's value, such as 0.1 for 10 %.
        absolute: the allowed change in the feature's own unit. Give one of the two.
        name: what the answer calls it; "" lets the server make one.
    """

    of: str
    relative: float | None = None
    absolute: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """An expression stays within limits, such as the least that must be predicted.

    Attributes:
        expression: gives a number, or a bool that must be true and takes no limits.
        at_least: the least that is allowed; None is no limit.
        at_most: the most that is allowed; None is no limit.
        name: what the answer calls it; "" lets the server make one.
    """

    expression: str
    at_least: float | None = None
    at_most: float | None = None
    name: str = ""


NamedObjective = Revenue | Profit | ValueAtRisk
ObjectiveInput = str | NamedObjective
Constraint = Bounds | MaxChange | Limit
AxisInput = Range | Sequence[float] | Sequence[str] | npt.NDArray[Any]
GridInput = Mapping[str, AxisInput]
CandidatesInput = Sequence[Mapping[str, Any]]
