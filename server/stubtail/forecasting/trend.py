"""Whether a series rises or falls: the slope of its recent part, without its seasons."""

import math
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

RECENT_STEPS: Final = 100  # the part that says where a series goes now
RECENT_SEASONS: Final = 4
Z_95: Final = 1.959964


def recent_slope(values: Doubles, season: int) -> tuple[float, float, float]:
    """The rise in one step and the ends of its 95 % interval.

    Least squares over the last 4 seasons or 100 steps, whichever is longer. Seasons are averaged
    out first. The interval is widened for errors that follow each other (the effective number of
    values of an AR(1) process; Santer et al. 2000).

    Args:
        values: float64 [n], finite.
        season: steps of the shortest season; 1 without.
    """
    count = min(len(values), max(RECENT_STEPS, RECENT_SEASONS * season))
    recent = values[-count:]
    if 1 < season <= count // 2:
        # A mean over one whole season has none of it left.
        recent = np.convolve(recent, np.full(season, 1.0 / season), mode="valid")
    count = len(recent)
    if count < 3:
        return 0.0, float("-inf"), float("inf")
    steps = np.arange(count) - (count - 1) / 2
    spread = float(steps @ steps)
    slope = float(steps @ recent) / spread
    errors = recent - recent.mean() - slope * steps
    energy = float(errors @ errors)
    if energy <= 1e-20 * max(float(recent @ recent), 1e-300):
        return slope, slope, slope
    follow = min(max(float(errors[1:] @ errors[:-1]) / energy, 0.0), 0.99)
    effective = max(count * (1 - follow) / (1 + follow), 3.0)
    width = Z_95 * math.sqrt(energy / max(effective - 2, 1.0) / spread * count / effective)
    return slope, slope - width, slope + width
