"""Circuit breakers of models: one whose runs keep failing is not run, but for a proof now and then.

A failing run is tried again in parts to find whose rows are to blame, and logged: a model that
fails on everything would hold the lane for nothing. While no model has failed lately there is
nothing to look at: the lane asks `watched` once for a batch, and a call costs nothing.

Callers' rows accuse a model, and never convict it: whoever sends nothing but rows that it fails on
could otherwise close it to everybody. Where a batch got no answer at all, the lane runs the row
that the version was warmed with. If that is answered, the rows were to blame and nothing counts; if
not, the model has failed once more. The same row is the probe of an open breaker, so that nobody's
call is at stake, and nobody's rows can keep it open. A model that has no such row has no breaker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from stubtail.errors import CallError, Code
from stubtail.lane.refusals import shown

if TYPE_CHECKING:  # pybreaker comes with it, and is loaded when a model fails for the first time
    from stubtail.breaker import BreakerOptions, Gate, Permit

Key = tuple[str, str]
QUIET_S: Final = 60.0  # a version that has not failed for so long is not watched any more
PROVED_S: Final = 0.1  # failing rows do not ask for a proof again so soon: a proof costs a run


class Judged(Protocol):
    """What is asked of a model: a runner of the lane.

    Attributes:
        name, version: of the model.
        prove: whether it answers the row that it was warmed with; None where none is known.
    """

    name: str
    version: str
    prove: Callable[[], bool] | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a batch may be run.

    Attributes:
        permit: to be settled with the outcome; None where nobody waits for it.
        error: what its calls are answered instead of a run; None where it may be run.
    """

    permit: "Permit | None" = None
    error: CallError | None = None


FREE: Final = Verdict()


class ModelBreakers:
    """The breakers of all models that have failed lately; safe from every thread.

    Args:
        options: makes them when a model fails for the first time; None for no breakers at all.
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
        self._proved_s: dict[Key, float] = {}  # until when it is known that rows were to blame
        self.watched = False

    def admit(self, model: Judged) -> Verdict:
        """Whether a batch of this model may be run; when a probe is due, this runs it."""
        key = (model.name, model.version)
        with self._lock:
            gate = self._gates.get(key)
            if gate is None:
                return FREE
            from stubtail.breaker import Permit  # noqa: PLC0415 - it is loaded by now

            found = gate.acquire(self._clock())
            if not isinstance(found, Permit):
                return Verdict(error=_open_error(key, found.wait_s))
            if not found.is_probe:
                return Verdict(found)
        try:
            return self._probed(model, key, gate, found)
        finally:
            self.dropped(found)  # settled by now; a probe that never is would be the last one

    def _probed(self, model: Judged, key: Key, gate: "Gate", probe: "Permit") -> Verdict:
        works = model.prove is not None and model.prove()
        with self._lock:
            now_s = self._clock()
            if works:
                probe.ok(now_s)
                return FREE
            probe.fail(now_s)
            self._quiet_s[key] = now_s + QUIET_S
            return Verdict(error=_open_error(key, gate.wait_s(now_s)))

    def succeeded(self, model: Judged, permit: "Permit") -> None:
        """A batch went well, or a part of it; a version that does so for a while is forgotten."""
        key = (model.name, model.version)
        with self._lock:
            now_s = self._clock()
            gate = self._gates.get(key)
            permit.ok(now_s)
            if gate is None or gate.state(now_s) != "closed":
                return
            if now_s >= self._quiet_s[key]:
                del self._gates[key], self._quiet_s[key]
                self.watched = bool(self._gates)

    def judge(self, model: Judged, permit: "Permit | None") -> None:
        """No call of a batch was answered, whose rows the model allows: is it the model or they?"""
        prove, key = model.prove, (model.name, model.version)
        if self._options is None or prove is None or self._clock() < self._proved_s.get(key, 0.0):
            return
        works = prove()  # a run, so not under the lock
        with self._lock:
            now_s = self._clock()
            if works:
                self._proved_s[key] = now_s + PROVED_S
                if permit is not None:
                    permit.ok(now_s)
            else:
                self._failed(key, permit, now_s)

    def _failed(self, key: Key, permit: "Permit | None", now_s: float) -> None:
        from stubtail.breaker import Gate, Permit  # noqa: PLC0415 - see above

        make = self._options
        assert make is not None
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = Gate("@".join(key), make(), self._random)
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
            for key in self._proved_s.keys() - versions:
                del self._proved_s[key]
            self.watched = bool(self._gates)

    def states(self) -> dict[Key, str]:
        """closed, half-open or open, of the versions that have failed lately.

        Half-open is well enough for health: without calls there would be no probe.
        """
        with self._lock:
            now_s = self._clock()
            return {key: gate.state(now_s) for key, gate in self._gates.items()}


def _open_error(key: Key, wait_s: float) -> CallError:
    name, version = shown(key[0]), key[1]
    return CallError(
        Code.UNAVAILABLE,
        "BREAKER_OPEN",
        f"model {name} version {version} failed again and again and is not run for now; try again"
        " later, or ask another version; the server's log has the cause",
        metadata={"model": name, "version": version},
        retry_after_s=max(wait_s, 0.01),
    )
