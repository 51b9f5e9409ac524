"""What the global trees see of a series: lags, season and calendar, all on the series' own scale.

One row for each future step. Training and serving call the same function, so that they agree.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.forecasting.profile import Profile, take_apart
from stubtail.forecasting.task import Doubles

DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S
EPOCH_WEEKDAY_S: Final = 4 * DAY_S  # 1970 began on a Thursday: Monday is 0
LAST_VALUES: Final = 6
# Seasons before, and steps beside, of the lags of the short season and of the long one.
SHORT_LAGS: Final = ((1, 0), (2, 0), (3, 0))
LONG_LAGS: Final = ((1, 0), (2, 0))
BESIDE_LAGS: Final = ((1, -1), (1, 1))
NAMES: Final = (
    "lag_season_1",
    "lag_season_2",
    "lag_season_3",
    "lag_long_1",
    "lag_long_2",
    "lag_season_before",
    "lag_season_after",
    "long_profile",
    *(f"last_{index + 1}" for index in range(LAST_VALUES)),
    "mean_season",
    "mean_season_before",
    "mean_all",
    "change_season",
    "deviation",
    "fade",
    "noise",
    "season_strength",
    "base_spread",
    "floor_gap",
    "step",
    "step_of_season",
    "season_length",
    "cycles_seen",
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
    "is_weekend",
)


@dataclass(frozen=True, slots=True)
class TreeRows:
    """The rows of one series.

    Attributes:
        features: float32 [horizon, len(NAMES)], NaN where the series is too short to tell.
        base: float64 [horizon], the simple forecast that the trees correct.
        scale: what one unit of their correction is worth.
    """

    features: NDArray[np.float32]
    base: Doubles
    scale: float


def tree_rows(
    values: Doubles,
    seasons: tuple[int, ...],
    horizon: int,
    step_s: float = 0.0,
    next_s: float | None = None,
    profile_of: Callable[[int], Profile] | None = None,
) -> TreeRows:
    """The rows of the steps after a series.

    Args:
        values: float64 [n], finite.
        seasons: season lengths in steps, the strongest first, at most two are used.
        horizon: steps.
        step_s: seconds of a step; 0 where not known.
        next_s: unix seconds of the first future step; None where not known.
        profile_of: its profile by the season, where somebody has made it already.
    """
    count = len(values)
    profile_of = profile_of or partial(take_apart, values)
    usable = sorted(length for length in seasons[:2] if count >= 2 * length)
    short = usable[0] if usable else 1
    long = usable[-1] if len(usable) > 1 else 0
    profile = profile_of(short)
    base = profile.forecast(horizon)
    window = values[-max(2 * short, 64) :]
    scale = float(np.mean(np.abs(window - window.mean())))
    if not scale > 1e-12 * float(np.abs(window).max(initial=0.0)):
        scale = max(float(np.abs(values).max()), 1e-9)  # flat: any correction is as good
    ahead = np.arange(horizon)
    unknown = np.full(horizon, np.nan)
    long_course = profile_of(long).forecast(horizon) if long else unknown
    seen = _values_seen(values, short, long, ahead, long_course)
    before = values[-2 * short : -short] if count >= 2 * short else values[:0]
    change = float(np.mean(values[-short:] - before)) if len(before) == short else math.nan
    spread = float(profile.shape.std())
    strength = spread / (spread + float(profile.rest[-max(4 * short, 64) :].std()) + 1e-12)
    constants = (
        change / scale,
        profile.deviation / scale,
        profile.fade,
        profile.noise / scale,
        strength,
    )
    features = np.vstack(
        [
            (seen - base) / scale,
            _same(constants, horizon),
            (base - profile.level) / scale,
            (base - float(window.min())) / scale,
            np.log1p(ahead),
            (ahead + 1.0) / short,
            _same((math.log(short), min(count / short, 64.0)), horizon),
            *_calendar(ahead, step_s, next_s),
        ]
    ).T
    features = np.minimum(np.maximum(features, -1e6), 1e6)  # keeps NaN; float32 must not overflow
    return TreeRows(features.astype(np.float32, order="C"), base, scale)


def _values_seen(
    values: Doubles, short: int, long: int, ahead: NDArray[np.int64], long_course: Doubles
) -> Doubles:
    """The rows that are values of the series, or means of them, in its unit, [17, horizon]."""
    horizon = len(ahead)
    numbers = (
        *(_at(values, index) for index in range(LAST_VALUES)),
        _mean(values, short, 0),
        _mean(values, short, 1),
        float(values[-max(8 * short, 256) :].mean()),
    )
    return np.vstack(
        [
            _lags(values, ahead, short, SHORT_LAGS),
            _lags(values, ahead, long, LONG_LAGS),
            _lags(values, ahead, short, BESIDE_LAGS),
            long_course,
            _same(numbers, horizon),
        ]
    )


def _same(numbers: Sequence[float], horizon: int) -> Doubles:
    """Each number at every step, float64 [numbers, horizon]."""
    return np.broadcast_to(np.array(numbers)[:, None], (len(numbers), horizon))


def _lags(
    values: Doubles, ahead: NDArray[np.int64], season: int, lags: Sequence[tuple[int, int]]
) -> Doubles:
    """The values at the same place some seasons before the first one that is known, [lags, steps].

    Args:
        values: float64 [n].
        ahead: the steps, from 0.
        season: its length; 0 knows nothing.
        lags: how many seasons before, and how many steps beside.
    """
    if not season:
        return np.full((len(lags), len(ahead)), np.nan)
    count = len(values)
    cycles, beside = np.array(lags).T[:, :, None]
    places = ahead + beside
    where = count + places - season * (places // season + cycles)
    # The step after the last of a season is the first of the next one, which is not known.
    where = np.where(where >= count, where - season, where)
    return np.where(where >= 0, values[np.clip(where, 0, count - 1)], np.nan)


def _at(values: Doubles, back: int) -> float:
    return float(values[-1 - back]) if back < len(values) else math.nan


def _mean(values: Doubles, season: int, back: int) -> float:
    season = max(season, 8)
    end = len(values) - back * season
    return float(values[max(end - season, 0) : end].mean()) if end > 0 else math.nan


def _calendar(ahead: NDArray[np.int64], step_s: float, next_s: float | None) -> list[Doubles]:
    unknown = np.full(len(ahead), np.nan)
    if not step_s or next_s is None or step_s > DAY_S:
        return [unknown] * 5
    times = next_s + ahead * step_s
    week = (times - EPOCH_WEEKDAY_S) % WEEK_S
    weekday = week // DAY_S
    angle = 2 * np.pi * weekday / 7
    hours = [unknown, unknown]
    if step_s < DAY_S:
        turn = 2 * np.pi * (times % DAY_S) / DAY_S
        hours = [np.sin(turn), np.cos(turn)]
    return [*hours, np.sin(angle), np.cos(angle), (weekday >= 5).astype(np.float64)]
