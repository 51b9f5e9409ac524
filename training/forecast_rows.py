"""Rows for the global trees: origins drawn from many series, one row for each step after them."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stubtail.forecasting.history import prepare
from stubtail.forecasting.seasons import detect
from stubtail.forecasting.task import Doubles, SeriesError
from stubtail.forecasting.tree_features import tree_rows
from training.forecast_corpus import Known

HORIZON_MAX: Final = 96
STEPS_EACH: Final = 14  # of one origin; the others say nearly the same
PAST_MIN: Final = 16
ERROR_MAX: Final = 8.0  # a burst must not decide for everybody
HELD_OUT: Final = 5  # one series of so many is held out


@dataclass(frozen=True, slots=True)
class Rows:
    """What trees learn from.

    Attributes:
        features: float32 [rows, features].
        errors: float64 [rows], the error of the base forecast in units of the series' scale.
        weights: float64 [rows].
    """

    features: npt.NDArray[np.float32]
    errors: Doubles
    weights: Doubles


def is_held_out(name: str) -> bool:
    """Whether a series only judges; by its name, so that this never changes."""
    return zlib.crc32(name.encode()) % HELD_OUT == 0


def rows_of(series: Iterable[Known], rng: np.random.Generator, origins: int) -> Rows:
    """Rows of all series; each series counts the same.

    Args:
        series: to draw from.
        rng: draws origins, lengths of history and steps.
        origins: of one series.
    """
    features, errors, weights = [], [], []
    for known in series:
        try:
            values = prepare(known.values).values
        except SeriesError:
            continue
        for _ in range(origins):
            drawn = _origin(known, values, rng)
            if drawn is not None:
                features.append(drawn[0])
                errors.append(drawn[1])
                weights.append(np.full(len(drawn[1]), 1.0))
    return Rows(np.concatenate(features), np.concatenate(errors), np.concatenate(weights))


def _origin(
    known: Known, values: Doubles, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], Doubles] | None:
    if len(values) < PAST_MIN + 4:
        return None
    end = int(rng.integers(PAST_MIN, len(values) - 2))
    horizon = min(HORIZON_MAX, len(values) - end)
    # Callers send short histories too; half of the origins keep all of theirs.
    most = min(end, 4096)
    kept = most if rng.random() < 0.5 else int(rng.integers(min(PAST_MIN, most), most + 1))
    past = values[end - kept : end]
    if np.ptp(past) == 0:
        return None
    cycles = known.frequency.cycles() if known.frequency and rng.random() < 0.8 else ()
    seasons = detect(past, cycles)
    step_s, next_s = 0.0, None
    if known.frequency is not None and known.start_s is not None and rng.random() < 0.8:
        step_s = known.frequency.seconds
        first = len(known.values) - len(values)
        next_s = known.start_s + (first + end) * step_s
    rows = tree_rows(past, seasons, horizon, step_s, next_s)
    chosen = np.sort(rng.choice(horizon, min(STEPS_EACH, horizon), replace=False))
    errors = (values[end : end + horizon] - rows.base) / rows.scale
    return rows.features[chosen], np.clip(errors[chosen], -ERROR_MAX, ERROR_MAX)
