"""The matrix of the conformance suite, and the names that it resolves."""

import socket
import struct
from pathlib import Path

import pytest

from clients.conformance import names, runners
from clients.conformance.__main__ import SILENT, turned
from clients.conformance.matrix import FAIL, GAP, PASS, SKIP, Verdict, table


def test_a_cell_shows_the_worst_of_its_servers() -> None:
    """Both transports share a cell, and what is wrong is told below."""
    verdicts = [
        Verdict("a", "go", "native", PASS),
        Verdict("a", "go", "grpcio", FAIL, "because"),
        Verdict("a", "rust", "native", GAP, "not yet"),
        Verdict("b", "go", "native", SKIP, "no such thing"),
    ]
    text = table(verdicts, ["go", "rust"], {"java": "mvn not on the PATH"})
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["go", "rust"]
    assert lines[1] == ["a", "FAIL", "gap"]
    assert lines[2] == ["b", "-"]
    assert "FAIL go a (grpcio): because" in text
    assert "java: skipped, mvn not on the PATH" in text


def test_against_a_broken_server_passing_is_the_failure() -> None:
    """A case that passes there proves nothing."""
    assert turned(Verdict("a", "go", "faults", FAIL, "it hangs")).ok
    assert turned(Verdict("a", "go", "faults", GAP, "not yet")).ok
    assert not turned(Verdict("a", "go", "faults", PASS)).ok
    assert not turned(Verdict("a", "go", "faults", FAIL, "it passes, so it is no gap: x")).ok
    assert turned(Verdict("a", "go", "faults", SKIP, "no such thing")).mark == SKIP
    assert not turned(Verdict("a", "go", "faults", FAIL, f"{SILENT}; it crashed")).ok


def test_a_registry_that_is_away_skips_and_a_defect_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The language is left out with the reason; where fetching fails otherwise, the build tells."""
    script = tmp_path / "fetch"
    monkeypatch.setattr(runners, "FETCH", script)
    runner = runners.Runner("go", ("true",), build=("false",))
    for status, reason in ((3, "cannot be fetched"), (1, ""), (0, "")):
        script.write_text(f"#!/bin/sh\necho cannot be fetched\nexit {status}\n", "utf-8")
        script.chmod(0o755)
        assert runner.missing() == reason


def test_one_name_has_two_addresses() -> None:
    """Questions for addresses get both, all others none."""
    question = b"\x03two\x04test\x00"
    head = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    reply = names.answer(head + question + struct.pack("!HH", 1, 1))
    assert struct.unpack("!HHHHHH", reply[:12])[3] == 2
    assert all(socket.inet_aton(address) in reply for address in names.ADDRESSES)
    assert struct.unpack("!HHHHHH", names.answer(head + question + b"\0\x1c\0\1")[:12])[3] == 0
