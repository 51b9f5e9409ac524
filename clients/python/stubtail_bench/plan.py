"""All calls of a run, decided before it: when each is due, what it asks, when it is given up."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stubtail_bench.arrivals import Times
from stubtail_bench.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls of one process, in the order of their times.

    Attributes:
        due_s: Seconds from the start of the run, ascending, float64 [N].
        body: Index into `Traffic.bodies`, int64 [N].
        cancel_s: When the client gives the call up, seconds from the start of the run;
            infinity for the calls that it does not.
        measured_from_s: Earlier calls warm up and are kept out of all figures.
        until_s: Where the schedule ends.
    """

    due_s: Times
    body: npt.NDArray[np.int64]
    cancel_s: Times
    measured_from_s: float
    until_s: float

    def __len__(self) -> int:
        """Number of calls."""
        return len(self.due_s)

    @property
    def to_prepare_s(self) -> float:
        """How long before the begin its process must have it, with room to spare."""
        return 0.02 + 5e-7 * len(self)

    def part(self, number: int, parts: int) -> "Plan":
        """Every `parts`-th call from `number` on: what one of several processes sends."""
        chosen = slice(number, None, parts)
        return Plan(
            self.due_s[chosen],
            self.body[chosen],
            self.cancel_s[chosen],
            self.measured_from_s,
            self.until_s,
        )


def make_plan(
    traffic: Traffic,
    due_s: Times,
    rng: np.random.Generator,
    *,
    measured_from_s: float,
    until_s: float,
) -> Plan:
    """Draws a kind for each call by the weights, and goes through each kind's messages in turn."""
    count = len(due_s)
    weights = np.array([kind.weight for kind in traffic.kinds])
    kind_of = rng.choice(len(weights), size=count, p=weights / weights.sum())
    body = np.empty(count, np.int64)
    cancel_s = np.full(count, np.inf)
    for number, kind in enumerate(traffic.kinds):
        mine = np.flatnonzero(kind_of == number)
        body[mine] = traffic.firsts[number] + np.arange(len(mine)) % len(kind.messages)
        given_up = mine[rng.random(len(mine)) < kind.cancel]
        cancel_s[given_up] = due_s[given_up] + rng.uniform(0, kind.cancel_within_s, len(given_up))
        if kind.enforce and kind.deadline_s is not None:
            cancel_s[mine] = np.minimum(cancel_s[mine], due_s[mine] + kind.deadline_s)
    return Plan(due_s, body, cancel_s, measured_from_s, until_s)
