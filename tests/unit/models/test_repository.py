"""The repository: what is served after each change of the folder, and what is told about it."""

import asyncio
import shutil
import threading

import numpy as np
import pytest

from stubtail.errors import Code
from stubtail.models.repository import ModelState, RepositoryOptions
from stubtail.models.session import load_model
from tests import model_files
from tests.model_files import write_model
from tests.unit.models.repository_bench import Bench


@pytest.fixture
async def bench(tmp_path):
    """A repository on an empty folder, closed after the test."""
    bench = Bench(tmp_path)
    yield bench
    await bench.repository.aclose()


async def test_start_serves_what_is_there(bench):
    """After `start` every model answers, by name and by name@version."""
    bench.put("1", 1.0)
    bench.put("2", 2.0)
    (bench.root / "single.onnx").write_bytes(model_files.affine(offset=7.0))
    write_model(bench.root / "flat", model_files.affine(offset=8.0))
    await bench.repository.start()
    assert bench.answer() == bench.answer("m@2") == 2.0
    assert bench.answer("m@1") == 1.0
    assert bench.answer("single") == bench.answer("single@1") == 7.0
    assert bench.answer("flat") == 8.0
    assert bench.states() == {
        "flat@1": "READY live",
        "m@1": "READY",
        "m@2": "READY live",
        "single@1": "READY live",
    }


async def test_a_broken_model_among_good_ones(bench):
    """What can be served is served; the index says why the rest is not."""
    bench.put("1")
    bench.break_("1", name="bad")
    await bench.repository.start()
    assert bench.answer() == 1.0
    assert bench.states() == {"bad@1": "FAILED", "m@1": "READY live"}
    assert "bad/1/model.onnx: it is no ONNX model" in bench.reason("1", "bad")
    error = bench.error("bad")
    assert error.code is Code.UNAVAILABLE
    assert "bad/1/model.onnx" in error.message
    assert str(bench.root) not in error.message


async def test_a_broken_version_beside_a_good_one(bench):
    """The good version is served, though the broken one is newer."""
    bench.put("1")
    bench.break_("2")
    await bench.repository.start()
    assert bench.answer() == 1.0
    assert bench.states() == {"m@1": "READY live", "m@2": "FAILED"}
    assert bench.error("m@2").code is Code.UNAVAILABLE


async def test_a_new_version_becomes_live(bench):
    """A version that is added is loaded, becomes live, and the one before it stays."""
    bench.put("1", 1.0)
    await bench.repository.start()
    bench.put("2", 2.0)
    await bench.settle()
    assert bench.answer() == 2.0
    assert bench.answer("m@1") == 1.0


async def test_old_versions_are_unloaded(bench):
    """Only the versions that are kept stay in memory; the error says so for the others."""
    for version in ("1", "2", "3"):
        bench.put(version, float(version))
    await bench.repository.start()
    assert bench.states() == {"m@1": "UNLOADED", "m@2": "READY", "m@3": "READY live"}
    assert bench.error("m@1").code is Code.FAILED_PRECONDITION
    bench.put("4", 4.0)
    await bench.settle()
    assert sorted(bench.repository.routes) == ["m", "m@3", "m@4"]
    assert "versions_kept" in bench.reason("2")
    shutil.rmtree(bench.root / "m" / "4")
    await bench.settle()
    assert bench.answer() == 3.0
    assert bench.answer("m@2") == 2.0
    assert "m@4" not in bench.states()


async def test_changed_bytes_are_swapped_at_once(bench):
    """A reload replaces the routes by a new object; what was taken before goes on answering."""
    bench.put("1", 1.0)
    await bench.repository.start()
    routes = bench.repository.routes
    old = bench.repository.resolve("m")
    bench.put("1", 5.0)
    await bench.settle()
    assert bench.answer() == bench.answer("m@1") == 5.0
    assert bench.repository.routes is not routes
    assert routes["m"] is old
    assert old.run({"x": np.zeros((1, 3), np.float32)})[0][0, 0] == 1.0


async def test_a_failing_reload_keeps_the_old_one(bench):
    """Broken files in the place of good ones change nothing for callers, and are tried once."""
    bench.put("1", 1.0)
    await bench.repository.start()
    routes = bench.repository.routes
    bench.break_("1")
    await bench.settle()
    assert bench.answer() == 1.0
    assert bench.repository.routes is routes
    assert bench.states() == {"m@1": "READY live"}
    assert "earlier files" in bench.reason("1")
    bench.put("1", 2.0)
    await bench.settle()
    assert bench.answer() == 2.0
    assert bench.reason("1") == ""


async def test_nothing_new_changes_nothing(bench):
    """Looking again at the same files loads nothing, tells nobody and keeps the routes object."""
    bench.put("1")
    bench.break_("2")
    await bench.repository.start()
    routes, calls = bench.repository.routes, []
    bench.repository.subscribe(lambda: calls.append(1))
    for _ in range(3):
        await bench.settle()
    assert bench.repository.routes is routes
    assert calls == []


async def test_half_written_files_wait(bench):
    """Files that change are not read before they rest."""
    await bench.repository.start()
    bench.break_("1")
    assert await bench.repository.refresh() == pytest.approx(0.25)
    assert bench.states() == {}
    bench.clock.now += 0.2
    bench.put("1", 3.0)
    assert await bench.repository.refresh() == pytest.approx(0.25)
    bench.clock.now += 0.25
    assert await bench.repository.refresh() is None
    assert bench.answer() == 3.0


async def test_removal(bench):
    """A removed version goes on as long as nothing else answers; a removed model is gone."""
    bench.put("1", 1.0)
    await bench.repository.start()
    shutil.rmtree(bench.root / "m" / "1")
    await bench.settle()
    assert bench.answer() == 1.0
    bench.put("2", 2.0)
    await bench.settle()
    assert bench.states() == {"m@2": "READY live"}
    shutil.rmtree(bench.root / "m")
    await bench.settle()
    assert bench.error("m").reason == "MODEL_NOT_FOUND"
    assert bench.repository.index() == []
    assert bench.repository.routes == {}


async def test_a_lost_folder_unloads_nothing(bench, caplog):
    """A mount that goes away is told once, and everything goes on; it may come back."""
    bench.put("1", 1.0)
    await bench.repository.start()
    aside = bench.root.with_name("aside")
    bench.root.rename(aside)
    for _ in range(3):
        await bench.settle()
    assert bench.answer() == 1.0
    told = [record for record in caplog.records if record.getMessage() == "folder of models"]
    assert len(told) == 1
    assert str(bench.root) in told[0].problem
    aside.rename(bench.root)
    bench.put("2", 2.0)
    await bench.settle()
    assert bench.answer() == 2.0


async def test_a_missing_folder_at_the_start(tmp_path, caplog):
    """A server may start before its models are there."""
    bench = Bench(tmp_path / "later")
    await bench.repository.start()
    assert bench.error("m").reason == "MODEL_NOT_FOUND"
    assert "make it a readable folder" in caplog.records[0].problem
    bench.put("1")
    await bench.settle()
    assert bench.answer() == 1.0
    await bench.repository.aclose()


async def test_states_while_loading(tmp_path):
    """While a first version loads, calls are told to try again; the event loop goes on."""
    go, seen = threading.Event(), []

    def load(path, name, version, **more):
        go.wait(10)
        return load_model(path, name, version, **more)

    bench = Bench(tmp_path, load=load)
    bench.put("1", name="a")
    bench.put("1", name="b")
    bench.repository.subscribe(lambda: seen.append(bench.states()))
    start = asyncio.create_task(bench.repository.start())
    await bench.until(lambda: bench.states() == {"a@1": "LOADING", "b@1": "LOADING"})
    assert bench.error("a").reason == "MODEL_LOADING"
    assert bench.error("b@1").reason == "MODEL_LOADING"
    go.set()
    await start
    assert seen[-1] == {"a@1": "READY live", "b@1": "READY live"}
    await bench.repository.aclose()


async def test_defects_in_loading_and_listening(tmp_path, caplog):
    """A defect of ours in one model or one listener stops neither the others nor the start."""

    def load(path, name, version, **more):
        if name == "a":
            raise ZeroDivisionError("secret")
        return load_model(path, name, version, **more)

    bench = Bench(tmp_path, load=load)
    bench.put("1", name="a")
    bench.put("1", name="b")
    heard = []

    def defect():
        raise KeyError

    bench.repository.subscribe(defect)
    bench.repository.subscribe(lambda: heard.append(1))
    await bench.repository.start()
    assert bench.states() == {"a@1": "FAILED", "b@1": "READY live"}
    assert "secret" not in bench.error("a").message
    assert "secret" in caplog.text
    assert heard
    await bench.repository.aclose()


async def test_no_more_models_than_the_bound(tmp_path):
    """Models beyond the bound are not loaded; those that are loaded stay."""
    bench = Bench(tmp_path, options=RepositoryOptions(watch=False, settle_ms=0, models_max=1))
    bench.put("1", name="b")
    await bench.repository.start()
    bench.put("1", name="a")
    await bench.repository.refresh()
    assert bench.states() == {"a@1": "READY live", "b@1": "READY live"}
    bench.put("1", name="c")
    await bench.repository.refresh()
    assert "c@1" not in bench.states()
    await bench.repository.aclose()


async def test_reading_from_other_threads(bench):
    """Any thread may resolve and list while versions come and go."""
    bench.put("1")
    await bench.repository.start()
    done, failures = threading.Event(), []

    def read():
        while not done.is_set():
            try:
                bench.repository.index()
                bench.repository.resolve("m")
                bench.error("nobody")
            except BaseException as error:  # noqa: BLE001
                failures.append(error)
                return

    thread = threading.Thread(target=read)
    thread.start()
    for round_ in range(5):
        bench.put("1", float(round_))
        bench.put(str(round_ + 2), name="other")
        await bench.settle()
    done.set()
    thread.join(10)
    assert failures == []


async def test_states_are_those_of_the_protocol():
    """The names of the states are the ones that callers see."""
    assert [state.value for state in ModelState] == ["LOADING", "READY", "FAILED", "UNLOADED"]
