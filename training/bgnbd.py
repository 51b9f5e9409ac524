"""BG/NBD and Gamma-Gamma: the two classic models of purchases and their value, as baselines.

Sources: Fader, Hardie, Lee, "Counting your customers" the easy way: an alternative to the
Pareto/NBD model, Marketing Science 24(2), 2005; Fader, Hardie, The Gamma-Gamma model of monetary
value, 2013.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

Numbers = npt.NDArray[np.float64]

DIGITS: Final = 5  # significant, of a fitted parameter: the likelihood is flat beyond
STEPS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Summary:
    """What the two models know of each customer, [customers] each.

    Attributes:
        repeats: purchase days after the first.
        last: days from the first purchase to the last.
        age: days from the first purchase to the date of the question.
        value: mean money spent on a repeat day; NaN without repeats.
    """

    repeats: Numbers
    last: Numbers
    age: Numbers
    value: Numbers


@dataclass(frozen=True, slots=True)
class BgNbd:
    """Purchases come at a customer's own rate until, after one of them, the customer leaves.

    Rates are gamma distributed (r, alpha), chances to leave beta distributed (a, b); time in days.
    """

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, known: Summary) -> Self:
        """The parameters of greatest likelihood (equation 6 of the paper, over unique rows).

        Raises:
            ValueError: the search did not end.
        """
        rows = np.column_stack([known.repeats, known.last, known.age])
        (x, last, age), weights = _unique(rows)

        def loss(logs: Numbers) -> float:
            r, alpha, a, b = np.exp(logs)
            common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            common += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
            alive = -(r + x) * np.log(alpha + age)
            gone = np.log(a) - np.log(np.maximum(b + x - 1, 1e-9)) - (r + x) * np.log(alpha + last)
            both = np.where(x > 0, np.logaddexp(alive, gone), alive)
            return -float((weights * (common + both)).sum() / weights.sum())

        return cls(*_search(loss, np.log([0.3, 30.0, 0.8, 2.5])))

    def alive(self, known: Summary) -> Numbers:
        """The chance that a customer has not left, [customers]."""
        x = known.repeats
        ratio = ((self.alpha + known.age) / (self.alpha + known.last)) ** (self.r + x)
        odds = self.a / np.maximum(self.b + x - 1, 1e-9) * ratio
        return np.asarray(np.where(x > 0, 1 / (1 + odds), 1.0))

    def buys(self, known: Summary, days: float) -> Numbers:
        """The chance of a purchase within so many days, [customers]."""
        quiet = ((self.alpha + known.age) / (self.alpha + known.age + days)) ** (
            self.r + known.repeats
        )
        return np.asarray(self.alive(known) * (1 - quiet))

    def expected_wait(self, known: Summary, days: int) -> Numbers:
        """Expected days to the next purchase, counted to `days` at most, [customers]."""
        silent = [1 - self.buys(known, day) for day in range(days)]
        return np.asarray(
            np.sum(silent, axis=0)
        )  # of a whole number T: the sum of P(T > t) over t < days

    def expected_purchases(self, known: Summary, days: float) -> Numbers:
        """Expected purchases within so many days (equation 10), [customers]."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        x, age = known.repeats, known.age
        z = days / (alpha + age + days)
        hyper = hyp2f1(r + x, b + x, a + b + x - 1, z)
        quiet = ((alpha + age) / (alpha + age + days)) ** (r + x)
        return np.asarray((a + b + x - 1) / (a - 1) * (1 - quiet * hyper) * self.alive(known))


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """The value of a purchase varies around a customer's own mean; these means vary as well."""

    p: float
    q: float
    gamma: float

    @classmethod
    def fit(cls, known: Summary) -> Self:
        """The parameters of greatest likelihood, on customers with repeats of some value.

        Raises:
            ValueError: the search did not end.
        """
        some = (known.repeats > 0) & (known.value > 0)
        x, m = known.repeats[some], known.value[some]

        def loss(logs: Numbers) -> float:
            p, q, gamma = np.exp(logs)
            terms = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
            terms += (p * x - 1) * np.log(m) + p * x * np.log(x)
            terms -= (p * x + q) * np.log(gamma + x * m)
            return -float(terms.mean())

        return cls(*_search(loss, np.log([5.0, 4.0, 15.0])))

    def expected_value(self, known: Summary) -> Numbers:
        """The expected mean value of a purchase, [customers]; the population's without repeats."""
        x, m = known.repeats, np.nan_to_num(known.value)
        return (self.gamma + m * x) * self.p / (self.p * x + self.q - 1)


def _unique(rows: Numbers) -> tuple[Numbers, Numbers]:
    unique, counts = np.unique(rows, axis=0, return_counts=True)
    return unique.T, counts.astype(np.float64)


def _search(loss: Callable[[Numbers], float], start: Numbers) -> list[float]:
    """The parameters, all above 0, that make the loss least; the search is over their logs."""
    found: Any = minimize(loss, start, method="L-BFGS-B", options={"maxiter": STEPS_MAX})
    if not found.success:
        raise ValueError(f"the likelihood has no top that can be found: {found.message}")
    return [float(f"{value:.{DIGITS}g}") for value in np.exp(found.x)]
