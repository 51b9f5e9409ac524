"""Several kinds of call at once, each at a rate of its own: what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks import cores
from benchmarks.errors import WrongAnswerError
from benchmarks.rows import TOLERANCE, Subject
from stubtail.oip import inference_pb2
from stubtail_bench import arrivals
from stubtail_bench.connections import Slow
from stubtail_bench.crew import Samples, Target
from stubtail_bench.http2 import OK
from stubtail_bench.outcome import LATE, Outcome
from stubtail_bench.raw import EXPIRED, GIVEN_UP, LOST
from stubtail_bench.requests import make_pool
from stubtail_bench.run import run_closed, run_open
from stubtail_bench.served import describe
from stubtail_bench.traffic import Kind
from stubtail_bench.workload import CallSpec

WARM_UP_S = 1.0
_CONNECTIONS = 8
_STREAMS = 8  # on each connection, to find what a server can do
_PATIENCE_S = 10.0
_SEED = 29
_NO_REFUSALS = {OK, LATE, EXPIRED, GIVEN_UP, LOST, "DEADLINE_EXCEEDED"}


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the calls of one kind at one rate.

    Attributes:
        kind: Its name.
        offered: Calls a second that were due.
        in_time: Answers within the deadline, counted from when the call was due, a second.
        late: Answers after it, a second.
        others: All other calls by outcome, a second.
        p50_ms, p99_ms: Of all answers; NaN without any.
        p99_of_all_ms: As if a call without an answer had taken for ever; infinity where 1 % have.
        refused_p99_ms: How long it took to say no, of calls that were refused; NaN without any.
    """

    kind: str
    offered: float
    in_time: float
    late: float
    others: dict[str, float]
    p50_ms: float
    p99_ms: float
    p99_of_all_ms: float
    refused_p99_ms: float

    @property
    def kept(self) -> float:
        """The part of the calls that were answered in time, 0 to 1."""
        return self.in_time / self.offered if self.offered else 0.0

    def document(self) -> dict[str, object]:
        """As it is kept in JSON."""
        return {
            "kind": self.kind,
            "offered_per_s": round(self.offered, 1),
            "in_time_per_s": round(self.in_time, 1),
            "late_per_s": round(self.late, 2),
            "others_per_s": {name: round(count, 2) for name, count in self.others.items()},
            "p50_ms": _known(self.p50_ms),
            "p99_ms": _known(self.p99_ms),
            "refused_p99_ms": _known(self.refused_p99_ms),
        }

    def show(self) -> str:
        """One line for people."""
        others = ", ".join(f"{name} {count:,.0f}" for name, count in self.others.items())
        return (
            f"{self.kind}: {self.offered:,.0f}/s offered, {self.in_time:,.0f} in time, "
            f"{self.late:,.0f} late, p50 {self.p50_ms:.2f} ms, p99 {self.p99_ms:.2f} ms, "
            f"no in {self.refused_p99_ms:.2f} ms; {others or 'nothing else'}"
        )


class Storm:
    """Kinds of call with their pools of different messages, for one server.

    Args:
        address: `host:port`; the models must be served already.
        specs: The kinds. Their weights do not matter, every load gives rates.
    """

    def __init__(self, address: str, specs: Sequence[CallSpec]) -> None:
        served = describe(address, [spec.model for spec in specs])
        self._address = address
        self._kinds = {
            spec.title: make_pool(
                spec, served[spec.model], np.random.default_rng([_SEED, number])
            ).kind
            for number, spec in enumerate(specs)
        }

    def capacity(self, kind: str, seconds: float) -> float:
        """Calls a second that are answered when 64 are always in flight."""
        alone = replace(self._kinds[kind], deadline_s=None)
        target = self._target([alone])
        outcome, _ = run_closed(
            target, streams=_STREAMS, warm_up_s=WARM_UP_S, seconds=seconds, seed=_SEED
        )
        return outcome.statuses[OK] / seconds

    def offer(
        self, rates: dict[str, float], seconds: float, *, warm_up_s: float = WARM_UP_S
    ) -> tuple[dict[str, Fate], Outcome, Samples]:
        """Sends each kind at its rate, as Poisson processes, whatever comes of it."""
        kinds = [replace(self._kinds[name], weight=rate) for name, rate in rates.items()]
        rng = np.random.default_rng(_SEED)
        due_s = arrivals.poisson(sum(rates.values()), warm_up_s + seconds, rng)
        outcome, samples = run_open(
            self._target(kinds), due_s, warm_up_s=warm_up_s, seconds=seconds, seed=_SEED
        )
        return {name: fate(outcome, name) for name in rates}, outcome, samples

    def check(self, samples: Samples, rates: dict[str, float], subjects: Sequence[Subject]) -> None:
        """Compares kept replies of ModelInfer with onnxruntime's own; raises WrongAnswerError."""
        by_name = {subject.name: subject for subject in subjects}
        messages = [message for name in rates for message in self._kinds[name].messages]
        for index, reply in samples:
            request = inference_pb2.ModelInferRequest.FromString(messages[index])
            subject = by_name[request.model_name]
            content = np.frombuffer(request.raw_input_contents[0], np.float32)
            expected = subject.scores(content.reshape(-1, subject.features))
            answer = inference_pb2.ModelInferResponse.FromString(reply)
            found = np.frombuffer(answer.raw_output_contents[0], np.float32)
            if found.shape != expected.shape or np.abs(found - expected).max() > TOLERANCE:
                raise WrongAnswerError(f"call {index} of the pool has another answer")

    def _target(self, kinds: Sequence[Kind]) -> Target:
        processes = cores.generators()
        connections = _CONNECTIONS // processes
        return Target(self._address, kinds, connections, Slow(0, 1.0), _PATIENCE_S, processes)


def fate(outcome: Outcome, kind: str) -> Fate:
    """The figures of one kind in the outcome of a load."""
    by = {status: one for (name, status), one in outcome.by.items() if name == kind}
    seconds = outcome.seconds
    answered = outcome.merged([OK, LATE], kind)
    refused = outcome.merged([status for status in by if status not in _NO_REFUSALS], kind)
    in_time = by[OK].count if OK in by else 0
    return Fate(
        kind=kind,
        offered=sum(one.count for one in by.values()) / seconds,
        in_time=in_time / seconds,
        late=(answered.count - in_time) / seconds,
        others={
            status: one.count / seconds
            for status, one in sorted(by.items())
            if status not in {OK, LATE}
        },
        p50_ms=answered.quantile_s(0.5) * 1e3,
        p99_ms=answered.quantile_s(0.99) * 1e3,
        p99_of_all_ms=outcome.strict_quantile_s(0.99, kind) * 1e3,
        refused_p99_ms=refused.quantile_s(0.99) * 1e3,
    )


def _known(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
