"""The command line: options win over the file, and the line of progress is for people only."""

import argparse
import dataclasses
import io
from array import array
from pathlib import Path

import numpy as np
import pytest

from stubtail_bench import command
from stubtail_bench.arrangement import Arrangement
from stubtail_bench.command import _rates, _workload
from stubtail_bench.errors import LoadError
from stubtail_bench.options import add_load_arguments
from stubtail_bench.progress import Glimpse, Progress, glimpse
from stubtail_bench.raw import Raw
from stubtail_bench.report import workload_document
from stubtail_bench.workload import CallSpec, Workload


def options(*arguments: str) -> argparse.Namespace:
    """A parsed command line."""
    parser = argparse.ArgumentParser()
    add_load_arguments(parser)
    return parser.parse_args(["127.0.0.1:1", *arguments])


class Terminal(io.StringIO):
    """Where somebody looks."""

    def isatty(self) -> bool:
        """Always."""
        return True


def test_options_win_over_the_file(tmp_path: Path):
    """Each that is given, and none that is not."""
    path = tmp_path / "w.toml"
    path.write_text('seconds = 5\nseed = 9\n[arrivals]\nrate = 7\n[[calls]]\nmodel = "m"\n')
    found = _workload(options("--workload", str(path), "--rate", "70", "--warm-up", "1"))
    assert (found.seconds, found.seed, found.warm_up_s) == (5, 9, 1)
    assert (found.arrivals.rate, found.arrivals.shape) == (70, "poisson")


def test_one_kind_of_call_needs_no_file():
    """The model and what else is named."""
    given = ["--form", "dense", "--rows", "4", "--deadline-ms", "20", "--trace", "nasa"]
    found = _workload(options("--model", "m", *given))
    (call,) = found.calls
    assert (call.model, call.form, call.rows, call.deadline_ms) == ("m", "dense", (4, 4), 20)
    assert found.arrivals.shape == "replay"


def test_a_model_and_a_file_are_one_too_many():
    """As is neither."""
    for given in ([], ["--model", "m", "--workload", "w.toml"]):
        with pytest.raises(LoadError, match="either a --workload or a --model"):
            _workload(options(*given))


@pytest.mark.parametrize("text", ["", "1,,2", "a", "1,0", "-3"])
def test_rates_must_be_numbers_above_zero(text: str):
    """A sweep of nothing is a mistake."""
    with pytest.raises(LoadError, match="--rates must"):
        _rates(text)
    assert _rates("1,2.5, 3") == [1, 2.5, 3]


def test_results_name_no_folder(tmp_path: Path):
    """Files by their names only, wherever they lie."""
    rows = tmp_path / "rows.csv"
    given = ["--model", "m", "--rows-file", str(rows), "--trace", str(tmp_path / "t.csv")]
    document = str(workload_document(_workload(options(*given))))
    assert str(tmp_path) not in document
    assert "rows.csv" in document
    assert "t.csv" in document


def test_results_keep_all_that_was_asked_for():
    """So that `compare` tells in what two loads differ."""
    found = workload_document(_workload(options("--model", "m", "--input", "x:FP32:-1,3")))
    wanted = {field.name for field in dataclasses.fields(CallSpec)}
    assert set(found["calls"][0]) == wanted
    assert set(found["arrivals"]) == {field.name for field in dataclasses.fields(Arrangement)}
    named = {"slow": "slow_readers", "source": ""}
    wanted = {named.get(field.name, field.name) for field in dataclasses.fields(Workload)}
    assert set(found) == wanted - {""}


def test_the_line_of_progress_adds_up_over_processes():
    """Sent, answered, failed, waiting; the worst p99."""
    out = Terminal()
    progress = Progress("run", out)
    progress.show(0, Glimpse(100, 90, 80, 0.002))
    progress.show(1, Glimpse(50, 50, 50, 0.004))
    last = out.getvalue().rpartition("\r")[2]
    assert "run: 150 sent  130 answered  10 failed  10 waiting  p99 4.00 ms" in last
    progress.done()
    assert out.getvalue().endswith("\r\x1b[K")


def test_nothing_is_written_where_nobody_looks():
    """A log must not fill with lines of progress."""
    out = io.StringIO()
    progress = Progress("run", out)
    progress.show(0, Glimpse(1, 1, 1, 0.1))
    progress.done()
    assert out.getvalue() == ""


def test_a_glimpse_looks_at_the_latest_calls(monkeypatch: pytest.MonkeyPatch):
    """Of a run that was slow at first; without what would hold the run up for 10 ms."""
    monkeypatch.delattr(np, "quantile")
    raw = Raw(issued=5_001, ended=5_000)
    raw.logs["OK"] = array("d", [0.0, 9.0, 0.0] * 3_000 + [0.0, 0.001, 0.0] * 2_000)
    seen = glimpse(raw)
    assert (seen.issued, seen.ended, seen.answered) == (5_001, 5_000, 5_000)
    assert seen.recent_p99_s == pytest.approx(0.001)
    assert glimpse(Raw(issued=3)).answered == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--rate", "-5"), "--rate: must be a number, at least 0"),
        (("--rate", "nan"), "--rate: must be a number"),
        (("--seconds", "0"), "--seconds: must be a number, more than 0"),
        (("--warm-up", "-1"), "--warm-up: must be"),
        (("--rows", "0"), "--rows: must be a whole number of 1 to 65536"),
        (("--rows", "many"), "--rows: must be a whole number"),
        (("--connections", "0"), "--connections: must be"),
        (("--processes", "0"), "--processes: must be"),
        (("--streams", "0"), "--streams: must be"),
        (("--repeats", "0"), "--repeats: must be"),
        (("--seed", "-1"), "--seed: must be"),
        (("--deadline-ms", "-5"), "--deadline-ms: must be"),
        (("--p99-ms", "0"), "--p99-ms: must be"),
        (("--speed", "0"), "--speed: must be"),
    ],
)
def test_a_number_out_of_bounds_is_a_wrong_command_line(
    given: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
):
    """As it is in a file; the option and its bound are named."""
    with pytest.raises(SystemExit) as ended:
        options("--model", "m", *given)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("text", ["nowhere", "localhost:abc", ":8500", "localhost:0"])
def test_a_server_is_a_host_and_a_port(text: str, capsys: pytest.CaptureFixture[str]):
    """What is none is told at once, not after waiting for it."""
    parser = argparse.ArgumentParser()
    add_load_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([text, "--model", "m"])
    assert "must be host:port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--rate", "0"), "--rate must be more than 0"),
        (("--arrivals", "ramp", "--rate", "0"), "a ramp needs"),
        (("--arrivals", "step"), "steps are told in a --workload"),
        (("--arrivals", "replay"), "a replay needs a --trace"),
        (("--arrivals", "ramp", "--rates", "10,20"), "--rates are of poisson and constant"),
        (("--mode", "offline", "--rates", "10,20"), "--rates are of --mode open"),
        (("--mode", "server", "--rates", ""), "--rates are of --mode open"),
        (("--mode", "offline", "--rate", "500"), "--rate is of a schedule"),
        (("--mode", "closed", "--trace", "nasa"), "--trace is of a schedule"),
        (("--mode", "server", "--repeats", "5"), "--repeats are not of --mode server"),
        (("--mode", "server", "--rate", "0.5"), "--rate must be at least 1"),
    ],
)
def test_a_shape_without_its_figures_says_what_is_missing(given: tuple[str, ...], told: str):
    """Before anything is sent."""
    with pytest.raises(LoadError, match=told):
        _workload(options("--model", "m", *given))


def test_a_result_that_could_not_be_written_is_told_before_the_load(tmp_path: Path):
    """A load may take hours."""
    path = tmp_path / "nowhere" / "load.json"
    with pytest.raises(LoadError, match="there is no folder"):
        command.load(options("--model", "m", "--json", str(path)))
    with pytest.raises(LoadError, match="is a folder: name a file"):
        command.load(options("--model", "m", "--html", str(tmp_path)))
