"""The first look at a folder of models: what hangs holds up neither the start nor the others."""

import asyncio
import threading

from stubtail.models.entry import RETRY_MAX_S, RETRY_S, Entry
from stubtail.models.errors import CutShortError, ModelError
from stubtail.models.layout import Found
from stubtail.models.repository import RepositoryOptions
from stubtail.models.session import load_model
from tests.unit.models.repository_bench import Bench

PATIENCE_S = 5.0


async def test_a_version_that_hangs_does_not_hold_up_the_start(tmp_path, caplog):
    """After the wait the start is over; what is left is LOADING, and answers when it is done."""
    go = threading.Event()

    def load(path, name, version, **more):
        if name == "hangs":
            go.wait(60)
        return load_model(path, name, version, **more)

    options = RepositoryOptions(watch=False, start_wait_s=0.01)
    bench = Bench(tmp_path, load=load, options=options)
    for name in ("behind", "hangs", "later"):
        bench.put("1", name=name)
    start = asyncio.create_task(bench.repository.start())
    try:
        await asyncio.wait({start}, timeout=20)
        assert start.done(), "the port would stay closed"
        assert bench.error("hangs").reason == "MODEL_LOADING"
        assert bench.error("later@1").reason == "MODEL_LOADING"
        (told,) = [one for one in caplog.records if one.getMessage() == "models still loading"]
        assert "hangs@1" in told.models
        assert "later@1" in told.models
    finally:
        go.set()
    await bench.until(lambda: set(bench.states().values()) == {"READY live"})
    await bench.repository.aclose()


async def test_closing_ends_a_start_that_goes_on(tmp_path):
    """The load in progress is waited for, and nothing is begun after it."""
    go, tries = threading.Event(), []

    def load(path, name, version, **more):
        tries.append(name)
        go.wait(60)
        return load_model(path, name, version, **more)

    bench = Bench(tmp_path, load=load, options=RepositoryOptions(start_wait_s=0.01))
    for name in ("a", "b"):
        bench.put("1", name=name)
    await bench.repository.start()
    await bench.until(lambda: tries)
    closing = asyncio.create_task(bench.repository.aclose())
    await asyncio.sleep(0)
    go.set()
    await closing
    assert tries == ["a"]


async def test_others_go_first_when_a_check_takes_long(tmp_path):
    """A long check is cut short while others wait, also older versions, and done again at last."""
    tries, states = [], []

    def load(path, name, version, *, patience_s=None, **more):
        tries.append((f"{name}@{version}", patience_s))
        if name == "a" and version == "2":
            if patience_s:
                raise CutShortError("a/2", "long", "wait")
            states.append(bench.states())
            raise ModelError("a/2", "took more than 60 s", "serve a smaller graph")
        return load_model(path, name, version, **more)

    options = RepositoryOptions(watch=False, patience_s=PATIENCE_S)
    bench = Bench(tmp_path, load=load, options=options)
    for name, version in [("a", "1"), ("a", "2"), ("b", "1")]:
        bench.put(version, name=name)
    await bench.repository.start()
    assert tries == [
        *(("a@2", PATIENCE_S), ("a@1", PATIENCE_S), ("b@1", PATIENCE_S)),
        ("a@2", None),
    ]
    others = {"a@1": "READY live", "b@1": "READY live"}
    assert states == [{**others, "a@2": "LOADING"}]
    assert bench.states() == {**others, "a@2": "FAILED"}
    await bench.repository.aclose()


async def test_a_version_alone_has_all_its_time(tmp_path):
    """Where nobody waits, no check is cut short."""
    patience = []

    def load(path, name, version, *, patience_s=None, **more):
        patience.append(patience_s)
        return load_model(path, name, version, **more)

    options = RepositoryOptions(watch=False, patience_s=PATIENCE_S)
    bench = Bench(tmp_path, load=load, options=options)
    bench.put("1")
    await bench.repository.start()
    bench.put("2")
    await bench.repository.load("m")
    assert patience == [None, None]
    await bench.repository.aclose()


def test_waits_grow_and_are_bounded(tmp_path):
    """Each failure for an outer cause doubles the wait, up to an hour; other files begin anew."""
    entry = Entry("m")
    entry.found = {"1": Found(tmp_path, (("model.onnx", 1, 1, 1),))}
    now, waits = 0.0, []
    for _ in range(40):
        entry.begin_load("1")
        entry.end_load("1", ModelError("m/1", "killed", "wait", passing=True), now)
        assert entry.untried == 0
        low = now
        while not entry.untried:
            now += RETRY_S
            entry.retry(now)
        waits.append(now - low)
    assert waits[:4] == [RETRY_S, 2 * RETRY_S, 4 * RETRY_S, 8 * RETRY_S]
    assert max(waits) == waits[-1] == RETRY_MAX_S
    entry.found = {"1": Found(tmp_path, (("model.onnx", 2, 2, 2),))}
    entry.begin_load("1")
    entry.end_load("1", ModelError("m/1", "killed", "wait", passing=True), now)
    entry.retry(now + RETRY_S)
    assert entry.untried == 1
