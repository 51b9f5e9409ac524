"""Pins when a hot method reads a request in full, and that a change of versions is seen at once."""

import sys
import threading
from typing import Any

import numpy as np
import pytest

from stubtail.access.identity import Identity, Permit, Realm
from stubtail.access.scopes import Grants
from stubtail.access.tenants import Account, TenantRules
from stubtail.endpoints import lane_method
from stubtail.endpoints.lane_method import REALMS_MAX, Deadlines, LaneMethod, Reading
from stubtail.endpoints.scoring import PATH, ScoreReader
from stubtail.endpoints.served import ServedModels
from stubtail.errors import CallError
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints.loaded import LIMITS, Shelf, model, run_job, spec

DEADLINES = Deadlines(default_s=5.0, max_s=30.0)


def version(factor: float) -> Any:
    """A version of the model `m` that multiplies its one feature."""
    return model(
        "m",
        [spec("x", "FP32", -1, 1)],
        [spec("y", "FP32", -1, 1)],
        lambda feeds: [feeds["x"] * np.float32(factor)],
    )


class CountingReader:
    """A reader that counts what it reads in full."""

    def __init__(self, models: ServedModels) -> None:
        self.count = 0
        self.before_return = lambda: None
        self._reader = ScoreReader(models)

    def read(self, payload: bytes) -> Reading:
        """Reads and counts."""
        self.count += 1
        reading = self._reader.read(payload)
        self.before_return()
        return reading


@pytest.fixture
def shelf() -> Shelf:
    """The repository, with one version."""
    return Shelf(version(2))


@pytest.fixture
def models(shelf: Shelf) -> ServedModels:
    """What calls find."""
    found = ServedModels(shelf, LIMITS)  # type: ignore[arg-type]  # what a repository is used for
    found.update()
    return found


@pytest.fixture
def reader(models: ServedModels) -> CountingReader:
    """Counts the requests that are read in full."""
    return CountingReader(models)


@pytest.fixture
def method(reader: CountingReader, models: ServedModels) -> LaneMethod:
    """Score."""
    return LaneMethod(PATH, reader, models, DEADLINES)


def request(value: float, name: str = "m") -> bytes:
    """One row."""
    rows = scoring_pb2.DenseRows(values=[value])
    return scoring_pb2.ScoreRequest(model=name, dense=rows).SerializeToString()


def scored(method: LaneMethod, value: float) -> float:
    """The score of one row."""
    payload = run_job(method.decode(request(value), 0.0, None))
    return scoring_pb2.ScoreResponse.FromString(payload).scores[0]


def test_a_known_head_is_not_read_again(method: LaneMethod, reader: CountingReader) -> None:
    """Whatever the rows."""
    assert [scored(method, value) for value in (1, 2, 3)] == [2, 4, 6]
    assert reader.count == 1
    method.decode(request(1, "m@1"), 0.0, None)
    assert reader.count == 2


def test_a_refusal_is_read_again(method: LaneMethod, reader: CountingReader) -> None:
    """What is wrong now may be right later."""
    for _ in range(3):
        with pytest.raises(CallError):
            method.decode(request(1, "nobody"), 0.0, None)
    assert reader.count == 3


def test_a_new_version_answers_from_the_next_call_on(
    method: LaneMethod, shelf: Shelf, models: ServedModels
) -> None:
    """No head of the old version is used after the change."""
    assert scored(method, 1) == 2
    waiting = method.decode(request(1), 0.0, None)
    shelf.put(version(10))
    models.update()

    assert scored(method, 1) == 10
    assert scored(method, 2) == 20
    answer = scoring_pb2.ScoreResponse.FromString(run_job(waiting))
    assert answer.scores[0] == 2, "a call that was accepted is answered by its version"


def test_a_version_that_stays_keeps_its_queues(
    method: LaneMethod, shelf: Shelf, models: ServedModels
) -> None:
    """What another model does is no reason to split batches."""
    before = method.decode(request(1), 0.0, None).queue
    shelf.put(shelf.routes["m"], model("n", [spec("x", "FP32", -1, 1)], [spec("y", "FP32", -1)]))
    models.update()
    assert method.decode(request(1), 0.0, None).queue is before


def permit_of(tenant: str) -> Permit:
    """What a caller of a kind of its own may do."""
    realm = Realm(tenant, Grants(()), lambda _: True, lambda _: True)
    return Permit(Identity(tenant, tenant, realm, None), "")


@pytest.mark.parametrize(("urgency", "got"), [(0, [0, 1, 2, 3]), (2, [2, 2, 2, 3])])
def test_a_tenant_gets_no_class_above_its_own(
    method: LaneMethod, urgency: int, got: list[int]
) -> None:
    """Calls that ask for a more urgent one are taken as this one."""
    realm = Realm("acme", Grants(()), lambda _: True, lambda _: True)
    account = Account("acme", 0, TenantRules(urgency=urgency))
    permit = Permit(Identity("acme", "acme", realm, account), "")
    found = []
    for name in ("CRITICAL", "HIGH", "NORMAL", "LOW"):
        message = scoring_pb2.ScoreRequest(
            model="m",
            priority=f"PRIORITY_{name}",
            dense=scoring_pb2.DenseRows(values=[1.0]),
        )
        for _ in range(2):  # read in full, then by its head
            job = method.decode(message.SerializeToString(), 0.0, None, permit)
            assert job.tenant is account
            found.append(job.priority)
    assert found == [one for one in got for _ in range(2)]


def test_the_oldest_kind_of_callers_alone_is_forgotten(
    method: LaneMethod, reader: CountingReader
) -> None:
    """More kinds than are kept: the heads of all others stay."""
    permits = [permit_of(str(index)) for index in range(REALMS_MAX + 1)]
    for permit in permits:
        method.decode(request(1), 0.0, None, permit)
    for permit in permits[1:]:
        method.decode(request(2), 0.0, None, permit)
    assert reader.count == REALMS_MAX + 1
    method.decode(request(2), 0.0, None, permits[0])
    assert reader.count == REALMS_MAX + 2


def test_the_heads_of_all_kinds_together_are_bounded(
    method: LaneMethod, reader: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kinds with many heads push out the oldest, and no more of them than they have to."""
    monkeypatch.setattr(lane_method, "HEADS_MAX", 200)
    permits = [permit_of(str(index)) for index in range(4)]
    for permit in permits:
        for count in range(1, 65):  # as many heads as numbers of rows
            rows = scoring_pb2.DenseRows(values=[0.0] * count)
            payload = scoring_pb2.ScoreRequest(model="m", dense=rows).SerializeToString()
            method.decode(payload, 0.0, None, permit)
    assert reader.count == 256
    for permit in permits[1:]:
        method.decode(request(2), 0.0, None, permit)
    assert reader.count == 256
    method.decode(request(2), 0.0, None, permits[0])
    assert reader.count == 257


def test_no_kind_of_callers_keeps_an_old_version(
    method: LaneMethod, shelf: Shelf, models: ServedModels
) -> None:
    """Their heads are forgotten with the first call after the change, whoever makes it."""
    permits = [permit_of("a"), permit_of("b")]
    for permit in permits:
        method.decode(request(1), 0.0, None, permit)
    shelf.put(version(10))
    models.update()
    method.decode(request(1), 0.0, None, permits[0])
    assert [heads.size for heads in method._realms[1].values()] == [1]


def test_a_head_read_during_a_change_is_not_kept(
    method: LaneMethod, reader: CountingReader, shelf: Shelf, models: ServedModels
) -> None:
    """A thread that resolved the old version must not plant it under the new ones.

    The lane reads a request while a version goes live, and a stream on another thread decodes
    under the new routes before the lane remembers what it read.
    """

    def change() -> None:
        reader.before_return = lambda: None
        shelf.put(version(10))
        models.update()
        method.decode(request(7), 0.0, None)

    reader.before_return = change
    old = method.decode(request(1), 0.0, None)
    assert scoring_pb2.ScoreResponse.FromString(run_job(old)).scores[0] == 2
    assert scored(method, 1) == 10


def test_two_threads_decode_while_versions_change(
    method: LaneMethod, shelf: Shelf, models: ServedModels
) -> None:
    """Once a change is over, nobody is answered by an older version."""
    stop = threading.Event()
    wrong: list[float] = []

    def decode_all() -> None:
        while not stop.is_set():
            scored(method, 1)

    threads = [threading.Thread(target=decode_all) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for factor in range(3, 200):
            shelf.put(version(factor))
            models.update()
            if (got := scored(method, 1)) != factor:
                wrong.append(got)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert not wrong
