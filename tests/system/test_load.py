"""The load harness against real servers: its numbers add up, and no stall or failure hides."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.processes import Server
from stubtail_bench import arrivals, engine
from stubtail_bench.__main__ import main
from stubtail_bench.connections import Slow
from stubtail_bench.crew import Loop, Span, Target, _child
from stubtail_bench.engine import Engine
from stubtail_bench.histogram import dense, quantiles_s
from stubtail_bench.modes import Bench, Run
from stubtail_bench.outcome import outcome_of
from stubtail_bench.plan import make_plan
from stubtail_bench.raw import Raw
from stubtail_bench.traffic import Kind, Traffic
from tests.load import INFER, request_bytes
from tests.system.conftest import StartServer

WORKLOAD = """
warm_up_s = 0.3
connections = 3
[arrivals]
shape = "step"
steps = [[200, 0.3], [800, 0.3], [200, 0.3]]
[slow_readers]
connections = 1
bytes_per_s = 1e6
[[calls]]
name = "one row"
model = "affine"
weight = 2
cancel = 0.1
cancel_within_ms = 0
[[calls]]
name = "some rows"
model = "affine"
rows = [2, 40]
deadline_ms = 5000
"""


def load(tmp_path: Path, address: str, *options: str) -> dict[str, Any]:
    """Runs the command, which must succeed; what it kept."""
    path = tmp_path / "load.json"
    assert main(["load", address, "--json", str(path), *options]) == 0
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def check(run: dict[str, Any]) -> None:
    """Every call that was issued is counted once, wherever one looks."""
    statuses = run["statuses"]
    assert run["issued"] == sum(statuses.values())
    assert run["lost"] == statuses.get("LOST", 0)
    if run["offered_per_s"] is not None:
        assert run["issued"] == round(run["offered_per_s"] * run["seconds"])
    by_kind = [one for kind in run["by_kind"].values() for one in kind.values()]
    assert sum(one["count"] for one in by_kind) == run["issued"]
    fast = {key: kind for key, kind in run["by_kind"].items() if "slow readers" not in key}
    for status, counts in run["windows"]["calls"].items():
        assert sum(counts) == sum(kind[status]["count"] for kind in fast.values() if status in kind)
    answered = sum(int(dense(pairs).sum()) for pairs in run["windows"]["answered"])
    assert answered == run["answered"]["count"] == int(dense(run["answered"]["buckets"]).sum())


@pytest.mark.parametrize("transport", ["native", "grpcio"])
def test_the_numbers_add_up(
    transport: str, serve: StartServer, models: Path, tmp_path: Path
) -> None:
    """A mix in steps with calls given up and a slow reader; no call fails, none is lost."""
    server = serve(models, transport)
    workload = tmp_path / "mix.toml"
    workload.write_text(WORKLOAD)
    html = tmp_path / "load.html"
    found = load(tmp_path, server.address, "--workload", str(workload), "--html", str(html))
    (run,) = found["runs"]
    check(run)
    assert set(run["statuses"]) == {"OK", "CANCELLED by the client"}
    assert {key.partition(", slow")[0] for key in run["by_kind"]} == {"one row", "some rows"}
    assert len(run["by_kind"]) == 4, "slow readers are kept apart"
    assert run["statuses"]["CANCELLED by the client"] > 5
    assert sum(run["warm_up"].values()) > 20
    assert found["replies"]["checked"] > 40
    assert found["replies"]["wrong"] == 0
    assert html.read_text().count("<svg") == 3


def test_several_processes_share_a_schedule(
    serve: StartServer, models: Path, tmp_path: Path
) -> None:
    """Their histograms add up to the calls of one schedule, which can be compared with itself."""
    server = serve(models, "native")
    options = ["--model", "affine", "--rates", "900", "--processes", "2"]
    found = load(tmp_path, server.address, *options, "--seconds", "0.6", "--warm-up", "0.2")
    (run,) = found["runs"]
    assert run["name"] == "900/s"
    check(run)
    assert set(run["statuses"]) == {"OK"}
    assert main(["compare", str(tmp_path / "load.json"), str(tmp_path / "load.json")]) == 0


def test_a_closed_loop_adds_up(serve: StartServer, models: Path, tmp_path: Path) -> None:
    """One call at a time, and as many rows as the server can take."""
    server = serve(models, "native")
    options = ["--model", "affine", "--seconds", "0.4", "--warm-up", "0.1"]
    single = load(tmp_path, server.address, *options, "--mode", "single-stream")
    offline = load(tmp_path, server.address, *options, "--mode", "offline", "--rows", "8")
    for found in (single, offline):
        check(found["runs"][0])
        assert set(found["runs"][0]["statuses"]) == {"OK"}
    assert single["p90_ms"] > 0
    run = offline["runs"][0]
    assert offline["rows_per_s"] == pytest.approx(run["issued"] * 8 / run["seconds"])


def test_one_call_at_a_time_is_watched_too(
    serve: StartServer, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it goes, not at its end: the live line is for long runs."""
    monkeypatch.setattr(engine, "_WATCH_S", 0.0)
    message = request_bytes("affine", np.zeros((1, 3), np.float32))
    traffic = Traffic([Kind("one row", INFER, [message], [1])])
    seen: list[int] = []
    with Engine(serve(models, "native").address, traffic, connections=1) as one:
        one.closed([0], streams=1, seconds=0.3, watch=lambda raw: seen.append(raw.ended))
    assert seen[0] == 0
    assert seen[-1] > 1


def test_a_pause_of_the_server_shows_in_the_p99(tmp_path: Path) -> None:
    """50 ms in every 250: a fifth of the calls were due in a pause, though few were in flight."""
    command = [sys.executable, "-m", "benchmarks.servers.pausing", "--every-ms", "250"]
    with Server(command) as server:
        options = ["--model", "any", "--rate", "400", "--seconds", "1", "--warm-up", "0.3"]
        found = load(tmp_path, server.address, *options)
    (run,) = found["runs"]
    check(run)
    assert set(run["statuses"]) == {"OK"}
    p99_s = quantiles_s(dense(run["answered"]["buckets"]), [0.99])[0]
    assert p99_s >= 0.040, "a pause can only be longer than it was asked to be"


def test_a_server_that_dies_costs_no_call_its_place(serve: StartServer, models: Path) -> None:
    """Calls in flight are cut off, later ones refused; all of them are counted."""
    server = serve(models, "native")
    message = request_bytes("affine", np.zeros((1, 3), np.float32))
    traffic = Traffic([Kind("one row", INFER, [message], [1])])
    rng = np.random.default_rng(1)
    due_s = arrivals.poisson(500, 2, rng)
    plan = make_plan(traffic, due_s, rng, measured_from_s=0, until_s=2)
    dead = threading.Event()

    def kill(_: Raw) -> None:
        if not dead.is_set():
            dead.set()
            os.kill(server.pid, signal.SIGKILL)

    with Engine(server.address, traffic, connections=3) as engine:
        before = engine.closed([0], streams=1, seconds=0.05)
        assert set(before.logs) == {"OK"}
        out = outcome_of(engine.open(plan, watch=kill), traffic.kinds, 0, 2)
    assert dead.is_set()
    assert out.issued == len(plan) == out.statuses.total()
    assert set(out.statuses) <= {"OK", "CONNECTION LOST", "CONNECTION REFUSED"}
    assert out.statuses["CONNECTION REFUSED"] > 0


def test_the_server_command_starts_the_harness(tmp_path: Path) -> None:
    """`stubtail bench` is `stubtail-bench`, with its exit status."""
    command = [sys.executable, "-m", "stubtail", "bench", "compare", "a.json", "b.json"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "stubtail-bench: a.json is no result of `load`" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a program cannot become another")
def test_a_signal_to_the_command_reaches_the_harness():
    """Whoever started it knows one process: that is the one that loads, and ends as it says."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(60)
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        command = [sys.executable, "-m", "stubtail", "bench", "load", address, "--model", "m"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                mute.accept()[0].close()  # it asks what the model takes
                process.send_signal(signal.SIGINT)
                told = process.communicate(timeout=60)[1]
            finally:
                process.kill()
    assert process.returncode == 130
    assert told == "stubtail-bench: stopped before the end of a run: there are no figures\n"


def test_a_process_whose_parent_was_killed_ends_quietly():
    """What it would tell nobody reads."""
    ours, theirs = multiprocessing.Pipe()
    ours.close()
    handler = signal.getsignal(signal.SIGINT)
    message = request_bytes("affine", np.zeros((1, 3), np.float32))
    nobody = Target("127.0.0.1:1", [Kind("any", INFER, [message], [1])], 1, Slow(), 1.0)
    try:
        _child(theirs, nobody, Loop([0], 1), Span(0.0, 0.1))
    finally:
        signal.signal(signal.SIGINT, handler)


def test_what_was_complete_is_kept_when_the_load_is_stopped(
    serve: StartServer,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C in the second run of a sweep, and in the first, which leaves nothing."""
    server = serve(models, "native")
    path = tmp_path / "load.json"
    run_one, complete = Bench.open, [1]

    def stopped_later(bench: Bench, *arguments: Any) -> Run:
        if len(bench.runs) == complete[0]:
            signal.raise_signal(signal.SIGINT)
        return run_one(bench, *arguments)

    monkeypatch.setattr(Bench, "open", stopped_later)
    command = ["load", server.address, "--model", "affine", "--rates", "200,300"]
    command += ["--seconds", "0.2", "--warm-up", "0", "--json", str(path)]
    assert main(command) == 130
    assert "the one that was going is left out" in capsys.readouterr().out
    found = json.loads(path.read_text())
    assert [run["name"] for run in found["runs"]] == ["200/s"]
    assert found["stopped"] is True
    complete[0] = 0
    assert main(command) == 130
    assert "there are no figures" in capsys.readouterr().err


def test_what_cannot_be_loaded_says_why(
    serve: StartServer, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that is not there, and a command line without any."""
    server = serve(models, "native")
    assert main(["load", server.address, "--model", "nowhere"]) == 1
    assert "does not describe the model 'nowhere': NOT_FOUND" in capsys.readouterr().err
    assert main(["load", server.address]) == 1
    assert "name either a --workload or a --model" in capsys.readouterr().err


def test_a_server_that_does_not_tell_its_inputs_is_told_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """MLServer is one where a model does not declare them; other servers than ours are welcome."""
    command = [sys.executable, "-m", "benchmarks.servers.pausing", "--pause-ms", "0"]
    with Server([*command, "--tells-nothing"]) as server:
        options = ["--model", "any", "--rate", "200", "--seconds", "0.5", "--warm-up", "0"]
        assert main(["load", server.address, *options]) == 1
        assert "name them, such as --input" in capsys.readouterr().err
        found = load(tmp_path, server.address, *options, "--input", "x:FP32:-1,4", "--rows", "3")
    assert found["runs"][0]["statuses"] == {"OK": found["runs"][0]["issued"]}
