"""Who gets a process when, and what becomes of one that is late: real processes, made ready."""

import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from multiprocessing.connection import Connection

import numpy as np
import pytest

from stubtail.forecasting.crew import Crew
from stubtail.forecasting.crew_member import Member, bound_stalls
from stubtail.forecasting.engine import Engine
from stubtail.forecasting.task import AUTO, ETS, NAIVE, Answer, Task, TooSlowError
from stubtail.forecasting.warm_up import warm_up
from tests.unit.forecasting.series import hours, shipped

pytestmark = pytest.mark.timeout(180)
PATIENCE_S = 100.0
GRAPHS = shipped()
needs_statsmodels = pytest.mark.skipif(
    find_spec("statsmodels") is None, reason="ets needs the extra forecasting"
)


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """One process."""
    made = Crew(1, 0, time.monotonic, lambda: tuple(GRAPHS.values()))
    made.start()
    assert isinstance(made.run([task(NAIVE)])[0], Answer)
    yield made
    made.close()


def task(model: str, seed: int = 0, within_s: float = PATIENCE_S) -> Task:
    """A series that no process has seen."""
    deadline_s = time.monotonic() + within_s
    values = hours(600, seed=seed)
    return Task(values, 24, np.array([0.5]), model, graphs=GRAPHS, deadline_s=deadline_s)


@needs_statsmodels
def test_few_series_do_not_wait_for_many(crew: Crew) -> None:
    """A call of 200 series hands the process on after each one."""
    ends: list[str] = []
    begun = threading.Event()
    left = threading.Event()

    def gone() -> bool:
        begun.set()
        return left.is_set()

    def many() -> None:
        tasks = [task(ETS, seed) for seed in range(200)]
        crew.run(tasks, gone)
        ends.append("many")

    thread = threading.Thread(target=many)
    thread.start()
    assert begun.wait(PATIENCE_S)
    assert all(isinstance(crew.run([task(NAIVE)])[0], Answer) for _ in range(3))
    ends.append("few")
    left.set()
    thread.join(PATIENCE_S)
    assert ends == ["few", "many"]


def test_nothing_is_begun_for_a_call_that_is_cancelled(crew: Crew) -> None:
    """Its tasks have no results; the next call is served."""
    looks = iter([False, False])
    results = crew.run([task(AUTO, seed) for seed in range(50)], lambda: next(looks, True))
    assert sum(isinstance(result, Answer) for result in results) <= 2
    assert isinstance(crew.run([task(NAIVE)])[0], Answer)


def test_a_late_process_is_kept(crew: Crew) -> None:
    """Its answer is dropped, and it serves the next call: a new one would take seconds to start."""
    (pid,) = crew.pids
    for seed in range(3):
        os.kill(pid, signal.SIGSTOP)  # so that it is late, however fast the machine is
        try:
            (late,) = crew.run([task(NAIVE, seed, within_s=0.002)])
        finally:
            os.kill(pid, signal.SIGCONT)
        assert isinstance(late, TooSlowError)
        (answer,) = crew.run([task(NAIVE, seed)])
        assert isinstance(answer, Answer)
        assert crew.pids == [pid]


def test_a_process_that_stops_within_a_message_holds_nobody() -> None:
    """Neither one that does not read a large task, nor one whose answer has no end."""
    ours, theirs = socket.socketpair()
    bound_stalls(ours, 0.02)
    with Connection(ours.detach()) as connection, theirs:
        with pytest.raises(OSError, match="unavailable"):
            connection.send_bytes(bytes(8 << 20))
        theirs.sendall(struct.pack("!i", 100) + b"half")
        assert connection.poll(PATIENCE_S)
        with pytest.raises(OSError, match="unavailable"):
            connection.recv_bytes()


def test_messages_to_a_process_are_bounded() -> None:
    """A large task for one that is stopped comes back as an error."""
    member = Member(0)
    try:
        os.kill(member.pid, signal.SIGSTOP)
        with socket.socket(fileno=os.dup(member.connection.fileno())) as end:
            bound_before = end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO)
            assert bound_before > 0
            bound_stalls(end, 0.02)  # the test need not wait as long
        with pytest.raises(OSError, match="unavailable"):
            member.connection.send(bytes(8 << 20))
    finally:
        member.end()


def test_a_new_process_is_warm() -> None:
    """Before it takes a task it has loaded and run the graphs, and imported what fits need."""
    engine = Engine(time.monotonic, cached_fits_max=0)
    try:
        warm_up(engine, tuple(GRAPHS.values()))
        assert {graph.sha256 for graph in GRAPHS.values()} <= engine.loaded
        assert find_spec("statsmodels") is None or "statsmodels" in sys.modules
    finally:
        engine.close()
