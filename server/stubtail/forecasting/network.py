"""The zero-shot model: a network that has seen many series, and forecasts one that it has not.

Fracast-0 (Apache-2.0, the package `fracast`), exported by `python -m training zero-shot`. This file
does what the package does around the network: scaling and rolling on.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.forecasting.task import CONTEXT_MAX, Doubles

BLOCK: Final = 48  # steps of one run
LEVELS: Final = 9  # deciles
MIDDLE: Final = 4
VALUES_MIN: Final = 8

Floats = NDArray[np.float32]
Run = Callable[[Floats, Floats], Floats]
"""`values` and `mask`, float32 [1, 2048], to quantiles float32 [1, 48, 9]."""


def forecast(run: Run, values: Doubles, horizon: int) -> Doubles:
    """The deciles of each step, float64 [9, horizon], ascending along the first axis.

    Longer horizons than 48 are rolled on with the median, as the package does.

    Args:
        run: one run of the graph.
        values: float64 [n], finite, n at least 8.
        horizon: steps.
    """
    source = values
    blocks = []
    produced = 0
    while produced < horizon:
        block = _block(run, source)
        blocks.append(block)
        produced += BLOCK
        source = np.concatenate([source[-CONTEXT_MAX:], block[MIDDLE]])
    quantiles = np.concatenate(blocks, axis=1)[:, :horizon]
    return np.sort(quantiles, axis=0)


def _block(run: Run, source: Doubles) -> Doubles:
    tail = source[-CONTEXT_MAX:]
    low = float(tail.min())
    # The package has a least span of 1e-5, which would flatten series in small units.
    span = float(tail.max()) - low
    if span == 0:
        return np.full((LEVELS, BLOCK), low)
    values = np.zeros((1, CONTEXT_MAX), np.float32)
    mask = np.zeros((1, CONTEXT_MAX), np.float32)
    values[0, -len(tail) :] = (tail - low) / span
    mask[0, -len(tail) :] = 1.0
    return np.asarray(run(values, mask)[0].T.astype(np.float64) * span + low)
