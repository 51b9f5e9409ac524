"""How rare a deviation is: the tails of a sample, beyond what it has seen; pure.

Peaks over a threshold (Balkema and de Haan, 1974; Pickands, 1975): what exceeds a high quantile
follows a generalised Pareto distribution, whatever the sample follows. Its two parameters are taken
from quantiles of the exceedances and not from their mean, so that a few anomalies among them, which
the sample has if there is anything to find, do not widen the tail that is to find them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

TAIL_SHARE: Final = 0.1  # of the sample is above the threshold; the tail is what lies beyond
TAIL_LEAST: Final = 20  # exceedances that a short sample gives, up to a quarter of it
MIDDLE: Final = 0.5  # the quantiles of the exceedances that the fit looks at
UPPER: Final = 0.8  # 98 % of the sample: two of a hundred points may be anomalies
SHAPE_PRIOR: Final = 0.15  # between exponential and the tails of most metrics
SHAPE_FEW: Final = 0.3  # of samples too small to tell: rather a false silence than a false alarm
SHAPE_WEIGHT: Final = 80.0  # exceedances that outweigh the prior
OVERLAP_WEIGHT: Final = 12.0  # the same, of exceedances that share no points
SHAPE_LEAST: Final = -0.2
SHAPE_MOST: Final = 0.7
EXCEEDANCES_MIN: Final = 6  # with fewer, quantiles of them say nothing
SHAPE_BEYOND: Final = 0.35  # at least, beyond what a sample has seen; see ARCHITECTURE, 62
SMALLEST: Final = 1e-12  # p-values below are not told apart

_SHAPES: Final = np.linspace(-0.6, 1.6, 221)


def _ratio(shape: Numbers) -> Numbers:
    """Quantile UPPER over quantile MIDDLE of generalised Pareto distributions."""
    near = np.where(np.abs(shape) < 1e-9, 1e-9, shape)
    upper, middle = (np.expm1(-near * np.log1p(-part)) for part in (UPPER, MIDDLE))
    return np.asarray(upper / middle)


_RATIOS: Final = _ratio(_SHAPES)


@dataclass(frozen=True, slots=True)
class Tail:
    """The upper tail of a sample: P(value > threshold + y) = share * (1 + shape * y / scale)^..

    `share` of the sample lies above `threshold`. Chances below `seen`, one in the size of the
    sample, are beyond all it can tell: from there on the tail goes on with a shape of at least
    SHAPE_BEYOND.
    """

    threshold: float
    share: float
    scale: float
    shape: float
    seen: float

    def chance(self, values: Numbers) -> Numbers:
        """The chance of such a value or a larger one, [n]; meaningful above the threshold."""
        over = np.maximum(values - self.threshold, 0.0) / self.scale
        if self.seen == 0.0:
            return np.maximum(self.share * _survival(over, self.shape), SMALLEST)
        last, scale, shape = self._beyond()
        inside = self.share * _survival(np.minimum(over, last), self.shape)
        outside = self.seen * _survival(np.maximum(over - last, 0.0) / scale, shape)
        return np.maximum(np.where(over <= last, inside, outside), SMALLEST)

    def bound(self, chance: float) -> float:
        """The value that is exceeded with this chance, at most `share`."""
        if chance >= self.seen:
            over = _excess(min(chance / self.share, 1.0), self.shape)
        else:
            last, scale, shape = self._beyond()
            over = last + scale * _excess(chance / self.seen, shape)
        return self.threshold + self.scale * over

    def _beyond(self) -> tuple[float, float, float]:
        """Where the sample ends, the scale of the tail there, both in `scale`s, and its shape."""
        last = _excess(self.seen / self.share, self.shape)
        return last, 1.0 + self.shape * last, max(self.shape, SHAPE_BEYOND)


def _survival(over: Numbers, shape: float) -> Numbers:
    """The chance of more than `over` scales above the threshold."""
    if abs(shape) < 1e-6:
        return np.asarray(np.exp(-over))
    return np.asarray(np.maximum(1.0 + shape * over, 0.0) ** (-1.0 / shape))


def _excess(chance: float, shape: float) -> float:
    """The scales above the threshold that are exceeded with this chance."""
    logarithm = float(np.log(chance))
    return -logarithm if abs(shape) < 1e-6 else float(np.expm1(-shape * logarithm)) / shape


def upper_tail(ordered: Numbers, floor: float, few: float, *, overlap: int = 1) -> Tail:
    """The tail of an ascending sample.

    Args:
        ordered: finite values, ascending, at least one.
        floor: the smallest scale: what the values are exact to.
        few: the scale where too few exceed the threshold to tell.
        overlap: so many values in a row share their points, and tell as little of the shape as one;
            above 1 the tail is exponential until they tell otherwise.
    """
    count = len(ordered)
    wanted = max(int(TAIL_SHARE * count), min(count // 4, TAIL_LEAST), 1)
    threshold = float(ordered[count - wanted - 1]) if count > wanted else float(ordered[0])
    first = int(np.searchsorted(ordered, threshold, side="right"))
    over = ordered[first:] - threshold
    share = max(len(over), 1) / count
    seen = min(1 / count, share) if overlap == 1 else 0.0
    if len(over) < EXCEEDANCES_MIN:
        return Tail(threshold, share, few, SHAPE_FEW, seen)
    middle, upper = _quantile(over, MIDDLE), _quantile(over, UPPER)
    if middle <= 0.0:
        return Tail(threshold, share, floor, SHAPE_PRIOR, seen)
    found = float(np.interp(upper / middle, _RATIOS, _SHAPES))
    if overlap > 1:
        prior, least, weight = 0.0, 0.0, len(over) / (len(over) + OVERLAP_WEIGHT * overlap)
    else:
        prior, least, weight = SHAPE_PRIOR, SHAPE_LEAST, len(over) / (len(over) + SHAPE_WEIGHT)
    shape = min(max(weight * found + (1 - weight) * prior, least), SHAPE_MOST)
    if abs(shape) < 1e-6:
        scale = upper / -np.log1p(-UPPER)
    else:
        scale = upper * shape / np.expm1(-shape * np.log1p(-UPPER))
    return Tail(threshold, share, max(float(scale), floor), shape, seen)


def both_tails(sample: Numbers, floor: float, few: float, *, overlap: int = 1) -> tuple[Tail, Tail]:
    """The tails above and below, as `upper_tail`; the lower one is that of the negated sample."""
    ordered = np.sort(sample)
    return (
        upper_tail(ordered, floor, few, overlap=overlap),
        upper_tail(-ordered[::-1], floor, few, overlap=overlap),
    )


def chances(values: Numbers, above: Tail, below: Tail) -> Numbers:
    """Two-sided p-values, [n]: twice the smaller of both tails, 1 in the middle."""
    up = np.where(values > above.threshold, above.chance(values), 0.5)
    down = np.where(-values > below.threshold, below.chance(-values), 0.5)
    return np.minimum(2.0 * np.minimum(up, down), 1.0)


def _quantile(ordered: Numbers, part: float) -> float:
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
