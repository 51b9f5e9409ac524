"""Loading and unloading by an operator's call, beside what the folder wants."""

import asyncio
import shutil
import threading

import pytest

from stubtail.errors import CallError
from stubtail.models.entry import RETRY_S
from stubtail.models.errors import ModelError
from stubtail.models.repository import OPERATIONS_MAX
from stubtail.models.session import load_model
from tests.unit.models.repository_bench import Bench


@pytest.fixture
async def bench(tmp_path):
    """A repository on an empty folder, closed after the test."""
    bench = Bench(tmp_path)
    yield bench
    await bench.repository.aclose()


async def test_unload_and_load(bench):
    """What an operator unloads stays unloaded, whatever its files do, until it is loaded."""
    bench.put("1", 1.0)
    await bench.repository.start()
    await bench.repository.unload("m")
    assert bench.repository.routes == {}
    assert bench.states() == {"m@1": "UNLOADED"}
    assert bench.error("m").reason == "MODEL_DISABLED"
    bench.put("1", 4.0)
    bench.put("2", 2.0)
    await bench.settle()
    assert bench.states() == {"m@1": "UNLOADED", "m@2": "UNLOADED"}
    assert bench.error("m@2").reason == "MODEL_DISABLED"
    await bench.repository.load("m")
    assert bench.answer() == 2.0
    assert bench.answer("m@1") == 4.0


async def test_unload_survives_removal_of_the_files(bench):
    """The operator's word is remembered even while the model's folder is away."""
    bench.put("1")
    await bench.repository.start()
    await bench.repository.unload("m")
    shutil.rmtree(bench.root / "m")
    await bench.settle()
    assert bench.states() == {}
    bench.put("1")
    await bench.settle()
    assert bench.states() == {"m@1": "UNLOADED"}


async def test_load_of_new_files_does_not_wait(bench):
    """An operator who loads says that the files are complete."""
    await bench.repository.start()
    bench.put("1", 6.0)
    await bench.repository.load("m")
    assert bench.answer() == 6.0


async def test_load_tries_again_what_failed(tmp_path):
    """A failure whose cause lay elsewhere is tried again on an operator's word only."""
    fails = [True]

    def load(path, name, version, **more):
        if fails[0]:
            raise ModelError("m/1/model.onnx", "no memory", "free some")
        return load_model(path, name, version, **more)

    bench = Bench(tmp_path, load=load)
    bench.put("1")
    await bench.repository.start()
    with pytest.raises(CallError, match="no memory; free some"):
        await bench.repository.load("m")
    fails[0] = False
    await bench.settle()
    assert bench.states() == {"m@1": "FAILED"}
    await bench.repository.load("m")
    assert bench.answer() == 1.0
    await bench.repository.aclose()


async def test_load_reports_a_bad_newest_version(bench):
    """Loading fails if the newest version does, though an older one answers."""
    bench.put("1")
    bench.break_("2")
    await bench.repository.start()
    with pytest.raises(CallError, match="m@2 could not be loaded"):
        await bench.repository.load("m")
    assert bench.answer() == 1.0


async def test_operators_and_unknown_models(bench):
    """Loading and unloading what does not exist is NOT_FOUND."""
    bench.put("1", name="churn")
    await bench.repository.start()
    for call in (bench.repository.load, bench.repository.unload):
        with pytest.raises(CallError) as caught:
            await call("chrun")
        assert caught.value.reason == "MODEL_NOT_FOUND"
        assert 'did you mean "churn"?' in caught.value.message


async def test_a_caller_who_hangs_up_stops_no_load(tmp_path):
    """A cancelled RepositoryModelLoad is carried out: half a load helps nobody."""
    go = threading.Event()

    def load(path, name, version, **more):
        go.wait(10)
        return load_model(path, name, version, **more)

    bench = Bench(tmp_path, load=load)
    await bench.repository.start()
    bench.put("1")
    call = asyncio.create_task(bench.repository.load("m"))
    await bench.until(bench.repository.index)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    go.set()
    await bench.until(lambda: bench.states() == {"m@1": "READY live"})
    await bench.repository.aclose()


async def test_waiting_operations_are_bounded(tmp_path):
    """Operations go on without their callers, so that their number needs a bound of its own."""
    go = threading.Event()

    def load(path, name, version, **more):
        go.wait(60)
        return load_model(path, name, version, **more)

    bench = Bench(tmp_path, load=load)
    bench.put("1")
    calls = [asyncio.create_task(bench.repository.load("m")) for _ in range(OPERATIONS_MAX + 20)]
    await bench.until(lambda: sum(call.done() for call in calls) >= 19)
    refused = [call.exception() for call in calls if call.done()]
    assert {getattr(error, "reason", "") for error in refused} == {"QUEUE_FULL"}
    go.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert sum(call.exception() is None for call in calls) >= OPERATIONS_MAX
    await bench.repository.load("m")
    await bench.repository.aclose()


async def test_what_failed_for_another_cause_is_tried_again(tmp_path):
    """A version that could not be checked at all is tried again, ever later, and only it."""
    tries: list[str] = []

    def load(path, name, version, **more):
        tries.append(name)
        if name == "bad":
            raise ModelError("bad/1", "broken", "mend it")
        if len(tries) < 4:
            raise ModelError("m/1", "no process", "wait", passing=True)
        return load_model(path, name, version, **more)

    bench = Bench(tmp_path, load=load)
    bench.put("1")
    bench.put("1", name="bad")
    await bench.repository.start()
    assert tries == ["bad", "m"], "once in a look, not for ever"
    assert bench.states() == {"bad@1": "FAILED", "m@1": "FAILED"}
    await bench.repository.refresh()
    assert tries == ["bad", "m"], "not at once: what really fills the memory would do so all day"
    bench.clock.now += RETRY_S
    await bench.repository.refresh()
    assert tries == ["bad", "m", "m"]
    bench.clock.now += RETRY_S
    await bench.repository.refresh()
    assert tries == ["bad", "m", "m"], "the second wait is twice as long"
    bench.clock.now += RETRY_S
    await bench.repository.refresh()
    assert tries == ["bad", "m", "m", "m"]
    assert bench.states() == {"bad@1": "FAILED", "m@1": "READY live"}
    await bench.repository.refresh()
    assert len(tries) == 4
    await bench.repository.aclose()
