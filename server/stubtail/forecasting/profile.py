"""A season's average shape and the level below it: a quick forecast, and the base of the trees.

The shape is a weighted mean over the last seasons, newer ones counting more. What is left when it
is taken out follows an AR(1) process around its recent mean, so a deviation fades away.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

CYCLES_MAX: Final = 8  # older seasons count less than 5 %
DECAY: Final = 0.7  # of the weight from one season to the one before it
LEVEL_STEPS_MIN: Final = 8  # fewer values do not tell a level


@dataclass(frozen=True, slots=True)
class Profile:
    """A series taken apart.

    Attributes:
        season: steps of a season; 1 without one.
        shape: float64 [season], the mean shape around 0; entry 0 belongs to the first future step.
        rest: float64 [n], the series without its shape.
        level: the recent mean of the rest.
        deviation: of the last values from the level.
        fade: how much of a deviation is left after one step, 0 to 1.
        noise: the standard deviation of one step of the rest.
    """

    season: int
    shape: Doubles
    rest: Doubles
    level: float
    deviation: float
    fade: float
    noise: float

    def forecast(self, horizon: int) -> Doubles:
        """The expected course, float64 [horizon]."""
        ahead = np.arange(horizon)
        return np.asarray(
            self.shape[ahead % self.season]
            + self.level
            + self.deviation * self.fade ** (ahead + 1.0)
        )


def take_apart(values: Doubles, season: int) -> Profile:
    """The profile of a series.

    Args:
        values: float64 [n], finite, the newest last.
        season: steps; one that was not seen twice counts as none.
    """
    count = len(values)
    if season < 2 or count < 2 * season:
        season = 1
    shape = _shape(values, season)
    rest = values - shape[np.arange(-count, 0) % season]
    recent = rest[-max(season, LEVEL_STEPS_MIN) :]
    window = rest[-max(4 * season, 64) :]
    centred = window - window.mean()
    energy = float(centred @ centred)
    fade = 0.0
    if energy > 0 and len(window) > 2:
        fade = min(max(float(centred[1:] @ centred[:-1]) / energy, 0.0), 0.999)
    # The nearer to a random walk, the less the mean says and the more the last value.
    level = float(recent.mean())
    weights = fade ** np.arange(min(len(rest), 3))
    last = float(rest[-len(weights) :][::-1] @ weights / weights.sum())
    noise = float(np.diff(window).std()) if len(window) > 2 else 0.0
    return Profile(season, shape, rest, level, last - level, fade, noise)


def _shape(values: Doubles, season: int) -> Doubles:
    if season == 1:
        return np.zeros(1)
    cycles = min(len(values) // season, CYCLES_MAX)
    table = values[-cycles * season :].reshape(cycles, season)
    table = table - table.mean(axis=1, keepdims=True)
    weights = DECAY ** np.arange(cycles - 1, -1, -1)
    return np.asarray(weights @ table / weights.sum())
