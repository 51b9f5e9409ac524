"""The command line and its runs: what ends early, what finds nothing, what would be passed over."""

import argparse
import json
import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stubtail_bench import crew
from stubtail_bench.arrangement import Arrangement
from stubtail_bench.arrivals import CALLS_MAX
from stubtail_bench.command import _complete_runs, _run, _server, _workload
from stubtail_bench.connections import Slow
from stubtail_bench.crew import Target
from stubtail_bench.errors import LoadError
from stubtail_bench.histogram import Histogram
from stubtail_bench.modes import Bench, Run
from stubtail_bench.options import add_load_arguments
from stubtail_bench.outcome import Outcome
from stubtail_bench.report import warnings_of
from stubtail_bench.traffic import Kind
from stubtail_bench.workload import CallSpec, Workload

NOWHERE = "127.0.0.1:1"


def options(*arguments: str) -> argparse.Namespace:
    """A parsed command line."""
    parser = argparse.ArgumentParser()
    add_load_arguments(parser)
    return parser.parse_args([NOWHERE, "--model", "m", *arguments])


def bench(cancel: float = 0.0, seconds: float = 1.0) -> Bench:
    """A load of a server that is not there."""
    target = Target(NOWHERE, [Kind("m", "/s/m", [b""], [1], cancel=cancel)], 1, Slow(), 1.0)
    return Bench(target, Workload([CallSpec("m")], seconds=seconds, warm_up_s=0), Path())


def without_answers(streams: int | None) -> Run:
    """A run of ten calls, all refused."""
    refused = Histogram(20)
    refused.add(np.full(10, 1e-3))
    return Run("run", None, streams, Outcome(1.0, {("m", "CONNECTION REFUSED"): refused}))


def test_a_server_that_dies_in_a_later_run_leaves_the_runs_before():
    """A sweep into overload may end so; one that ends in its first run has no figures."""
    sweep, given = bench(), options("--rates", "10,20")
    with pytest.raises(LoadError, match="cannot connect"):
        _complete_runs(given, sweep)
    sweep.runs.append(without_answers(None))
    why, extra = _complete_runs(given, sweep)
    assert "cannot connect to 127.0.0.1:1" in why
    assert extra == {"stopped": True}
    assert len(sweep.runs) == 1


def test_a_percentile_of_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch):
    """One call at a time, and the server was gone: null in JSON, which knows no NaN."""
    single = bench()
    monkeypatch.setattr(Bench, "closed", lambda *_, **__: single.runs.append(without_answers(1)))
    found = _run(options("--mode", "single-stream"), single)
    assert json.dumps(found, allow_nan=False) == '{"p90_ms": null}'


def test_a_search_ends_before_the_rate_that_cannot_be_planned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Ten minutes a run, as MLPerf asks, at a server without a limit."""
    long, rates = bench(seconds=600), []

    def open_run(_: Bench, arrivals: Arrangement, __: str) -> Run:
        rates.append(arrivals.rate)
        answered = Histogram()
        answered.add(np.full(1_000, 1e-3))
        return Run("run", arrivals.rate, None, Outcome(0.25, {("m", "OK"): answered}))

    monkeypatch.setattr(Bench, "open", open_run)
    monkeypatch.setattr(Outcome, "windows", property(lambda _: 1))
    found = _server(long, 0.01)
    assert found["highest_rate"] == max(rates) == pytest.approx(CALLS_MAX / 600)
    assert "no rate above 33,333/s is tried" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [("--rows", "32"), ("--deadline-ms", "5"), ("--priority", "low"), ("--input", "x:FP32:-1")],
)
def test_what_a_file_says_of_its_calls_no_option_says_again(given: tuple[str, str], tmp_path: Path):
    """It would be passed over, and the figures would be of another load."""
    path = tmp_path / "w.toml"
    path.write_text('[[calls]]\nmodel = "m"\n')
    parsed = options(*given)
    parsed.model, parsed.workload = None, path
    with pytest.raises(LoadError, match=f"{given[0]} is of a --model"):
        _workload(parsed)


def test_a_closed_loop_says_that_it_gives_no_call_up():
    """The workload asks for it; an open load does it."""
    told = "no call was given up"
    for streams, cancel, expected in ((8, 0.1, True), (8, 0.0, False), (None, 0.1, False)):
        one = bench(cancel)
        one.runs.append(without_answers(streams))
        assert any(told in text for text in warnings_of(one, {})) is expected


def test_a_process_of_the_load_says_what_it_could_not(monkeypatch: pytest.MonkeyPatch):
    """The system's own errors too: its parent prints one line, it no trace of Python."""
    ours, theirs = multiprocessing.Pipe()

    def too_many(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(crew, "_do", too_many)
    handler = signal.getsignal(signal.SIGINT)
    try:
        crew._child(theirs, bench().target, crew.Loop([0], 1), crew.Span(0.0, 0.1))
    finally:
        signal.signal(signal.SIGINT, handler)
    with pytest.raises(LoadError, match="Too many open files"):
        crew._expect(ours, 0)
    ours.close()
    theirs.close()


def test_ctrl_c_while_it_starts_leaves_no_trace_of_python():
    """The imports take most of a second, in which people change their minds."""
    script = (
        "import runpy, sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'stubtail_bench.command': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "runpy.run_module('stubtail_bench', run_name='__main__')\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")
