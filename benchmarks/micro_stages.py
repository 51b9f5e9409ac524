"""Micro benchmarks of the server's own steps: decode, schedule, assemble, encode, whole calls."""

import time
from collections.abc import Callable
from typing import Any, cast

from benchmarks.micro import Bench, Step, micro
from stubtail.access.identity import Identity, Permit, Realm
from stubtail.access.scopes import Grants, parse_scope
from stubtail.access.tenants import Account, TenantRules
from stubtail.endpoints import oip_infer, scoring
from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.served import BatchLimits, ServedModels
from stubtail.errors import CallError
from stubtail.lane.job import Job, Trailing
from stubtail.lane.lane import Lane
from stubtail.lane.policy import Policy
from stubtail.lane.scheduler import Scheduler
from stubtail.metrics import Recorder
from stubtail.models.repository import Repository
from stubtail.models.session import LoadedModel, load_model

_BATCH = 32  # calls; what 64 in flight make of batches


class _OneModel:
    """A repository of one model that never changes."""

    def __init__(self, model: LoadedModel) -> None:
        self.routes = {model.name: model, f"{model.name}@{model.version}": model}

    def resolve(self, reference: str) -> LoadedModel:
        return self.routes[reference]


class _Dropped:
    """Replies that go nowhere; a failed call is a defect of the benchmark."""

    def respond(self, _call: Any, _payload: bytes, _trailing: Trailing | None) -> None:
        """Takes a reply."""

    def fail(self, _call: Any, error: CallError) -> None:
        """Takes an error."""
        raise error


class _Silent(Recorder):
    """Measures nothing, to show what measuring costs."""

    def record_batch(self, *_: Any, **__: Any) -> None:
        """Forgets a batch."""


class Stages:
    """A server without transports: the model, both hot methods and a lane."""

    def __init__(self, bench: Bench, recorder: Recorder | None = None) -> None:
        subject = bench.subject
        folder = subject.version_folder
        self.model = load_model(folder, subject.name, folder.name)
        served = ServedModels(
            cast("Repository", _OneModel(self.model)),
            BatchLimits(rows_max=65_536, inline_run_s_max=10.0),
        )
        served.update()
        deadlines = Deadlines(default_s=1e6, max_s=1e6)
        infer = LaneMethod(oip_infer.PATH, oip_infer.InferReader(served), served, deadlines)
        score = LaneMethod(scoring.PATH, scoring.ScoreReader(served), served, deadlines)
        self.methods = {"infer": infer, "dense": score, "named": score}
        self.scheduler = Scheduler(Policy())
        self.lane = Lane(self.scheduler, recorder or Recorder(), time.monotonic)
        self.replies = _Dropped()

    def decoder(
        self, bench: Bench, form: str, rows: int, permit: Permit | None = None
    ) -> Callable[[], Job]:
        """Decodes the next of many requests each time."""
        decode, message = self.methods[form].decode, bench.messages(form, rows)
        replies = self.replies

        def step() -> Job:
            job = decode(message(), time.monotonic(), None, permit)
            job.replies, job.call = replies, 0
            return job

        return step


def _permit() -> Permit:
    """What a caller with a tenant of its own may do, once it is known."""
    grants = Grants([parse_scope("stubtail:predict")])
    realm = Realm("acme", grants, lambda _: True, lambda _: True)
    account = Account("acme", 0, TenantRules())
    return Permit(Identity("key:acme", "acme", realm, account), "predict")


def _decode(form: str, rows: int, permit: Permit | None = None) -> Callable[[Bench], Step]:
    return lambda bench: Stages(bench).decoder(bench, form, rows, permit)


micro("decode", "ModelInfer, 1 row")(_decode("infer", 1))
micro("decode", "ModelInfer, 1 row, of a tenant")(_decode("infer", 1, _permit()))
micro("decode", "ModelInfer, 256 rows")(_decode("infer", 256))
micro("decode", "Score, 1 dense row")(_decode("dense", 1))
micro("decode", "Score, 1 row of named columns")(_decode("named", 1))
micro("decode", "Score, 256 rows of named columns")(_decode("named", 256))


def _schedule(permit: Permit | None = None) -> Callable[[Bench], Step]:
    """The scheduler alone, for each call of a batch."""

    def prepare(bench: Bench) -> Step:
        stages = Stages(bench)
        decode = stages.decoder(bench, "infer", 1, permit)
        jobs = [decode() for _ in range(_BATCH)]
        scheduler = stages.scheduler

        def step() -> None:
            now = time.monotonic()
            for job in jobs:
                job.arrived_s = now
                scheduler.offer(job, now)
            batch = scheduler.next_batch(scheduler.inline, now)
            assert batch is not None
            scheduler.finish(batch, scheduler.inline, 1e-4)

        return step

    return prepare


_TURN = f"offer, batch and finish, {_BATCH} calls"
micro("schedule", _TURN, calls=_BATCH)(_schedule())
micro("schedule", f"{_TURN} of a tenant", calls=_BATCH)(_schedule(_permit()))


def _jobs(stages: Stages, bench: Bench, form: str) -> list[Job]:
    decode = stages.decoder(bench, form, 1)
    return [decode() for _ in range(_BATCH)]


@micro("assemble", f"{_BATCH} calls of 1 row, checked", calls=_BATCH)
def assemble(bench: Bench) -> Step:
    """Rows of a batch to one array, with the manifest's rules."""
    jobs = _jobs(Stages(bench), bench, "infer")
    runner = jobs[0].queue.model
    return lambda: runner.assemble(jobs)


def _encode(form: str) -> Callable[[Bench], Step]:
    def prepare(bench: Bench) -> Step:
        jobs = _jobs(Stages(bench), bench, form)
        runner, encoder = jobs[0].queue.model, jobs[0].encoder
        outputs = runner.run(runner.assemble(jobs))

        def step() -> None:
            prepared = encoder.prepare(outputs)
            for index, job in enumerate(jobs):
                encoder.encode(prepared, index, index + 1, job)

        return step

    return prepare


micro("encode", f"{_BATCH} ModelInfer replies", calls=_BATCH)(_encode("infer"))
micro("encode", f"{_BATCH} Score replies", calls=_BATCH)(_encode("dense"))


def _call(form: str, rows: int, batch: int, *, silent: bool = False) -> Callable[[Bench], Step]:
    """Whole calls without a transport: decode, offer, run, encode, record."""

    def prepare(bench: Bench) -> Step:
        stages = Stages(bench, _Silent() if silent else None)
        decode, lane = stages.decoder(bench, form, rows), stages.lane

        def step() -> None:
            lane.offer([decode() for _ in range(batch)])
            while lane.run_inline():
                pass

        return step

    return prepare


micro("call", "ModelInfer, 1 row, alone")(_call("infer", 1, 1))
micro("call", f"ModelInfer, 1 row, {_BATCH} together", calls=_BATCH)(_call("infer", 1, _BATCH))
micro("call", f"the same, {_BATCH} together, nothing recorded", calls=_BATCH)(
    _call("infer", 1, _BATCH, silent=True)
)
micro("call", f"Score dense, 1 row, {_BATCH} together", calls=_BATCH)(_call("dense", 1, _BATCH))
micro("call", f"Score named, 1 row, {_BATCH} together", calls=_BATCH)(_call("named", 1, _BATCH))
micro("call", "ModelInfer, 256 rows, alone")(_call("infer", 256, 1))
