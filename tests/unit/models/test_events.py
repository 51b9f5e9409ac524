"""The log of a model's life: one line for each event, with the fields that matter."""

import logging

import pytest

from tests import model_files
from tests.model_files import write_model
from tests.unit.models.repository_bench import Bench


@pytest.fixture
async def bench(tmp_path):
    """A repository on an empty folder, closed after the test."""
    bench = Bench(tmp_path)
    yield bench
    await bench.repository.aclose()


async def test_one_line_for_each_event(bench, caplog):
    """Loading, ready, live, failed, unloaded: one line each, with the fields that matter."""
    caplog.set_level(logging.INFO, "stubtail.models")
    bench.put("1")
    await bench.repository.start()
    bench.break_("2")
    await bench.settle()
    await bench.repository.unload("m")
    events = [(record.getMessage(), getattr(record, "version", None)) for record in caplog.records]
    assert events == [
        ("model loading", "1"),
        ("model ready", "1"),
        ("model live", "1"),
        ("model loading", "2"),
        ("model failed to load", "2"),
        ("model live", "none"),
        ("model unloaded", "1"),
    ]
    ready, failed = caplog.records[1], caplog.records[4]
    assert ready.ms > 0
    assert len(ready.sha256) == 64
    assert ready.run_fixed_us > 0
    assert failed.file == "m/2/model.onnx"
    assert "no ONNX model" in failed.reason
    assert "copy" in failed.mend
    assert failed.detail


async def test_ready_warns_with_notes(bench, caplog):
    """What the owner of a model should know is a warning on its line."""
    write_model(bench.root / "m" / "1", model_files.mixing())
    await bench.repository.start()
    (line,) = [record for record in caplog.records if record.getMessage() == "model ready"]
    assert line.levelno == logging.WARNING
    assert "not batched" in line.notes
