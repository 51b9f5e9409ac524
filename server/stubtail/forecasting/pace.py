"""How long the pieces of a forecast take in this process, learned from each one that was run."""

from dataclasses import dataclass, field
from typing import Final

RECENT: Final = 0.2  # of a measured time: what the last run adds to it
WORST: Final = 4.0  # times what was expected: a pause of the machine is no pace
FORGIVEN: Final = 0.98  # what is left of it when there was no time to run it and find out


class Rate:
    """Seconds for each unit of one kind of work.

    Args:
        each_s: before any was measured.
    """

    def __init__(self, each_s: float) -> None:
        self.each_s = each_s
        self._least_s = each_s

    def of(self, units: float) -> float:
        """The expected seconds of so much work."""
        return self.each_s * units

    def learn(self, took_s: float, units: float = 1.0) -> None:
        """Takes in that so much work took so long."""
        if units > 0:
            found_s = min(took_s / units, WORST * self.each_s)
            self.each_s += RECENT * (found_s - self.each_s)
            self._least_s = min(self._least_s, found_s)

    def left_out(self) -> None:
        """There was no time for it. A busy machine is forgiven, down to the best time so far."""
        self.each_s = max(FORGIVEN * self.each_s, min(self._least_s, self.each_s))


@dataclass(frozen=True, slots=True)
class Pace:
    """The rates of `auto`.

    Attributes:
        network: a run of the zero-shot model.
        smoothing: a step of its recursion.
        courses: a value or a future step of the other quick models.
    """

    network: Rate = field(default_factory=lambda: Rate(0.03))
    smoothing: Rate = field(default_factory=lambda: Rate(50e-6))
    courses: Rate = field(default_factory=lambda: Rate(2e-6))
