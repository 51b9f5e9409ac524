"""The shapes of arrivals that a workload can ask for, and the schedule that each becomes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stubtail_bench import arrivals, traces

SHAPES = ("poisson", "constant", "step", "ramp", "replay")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the calls of the measured part come.

    Attributes:
        shape: One of `SHAPES`.
        rate: Calls a second of `poisson` and `constant`; where a `ramp` begins.
        rate_end: Where a `ramp` ends.
        steps: (calls a second, seconds) of each `step`.
        even: Equal gaps in a `step` or a `ramp` instead of a Poisson process.
        trace: What a `replay` replays: a name of `traces.KNOWN` or a path.
        start_s: Where in the trace to begin.
        speed: How much faster than recorded.
        scale: How many times the recorded calls.
    """

    shape: str = "poisson"
    rate: float = 100.0
    rate_end: float = 0.0
    steps: Sequence[tuple[float, float]] = ()
    even: bool = False
    trace: str = ""
    start_s: float = 0.0
    speed: float = 1.0
    scale: float = 1.0

    def at(self, rate: float) -> "Arrangement":
        """The same with the mean rate `rate`, for sweeps and searches; Poisson if it has none."""
        if self.shape in {"poisson", "constant"}:
            return replace(self, rate=rate)
        return Arrangement("poisson", rate)

    def lasting(self, seconds: float) -> "Arrangement":
        """The same within other seconds: steps become shorter or longer, the rest stays."""
        whole = sum(length for _, length in self.steps)
        return replace(
            self, steps=tuple((rate, length / whole * seconds) for rate, length in self.steps)
        )

    def schedule(
        self, seconds: float, warm_up_s: float, rng: np.random.Generator, folder: Path
    ) -> arrivals.Times:
        """When calls are due: a warm-up at the first rate of the shape, then the shape.

        Args:
            seconds: Of the shape; its steps have their own.
            warm_up_s: Of the time before.
            rng: Draws the times.
            folder: Of the traces.

        Raises:
            LoadError: The trace is missing or has nothing there.
        """
        main = self._shape(seconds, rng, folder)
        if not warm_up_s:
            return main
        first = self.rate
        if self.shape == "step":
            first = self.steps[0][0]
        elif self.shape == "replay":
            first = len(main) / seconds
        draw = self.shape == "constant" or self.even
        before = (
            arrivals.constant(first, warm_up_s) if draw else arrivals.poisson(first, warm_up_s, rng)
        )
        return np.concatenate([before[before < warm_up_s], main + warm_up_s])

    def _shape(self, seconds: float, rng: np.random.Generator, folder: Path) -> arrivals.Times:
        if self.shape == "constant":
            return arrivals.constant(self.rate, seconds)
        if self.shape == "step":
            return arrivals.steps(self.steps, rng, even=self.even)
        if self.shape == "ramp":
            return arrivals.ramp(self.rate, self.rate_end, seconds, rng, even=self.even)
        if self.shape == "replay":
            return traces.replay(
                traces.path_of(self.trace, folder),
                seconds,
                rng,
                start_s=self.start_s,
                speed=self.speed,
                scale=self.scale,
            )
        return arrivals.poisson(self.rate, seconds, rng)
