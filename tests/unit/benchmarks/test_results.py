"""Results are kept with what they depend on; a promise says plainly whether it was kept."""

import json
import math
from pathlib import Path

from benchmarks.load import Load
from benchmarks.processes import ready_address
from benchmarks.publish import publish
from benchmarks.readme import sections
from benchmarks.results import Promise, machine, newest, save


def test_a_promise_says_pass_or_fail_first():
    """So that a reader sees it without reading the figures."""
    kept = Promise("calls/s : floor", 7.43, "at least", 6.0, note="rounds 5-9")
    assert kept.show() == "PASS  calls/s : floor: 7.43x, promised at least 6x (rounds 5-9)"
    assert Promise("p50", 0.46, "at most", 0.45).show().startswith("FAIL")
    assert Promise("p50", math.nan, "at most", 0.45).show().startswith("FAIL")
    assert Promise("lost", 0, "at most", 0, "").kept
    never = Promise("p99 of all", math.inf, "at most", 5.0)
    assert not never.kept
    assert not Promise("calls/s", math.inf, "at least", 5.0).kept
    assert never.document()["measured"] is None


def test_a_result_names_machine_versions_and_command(tmp_path: Path):
    """Figures without them cannot be repeated."""
    promise = Promise("p50", math.nan, "at most", 0.45)
    path = save("floor", tmp_path, {"promises": [promise.document()]}, machine())
    document = json.loads(path.read_text())
    assert document["machine"]["cores"] >= 1
    assert "grpcio" in document["versions"]
    assert document["command"].startswith("python -m benchmarks")
    assert document["promises"][0]["measured"] is None
    assert newest("floor", tmp_path) == document
    assert newest("cancel", tmp_path) is None


def test_the_readme_shows_the_promises_that_were_not_kept(tmp_path: Path):
    """A failed promise is published like a kept one."""
    promises = [
        Promise("RSS", 118.0, "at most", 120.0, " MB"),
        Promise("start", math.nan, "at most", 2.0, " s"),
    ]
    save("start", tmp_path, {"promises": [one.document() for one in promises]}, machine())
    (text,) = sections(tmp_path)
    assert "118 MB" in text
    assert "not measured" in text
    assert "**no**" in text
    assert "- start: " in text, "how it was measured"
    assert "load " in text.partition("- start: ")[2]
    assert sections(tmp_path / "empty") == []


def test_calls_without_an_outcome_are_those_nobody_accounts_for():
    """Answered, failed and cancelled calls have one; the rest is lost."""
    load = Load(seconds=2.0, latencies_s=[0.1] * 6, issued=10, cancelled=2)
    load.failures["UNAVAILABLE: gone"] += 1
    assert load.answered == 6
    assert load.calls_per_s == 3.0
    assert load.without_outcome == 1


def test_the_address_is_read_from_the_ready_line_only():
    """Other lines may have addresses too, and the metrics address stands behind."""
    line = "stubtail 0.1.0 ready on 127.0.0.1:43633, metrics on http://127.0.0.1:18501/metrics"
    assert ready_address(line) == "127.0.0.1:43633"
    assert ready_address("ready [::1]:8500") == "[::1]:8500"
    assert ready_address('{"time": "2026-11-21T06:50:26.706Z", "event": "loading"}') is None


def test_published_versions_appear_complete_and_old_ones_leave(tmp_path: Path):
    """Version and manifest agree, and the disk does not fill."""
    source, model, staging = tmp_path / "source", tmp_path / "m", tmp_path / "staging"
    for folder in (source, model, staging):
        folder.mkdir()
    (source / "model.onnx").write_bytes(b"graph")
    (source / "model.json").write_text(json.dumps({"version": "1", "name": "m"}))
    for version in range(2, 7):
        publish(source, model, staging, version)
    assert sorted(path.name for path in model.iterdir()) == ["4", "5", "6"]
    document = json.loads((model / "6" / "model.json").read_text())
    assert document == {"version": "6", "name": "m"}
    assert (model / "6" / "model.onnx").read_bytes() == b"graph"
    assert list(staging.iterdir()) == []
