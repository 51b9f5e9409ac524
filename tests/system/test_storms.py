"""A storm from the command to its file: it reaches the server, and every other call has an end."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.storms import command


def test_a_storm_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whether its promises are kept is for a quiet machine; that it was a storm is not."""
    monkeypatch.setattr(command, "_CALM_S", 0.2)
    options = ["storms", "--only", "rapid-reset", "--transport", "native", "--seconds", "0.3"]
    assert main([*options, "--out", str(tmp_path)]) in {0, 1}
    (path,) = tmp_path.glob("*-storms-partial.json")
    found = json.loads(path.read_text())
    assert not found["problems"]
    (storm,) = found["storms"]
    assert storm["issued"] == sum(storm["statuses"].values()) > 0
    assert storm["rss_mb"][1] > 0
    assert storm["got"]["sent"] > 0
    assert storm["got"]["GOAWAY"] > 0  # the front ends such connections
