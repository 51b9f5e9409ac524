"""How much each model counts: by its errors on the backtest, held by what is usual for it."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from stubtail.forecasting.members import LAST, LONG_NAIVE, LONG_PROFILE, PROFILE, SMOOTHING
from stubtail.forecasting.task import NAIVE, TREES, ZERO_SHOT, Doubles, Share

# The usual error of each model as a multiple of the median model's, on the tuning series
# (training/forecast_corpus.py; none of them is evaluated on).
USUAL: Final[Mapping[str, float]] = {
    ZERO_SHOT: 0.93,
    TREES: 0.9,
    SMOOTHING: 0.95,
    PROFILE: 1.0,
    LONG_PROFILE: 0.8,
    NAIVE: 1.05,
    LONG_NAIVE: 0.9,
    LAST: 1.35,
}
USUAL_ORIGINS: Final = 1.0  # what is usual counts as much as so many origins
POWER: Final = 5.0  # a model with half the error counts 32 times as much
SHARE_MIN: Final = 0.04  # less is noise, and lengthens the answer
TRIMMED: Final = 0.25  # of the weights on either side, at each step
WORST: Final = 5.0  # one bad origin must not decide alone


def weights_of(errors: Mapping[str, Doubles], names: Sequence[str]) -> Doubles:
    """The weights of models, adding up to 1, float64 [names].

    Args:
        errors: for each model its error at each origin, NaN where it has none.
        names: the models to weigh.
    """
    usual = np.array([USUAL[name] for name in names])
    counts = np.zeros(len(names))
    score = usual.copy()
    table = np.array([errors[name] for name in names if name in errors])
    if table.size:
        typical = _medians(table)
        told = typical > 0
        for index, name in enumerate(names):
            if name not in errors:
                continue
            relative = np.minimum(errors[name][told] / typical[told], WORST)
            relative = relative[np.isfinite(relative)]
            if len(relative):
                counts[index] = len(relative)
                score[index] = float(relative.mean())
    held = (counts * score + USUAL_ORIGINS * usual) / (counts + USUAL_ORIGINS)
    weights = np.maximum(held, 1e-6) ** -POWER
    weights = np.where(weights < SHARE_MIN * weights.max(), 0.0, weights)
    weights /= weights.sum()
    return np.asarray(weights)


def _medians(table: Doubles) -> Doubles:
    """The median of each column without its NaN; numpy's own takes ten times as long for a few."""
    ordered = np.sort(table, axis=0)  # NaN last
    known = np.count_nonzero(~np.isnan(table), axis=0)
    columns = np.arange(table.shape[1])
    low, high = np.maximum(known - 1, 0) // 2, known // 2
    return np.asarray((ordered[low, columns] + ordered[high, columns]) / 2)


def middle_mean(points: Doubles, weights: Doubles) -> Doubles:
    """The weighted mean of what lies in the middle half of the weights, float64 [horizon].

    Between the mean, which one model that follows a burst draws away, and the median, which jumps
    between models. On the tuning series 2 % better than the one and as good as the other.

    Args:
        points: float64 [models, horizon].
        weights: float64 [models], adding up to 1.
    """
    order = np.argsort(points, axis=0)
    ordered, parts = np.take_along_axis(points, order, axis=0), weights[order]
    ends = np.cumsum(parts, axis=0)
    inner = np.minimum(ends, 1.0 - TRIMMED) - np.maximum(ends - parts, TRIMMED)
    inner = np.maximum(inner, 0.0)
    return np.asarray((inner * ordered).sum(axis=0) / inner.sum(axis=0))


def shares_of(
    names: Sequence[str], weights: Doubles, errors: Mapping[str, Doubles]
) -> tuple[Share, ...]:
    """The models of a blend with their weights, the largest first."""
    naive = errors.get(NAIVE)
    shares = []
    for name, weight in zip(names, weights, strict=True):
        if weight > 0:
            relative = float("nan")
            if naive is not None and name in errors:
                both = np.isfinite(errors[name]) & np.isfinite(naive)
                below = float(naive[both].mean()) if both.any() else 0.0
                relative = float(errors[name][both].mean()) / below if below > 0 else float("nan")
            shares.append(Share(name, float(weight), relative))
    shares.sort(key=lambda share: -share.weight)
    return tuple(shares)
