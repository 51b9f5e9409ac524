"""What known influences (prices, holidays, temperatures) add to a series.

It is taken out before a model runs, and put back for the future.

The effect is linear. It is estimated together with a trend and the seasons, so that a holiday that
is always in December does not take December's share, and after one step of Cochrane and Orcutt's
(1949), so that a wandering level does not take the influence's share.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

HARMONICS: Final = 3  # waves for each season: its coarse shape is all that must be kept apart
VALUES_EACH: Final = 3  # values for each number that is estimated, or chance would be fitted
RIDGE: Final = 1e-6
VARIES_MIN: Final = 1e-12  # of its size: less is the rounding of what never changed
TOO_SHORT: Final = "covariates were left out: the series is too short to tell their effect"


def covariate_effect(
    values: Doubles, covariates: Doubles, seasons: Sequence[int]
) -> Doubles | None:
    """What the covariates add to each step, float64 [n + horizon]; None for too short a series.

    Args:
        values: float64 [n], finite.
        covariates: float64 [K, n + horizon], finite.
        seasons: season lengths in steps.
    """
    count = len(values)
    # In units of each one's largest value: squares of what is tiny are 0.
    sizes = np.abs(covariates[:, :count]).max(axis=1, keepdims=True)
    varies = np.ptp(covariates[:, :count], axis=1) > VARIES_MIN * sizes[:, 0]
    if not varies.any():
        return np.zeros(covariates.shape[1])  # what never changed tells nothing about a change
    known = covariates[varies] / sizes[varies]
    centre = known[:, :count].mean(axis=1, keepdims=True)
    width = known[:, :count].std(axis=1, keepdims=True)
    scaled = (known - centre) / width
    steps = np.arange(count)
    columns = [np.ones(count), steps / count]
    for season in seasons:
        for wave in range(1, min(HARMONICS, season // 2) + 1):
            angle = 2 * np.pi * wave * steps / season
            columns += [np.sin(angle), np.cos(angle)]
    design = np.column_stack([*columns, *scaled[:, :count]])
    if count < VALUES_EACH * design.shape[1]:
        return None
    factors = _solve(design, values)
    rest = values - design @ factors
    energy = float(rest[:-1] @ rest[:-1])
    follow = min(max(float(rest[1:] @ rest[:-1]) / energy, 0.0), 0.99) if energy > 0 else 0.0
    factors = _solve(
        design[1:] - follow * design[:-1],
        values[1:] - follow * values[:-1],
    )
    return np.asarray(factors[len(columns) :] @ scaled)


def _solve(design: Doubles, values: Doubles) -> Doubles:
    square = design.T @ design
    ridge = RIDGE * max(float(np.trace(square)) / len(square), 1e-300)
    solved = np.linalg.solve(square + ridge * np.eye(len(square)), design.T @ values)
    return np.asarray(solved, np.float64)
