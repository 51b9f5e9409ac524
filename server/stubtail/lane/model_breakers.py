"""Circuit breakers of models: one whose runs keep failing is not run, but for a probe now and then.

A failing run is tried again in halves to find whose rows are to blame, and logged: a model that
fails on everything would hold the lane for nothing. While no model has failed lately there is
nothing to look at: the lane asks `watched` once for a batch, and a call costs nothing.

What counts is a batch: it went well if any of its calls got an answer, so that a poisoned call
among others does not open the breaker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from stubtail.errors import CallError, Code

if TYPE_CHECKING:  # pybreaker comes with it, and is loaded when a run fails for the first time
    from stubtail.breaker import BreakerOptions, Gate, Permit

Key = tuple[str, str]
QUIET_S = 60.0  # a version without a failing batch for so long is not watched any more
PROBE_WAIT_S = 0.1  # a probe takes about as long as a run


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be run of a batch.

    Attributes:
        permit: to be settled with the outcome; None where nothing may be run.
        alone: only one of the calls may run, as a probe.
        error: what all others are answered; None where all may run.
    """

    permit: "Permit | None"
    alone: bool
    error: CallError | None


class ModelBreakers:
    """The breakers of all models that have failed lately; safe from every thread.

    Args:
        options: makes them when a run fails for the first time; None for no breakers at all.
        clock: monotonic seconds.
        random: 0 to 1, for the jitter of the time between probes.

    Attributes:
        watched: whether any model has failed lately.
    """

    def __init__(
        self,
        options: "Callable[[], BreakerOptions] | None",
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._options = options
        self._clock = clock
        self._random = random
        self._lock = Lock()
        self._gates: dict[Key, Gate] = {}
        self._quiet_s: dict[Key, float] = {}  # when a closed one may be forgotten
        self.watched = False

    def admit(self, name: str, version: str) -> Verdict | None:
        """What may be run of a batch of this version; None where it has not failed lately."""
        key = (name, version)
        with self._lock:
            gate = self._gates.get(key)
            if gate is None:
                return None
            from stubtail.breaker import Permit  # noqa: PLC0415 - it is loaded by now

            found = gate.acquire(self._clock())
            if not isinstance(found, Permit):
                return Verdict(None, False, _open_error(name, version, found.wait_s))
            if found.is_probe:
                return Verdict(found, True, _open_error(name, version, PROBE_WAIT_S))
            return Verdict(found, False, None)

    def succeeded(self, name: str, version: str, permit: "Permit") -> None:
        """A batch went well, or a part of it; a version that does so for a while is forgotten."""
        key = (name, version)
        with self._lock:
            now_s = self._clock()
            gate = self._gates.get(key)
            permit.ok(now_s)
            if gate is None or gate.state(now_s) != "closed":
                return
            if now_s >= self._quiet_s[key]:
                del self._gates[key], self._quiet_s[key]
                self.watched = bool(self._gates)

    def failed(self, name: str, version: str, permit: "Permit | None") -> None:
        """All of a batch failed, on rows that the model allows."""
        make = self._options
        if make is None or not version:
            return  # several models in one run have no version, and no breaker in common
        from stubtail.breaker import Gate, Permit  # noqa: PLC0415 - see above

        key = (name, version)
        with self._lock:
            now_s = self._clock()
            gate = self._gates.get(key)
            if gate is None:
                gate = self._gates[key] = Gate(f"{name}@{version}", make(), self._random)
            if permit is None:
                found = gate.acquire(now_s)
                permit = found if isinstance(found, Permit) else None
            if permit is not None:
                permit.fail(now_s)
            self._quiet_s[key] = now_s + QUIET_S
            self.watched = True

    def dropped(self, permit: "Permit") -> None:
        """Nothing is known of a batch: its rows were wrong, or nobody waited for it any more."""
        with self._lock:
            permit.drop(self._clock())

    def keep(self, versions: set[Key]) -> None:
        """Forgets the versions that are not there any more."""
        with self._lock:
            for key in self._gates.keys() - versions:
                del self._gates[key], self._quiet_s[key]
            self.watched = bool(self._gates)

    def states(self) -> dict[Key, str]:
        """closed, half-open or open, of the versions that have failed lately.

        Half-open is well enough for health: without calls there would be no probe.
        """
        with self._lock:
            now_s = self._clock()
            return {key: gate.state(now_s) for key, gate in self._gates.items()}


def _open_error(name: str, version: str, wait_s: float) -> CallError:
    return CallError(
        Code.UNAVAILABLE,
        "BREAKER_OPEN",
        f"model {name} version {version} failed again and again and is not run for now; try again"
        " later, or ask another version; the server's log has the cause",
        metadata={"model": name, "version": version},
        retry_after_s=max(wait_s, 0.01),
    )
