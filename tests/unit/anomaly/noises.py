"""Series of noise without any anomaly, of the kinds that metrics are made of."""

from collections.abc import Callable

import numpy as np

Make = Callable[[np.random.Generator, int], np.ndarray]


def _follows(rng: np.random.Generator, count: int) -> np.ndarray:
    steps = rng.normal(size=count)
    made = steps.copy()
    for at in range(1, count):
        made[at] += 0.8 * made[at - 1]
    return made


def _season(rng: np.random.Generator, count: int) -> np.ndarray:
    return 10 * np.sin(2 * np.pi * np.arange(count) / 48) + rng.normal(size=count)


NOISES: dict[str, Make] = {
    "normal": lambda rng, count: rng.normal(size=count),
    "two-sided exponential": lambda rng, count: rng.laplace(size=count),
    "heavy tails": lambda rng, count: rng.standard_t(4, size=count),
    "skewed": lambda rng, count: rng.lognormal(0, 0.7, size=count),
    "counts": lambda rng, count: rng.poisson(3, size=count).astype(float),
    "follows itself": _follows,
    "random walk": lambda rng, count: np.cumsum(rng.normal(size=count)),
    "season": _season,
}
