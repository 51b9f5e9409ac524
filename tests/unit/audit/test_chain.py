"""The audit log: every change of it shows, nobody waits for it, and nothing secret gets in."""

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stubtail.access.identity import ANONYMOUS
from stubtail.access.refusals import Unknown, scope_missing, unauthenticated
from stubtail.access_command import audit as audit_command
from stubtail.audit.audit import Audit, trace_id
from stubtail.audit.chain import Link, forge, verify
from stubtail.audit.files import Files, files_of, verify_folder
from stubtail.audit.writer import Writer
from tests.unit.audit.listening import Listening

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SCORE = "/stubtail.v1.ScoringService/Score"


def lines(count: int) -> list[bytes]:
    """A chain."""
    made, link = [], Link()
    for index in range(count):
        line, link = forge({"event": "act", "index": index}, link)
        made.append(line)
    return made


def test_a_chain_that_nobody_touched_is_whole() -> None:
    """And ends with its last hash."""
    count, link, problem = verify(lines(5), None)
    assert (count, link.seq, problem) == (5, 5, "")
    assert json.loads(lines(5)[-1])["hash"] == link.digest


@pytest.mark.parametrize("at", range(1, 4))
@pytest.mark.parametrize(
    "change", ["edit", "remove", "swap", "repeat", "insert", "cut", "blank", "twice", "spaces"]
)
def test_every_change_shows(change: str, at: int) -> None:
    """In any line but a removed last one, against which a kept hash helps."""
    made = lines(6)
    if change == "edit":
        made[at] = made[at].replace(b'"act"', b'"axt"')
    elif change == "remove":
        del made[at]
    elif change == "swap":
        made[at], made[at + 1] = made[at + 1], made[at]
    elif change == "repeat":
        made.insert(at, made[at])
    elif change == "insert":
        made.insert(at, forge({"event": "act"}, Link(at, "1" * 64))[0])
    elif change == "cut":
        made[-1] = made[-1][:-7]
    elif change == "twice":  # whoever reads the first one is told something else
        made[at] = made[at].replace(b"{", b'{"event":"denial",')
    elif change == "spaces":
        made[at] = made[at].replace(b",", b", ")
    else:
        made.insert(at, b"\n")
    count, _, problem = verify(made, None)
    assert problem
    assert count == (5 if change == "cut" else at + (change == "repeat"))


def test_a_line_stays_a_line_whatever_callers_are_called() -> None:
    """New lines, quotes and other scripts are escaped."""
    line, link = forge({"caller": 'a\n{"seq":2}\u2028"é\x00'}, Link())
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert verify([line], None) == (1, link, "")


def write(folder: Path, count: int, **changes: Any) -> None:
    """One life of a writer that notes so many records."""
    options = {"bytes_max": 1_000, "kept": 100, **changes}
    writer = Writer(Files(folder, "audit-0", **options), queue_max=1_000)
    writer.start()
    for index in range(count):
        assert writer.put(partial(dict, event="act", index=index))
        if index % 5 == 4:
            end_s = time.monotonic() + 10
            while not writer.has_room or len(writer._waiting):
                assert time.monotonic() < end_s
                time.sleep(0.01)
    writer.close()


def test_the_chain_goes_on_over_files_and_restarts(tmp_path: Path) -> None:
    """Each start and each full file begins a new one, readable for this user alone."""
    write(tmp_path / "log", 15)
    write(tmp_path / "log", 3)
    ((stem, count, link, problem),) = verify_folder(tmp_path / "log")
    assert (stem, count, link.seq, problem) == ("audit-0", 18, 18, "")
    files = files_of(tmp_path / "log", "audit-0")
    assert len(files) >= 3
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_what_a_crash_cut_off_is_told_and_the_chain_goes_on(tmp_path: Path) -> None:
    """After the last whole line; `verify` stops at the torn one."""
    write(tmp_path, 3)
    (first,) = files_of(tmp_path, "audit-0")
    first.write_bytes(first.read_bytes()[:-20])
    write(tmp_path, 1)
    ((_, count, _, problem),) = verify_folder(tmp_path)
    assert (count, problem) == (2, f"{first.name}: the last line is cut off")
    last = json.loads(files_of(tmp_path, "audit-0")[-1].read_bytes())
    assert last["seq"] == 3


def test_two_writers_of_one_number_have_two_chains(tmp_path: Path) -> None:
    """A worker drains while the one that replaces it begins; after both, the first goes on."""
    first, second = (Writer(Files(tmp_path, "audit-0", 1_000, 9), 10) for _ in range(2))
    first.start()
    second.start()
    for writer in (first, second, first):
        writer.put(lambda: {"event": "act"})
    first.close()
    second.close()
    write(tmp_path, 2)
    found = {stem: (count, problem) for stem, count, _, problem in verify_folder(tmp_path)}
    assert found == {"audit-0": (4, ""), "audit-256": (1, "")}


def test_old_files_are_given_up_and_the_rest_is_still_a_chain(tmp_path: Path) -> None:
    """A flood fills no disk."""
    write(tmp_path, 40, kept=3)
    assert len(files_of(tmp_path, "audit-0")) == 3
    ((_, count, link, problem),) = verify_folder(tmp_path)
    assert (link.seq, problem) == (40, "")
    assert count < 40


def test_a_missing_file_shows(tmp_path: Path) -> None:
    """Between two others."""
    write(tmp_path, 20, bytes_max=1)
    files = files_of(tmp_path, "audit-0")
    files[1].unlink()
    ((_, _, _, problem),) = verify_folder(tmp_path)
    assert problem.startswith(files[2].name)
    assert "some are missing" in problem


def test_what_is_missing_at_the_begin_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the first file of all as a gap; where older files were given up, by its number."""
    write(tmp_path, 10, bytes_max=400)
    first, *others = files_of(tmp_path, "audit-0")
    whole = first.read_bytes()
    first.write_bytes(whole[whole.index(b"\n") + 1 :])
    assert audit_command(["verify", str(tmp_path)], sys.stdout, sys.stderr) == 1
    assert f"BROKEN: {first.name}: line 1 does not follow" in capsys.readouterr().out
    first.unlink()
    assert audit_command(["verify", str(tmp_path)], sys.stdout, sys.stderr) == 0
    begin = json.loads(others[0].read_bytes().splitlines()[0])["seq"]
    assert f"those before {begin} are gone" in capsys.readouterr().out


def test_records_that_find_no_room_are_counted_in_the_log(tmp_path: Path) -> None:
    """The gap shows, and noting never waits."""
    writer = Writer(Files(tmp_path, "audit-0", 10_000, 5), queue_max=3)
    assert [writer.put(lambda: {"event": "act"}) for _ in range(5)] == [True] * 3 + [False] * 2
    assert not writer.has_room
    writer.start()
    writer.close()
    (file,) = files_of(tmp_path, "audit-0")
    events = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [event["event"] for event in events] == ["act"] * 3 + ["lost"]
    assert events[-1]["records"] == 2


def test_an_act_that_has_begun_is_noted_whatever_others_note_meanwhile(tmp_path: Path) -> None:
    """It began because there was room: denials that take it are no reason to forget the act."""
    writer = Writer(Files(tmp_path, "audit-0", 10_000, 5), queue_max=2)
    audit = Audit(writer, 100.0)
    assert audit.has_room
    for _ in range(3):
        audit.denied(scope_missing("predict", "ltv"), SCORE, ANONYMOUS, "", ())
    assert not audit.has_room
    audit.act("/load", ANONYMOUS, "", (), ["churn"], None)
    writer.start()
    writer.close()
    (file,) = files_of(tmp_path, "audit-0")
    events = [json.loads(line)["event"] for line in file.read_bytes().splitlines()]
    assert events == ["denial", "denial", "act", "lost"]


def test_requests_that_wait_are_bounded_by_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record holds its request until it is written, and one can have megabytes."""
    monkeypatch.setattr("stubtail.audit.writer.HELD_BYTES_MAX", 100)
    writer = Writer(Files(tmp_path, "payloads-0", 10_000, 5), queue_max=1_000)
    taken = [writer.put(lambda: {"event": "payload"}, 40) for _ in range(4)]
    assert taken == [True, True, False, False]
    assert writer.put(lambda: {"event": "payload"})
    writer._link = writer._files.open()
    writer._write()
    assert writer.put(lambda: {"event": "payload"}, 100)
    writer._write()
    writer._files.close()
    (file,) = files_of(tmp_path, "payloads-0")
    events = [json.loads(line)["event"] for line in file.read_bytes().splitlines()]
    assert events == ["payload"] * 3 + ["lost", "payload"]


def test_a_denial_says_who_what_from_where_and_why() -> None:
    """With the trace of the call, and not more often than agreed."""
    writer = Listening()
    now = [0.0]
    audit = Audit(writer, 2.0, lambda: now[0], lambda: 1_700_000_000.5)
    metadata = (("authorization", "Bearer secret"), ("traceparent", f"00-{TRACE}-{'1' * 16}-01"))
    for _ in range(5):
        audit.denied(scope_missing("predict", "ltv"), SCORE, ANONYMOUS, "ipv4:10.0.0.1:9", metadata)
    now[0] = 10.0
    audit.denied(unauthenticated(Unknown.MISSING), SCORE, None, "ipv4:10.0.0.1:9", ())
    assert len(writer.records) == 3
    first, _, last = writer.records
    assert first == {
        "time": "2023-11-14T22:13:20.500+00:00",
        "event": "denial",
        "caller": "",
        "tenant": "",
        "method": SCORE,
        "peer": "ipv4:10.0.0.1:9",
        "outcome": "PERMISSION_DENIED",
        "reason": "SCOPE_MISSING",
        "trace": TRACE,
        "scope": "stubtail:predict:ltv",
    }
    assert (last["reason"], last["suppressed"]) == ("CREDENTIAL_MISSING", 3)
    assert "secret" not in json.dumps(writer.records)


def test_strangers_hide_no_denial_of_a_caller() -> None:
    """However many they are; and what they call a page on the HTTP port is cut."""
    writer = Listening()
    audit = Audit(writer, 2.0, lambda: 0.0, lambda: 0.0)
    for _ in range(10):
        audit.denied(unauthenticated(Unknown.MISSING), f"http:/{'x' * 5000}", None, "http", ())
    audit.denied(scope_missing("predict", "ltv"), SCORE, ANONYMOUS, "", ())
    assert [one["reason"] for one in writer.records] == ["CREDENTIAL_MISSING"] * 2 + [
        "SCOPE_MISSING"
    ]
    assert writer.records[-1]["suppressed"] == 8
    assert len(writer.records[0]["method"]) == 256


def test_an_act_names_models_and_versions() -> None:
    """And how it ended."""
    writer = Listening()
    Audit(writer, 1.0).act("/x/Load", ANONYMOUS, "", (), ["churn@2", "ltv"], None)
    (record,) = writer.records
    assert (record["model"], record["version"]) == (["churn", "ltv"], ["2", ""])
    assert (record["event"], record["outcome"]) == ("act", "OK")


@pytest.mark.parametrize("value", ["", "00-xyz", "00-" + "A" * 32 + "-" + "1" * 16 + "-01", "\n"])
def test_what_is_no_trace_is_left_out(value: str) -> None:
    """A caller chooses its metadata."""
    assert trace_id((("traceparent", value),)) == ""


def test_the_command_tells_whole_from_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its exit code and in words; a kept hash finds what was cut off at the end."""
    import sys

    write(tmp_path, 12)
    ((_, _, link, _),) = verify_folder(tmp_path)
    command = ["verify", str(tmp_path), "--expect", link.digest]
    assert audit_command(command, sys.stdout, sys.stderr) == 0
    last = files_of(tmp_path, "audit-0")[-1]
    kept = last.read_bytes().splitlines(keepends=True)[:-1]
    last.write_bytes(b"".join(kept))
    assert audit_command(command[:2], sys.stdout, sys.stderr) == 0
    assert audit_command(command, sys.stdout, sys.stderr) == 1
    last.write_bytes(b"".join(kept).replace(b"act", b"axt"))
    assert audit_command(command[:2], sys.stdout, sys.stderr) == 1
    assert audit_command(["verify", str(tmp_path / "none")], sys.stdout, sys.stderr) == 1
    said = capsys.readouterr()
    assert "BROKEN" in said.out
    assert "No such file" in said.err
