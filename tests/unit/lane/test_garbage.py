"""A call leaves no reference cycle behind: collections would be pauses for everybody."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest

from stubtail import wire
from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.oip_infer import PATH, InferReader
from stubtail.endpoints.scoring import PATH as SCORE
from stubtail.endpoints.scoring import ScoreReader
from stubtail.errors import CallError
from stubtail.lane.job import Job, Trailing
from stubtail.lane.lane import Lane
from stubtail.lane.policy import Policy
from stubtail.lane.scheduler import Scheduler
from stubtail.metrics import Recorder
from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints.loaded import manifest, model, number, served, spec
from tests.unit.lane.puppets import Clock

ROUNDS = 200


class Counter:
    """Callers that count their ends and keep nothing."""

    def __init__(self) -> None:
        self.answers = self.errors = 0

    def respond(self, call: int, payload: bytes, trailing: Trailing | None) -> None:
        """An answer."""
        self.answers += 1

    def fail(self, call: int, error: CallError) -> None:
        """An error."""
        self.errors += 1


class World:
    """Both hot methods over a model with rules, and the lane that runs it."""

    def __init__(self) -> None:
        loaded = model(
            "m",
            [spec("x", "FP32", -1, 2)],
            [spec("y", "FP32", -1, 2)],
            lambda feeds: [feeds["x"] * np.float32(2)],
            about=manifest([number("a"), number("b")]),
        )
        models = served(loaded)
        deadlines = Deadlines(5.0, 30.0)
        self.methods = {
            SCORE: LaneMethod(SCORE, ScoreReader(models), models, deadlines),
            PATH: LaneMethod(PATH, InferReader(models), models, deadlines),
        }
        self.clock = Clock()
        self.lane = Lane(Scheduler(Policy(jobs_max=8)), Recorder(), self.clock)
        self.callers = Counter()

    def decode(self, path: str, payload: bytes, remaining_s: float | None = None) -> Job | None:
        """The job of a request; None for one that is refused, as a transport does it."""
        try:
            job = self.methods[path].decode(payload, self.clock(), remaining_s)
        except CallError as error:
            self.callers.fail(0, error)
            return None
        job.replies, job.call, job.timed = self.callers, 0, True
        return job


def dense(*values: float, name: str = "m") -> bytes:
    """Dense rows."""
    rows = scoring_pb2.DenseRows(values=values)
    return scoring_pb2.ScoreRequest(model=name, dense=rows).SerializeToString()


def named(value: float) -> bytes:
    """A named row."""
    columns = [scoring_pb2.Column(name=name, numbers=[value]) for name in "ab"]
    rows = scoring_pb2.NamedRows(columns=columns)
    return scoring_pb2.ScoreRequest(model="m", named=rows).SerializeToString()


def infer(value: float, *, typed: bool = False) -> bytes:
    """Raw or typed tensors."""
    request = inference_pb2.ModelInferRequest(model_name="m", id=str(value))
    tensor = request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    if typed:
        tensor.contents.fp32_contents.extend([value, value])
    else:
        request.raw_input_contents.append(np.full(2, value, "f4").tobytes())
    return request.SerializeToString()


@pytest.fixture
def world() -> Iterator[World]:
    """Warmed up, with the collector off while the test runs."""
    world = World()
    one_round(world, 0)
    # protobuf makes the class of a submessage when it meets one, and lets it go with the last.
    kept = [
        wire.ScoreRequest.FromString(dense(1, 2)).dense,
        wire.ScoreRequest.FromString(named(1)).named,
        wire.ModelInferRequest.FromString(infer(1)).inputs[0],
        inference_pb2.ModelInferRequest.FromString(infer(1, typed=True)).inputs[0].contents,
        inference_pb2.ModelInferRequest.FromString(infer(1)).inputs[0],
    ]
    gc.collect()
    gc.disable()
    yield world
    gc.enable()
    del kept


def one_round(world: World, index: int) -> None:
    """Every way through: alone, in a batch, cancelled, expired, refused, forbidden."""
    nan = float("nan")
    requests = [
        (SCORE, dense(index, 2)),
        (SCORE, dense(index, nan)),
        (SCORE, dense(index, 2, 3)),
        (SCORE, dense(1, 2, name="nobody")),
        (SCORE, named(index)),
        (SCORE, named(nan)),
        (PATH, infer(index)),
        (PATH, infer(index, typed=True)),
        (PATH, b"\xff"),
    ]
    jobs = [job for path, payload in requests if (job := world.decode(path, payload))]
    alone = world.decode(PATH, infer(index))
    assert alone is not None
    world.lane.serve([alone])
    world.lane.offer(jobs)
    late = world.decode(SCORE, dense(1, 2), remaining_s=0.001)
    gone = world.decode(SCORE, dense(1, 2))
    unreachable = world.decode(SCORE, dense(1, 2), remaining_s=0.0)
    assert late is not None
    assert gone is not None
    assert unreachable is not None
    world.lane.offer([late, gone, unreachable, *jobs[:0]])
    world.lane.cancel(gone)
    world.clock.now += 0.01
    world.lane.expire()
    while world.lane.run_inline():
        pass


def test_calls_leave_no_cycles(world: World) -> None:
    """Not one object is left for the collector, after thousands of calls of all kinds."""
    answered, refused = world.callers.answers, world.callers.errors
    for index in range(ROUNDS):
        one_round(world, index)
    assert gc.collect() == 0
    assert world.callers.answers - answered == 5 * ROUNDS
    assert world.callers.errors - refused == 7 * ROUNDS
