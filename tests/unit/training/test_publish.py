"""A version folder appears whole, is replaced whole, and stays as it was when that fails."""

import errno
import os
import threading
from pathlib import Path

import pytest

from training import publish as module
from training.publish import publish


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, hidden ones too."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_version_appears_with_its_parents(tmp_path):
    """Missing folders are made; nothing else is left behind; others can read it."""
    publish(tmp_path / "m" / "1", {"a": b"1", "b": b"2"})

    assert contents(tmp_path) == {"m/1/a": b"1", "m/1/b": b"2"}
    assert (tmp_path / "m" / "1").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("can_swap", [True, False])
def test_an_old_version_is_replaced(tmp_path, monkeypatch, can_swap):
    """With and without a file system that can swap folders, the new files are there."""
    if not can_swap:
        monkeypatch.setattr(module, "_exchange", lambda first, second: False)
    folder = tmp_path / "1"
    publish(folder, {"a": b"old", "b": b"old"})

    publish(folder, {"a": b"new", "b": b"new"})

    assert contents(tmp_path) == {"1/a": b"new", "1/b": b"new"}


def test_what_was_beside_the_files_goes_with_the_old_version(tmp_path):
    """A replaced version holds exactly the files that were published."""
    folder = tmp_path / "1"
    publish(folder, {"a": b"old", "stray": b"old"})
    if not module._exchange(folder, folder):
        pytest.skip("this file system cannot swap folders")

    publish(folder, {"a": b"new"})

    assert contents(tmp_path) == {"1/a": b"new"}


@pytest.mark.parametrize("failing", ["fsync", "write"])
def test_a_failure_leaves_the_old_version_and_no_rubbish(tmp_path, monkeypatch, failing):
    """A full disk while writing changes nothing that a reader can see."""
    folder = tmp_path / "1"
    publish(folder, {"a": b"old"})

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "no space left")

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="no space left"):
        publish(folder, {"a": b"new"})

    monkeypatch.undo()
    assert contents(tmp_path) == {"1/a": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_reader_never_sees_two_versions_mixed_or_none(tmp_path):
    """While versions are swapped, every folder that can be opened holds one of them, whole."""
    folder = tmp_path / "1"
    publish(folder, {"a": b"0", "b": b"0"})
    if not module._exchange(folder, folder):
        pytest.skip("this file system cannot swap folders")
    stop = threading.Event()
    wrong: list[str] = []

    def read() -> None:
        while not stop.is_set():
            try:
                descriptor = os.open(folder, os.O_RDONLY)
            except FileNotFoundError:
                wrong.append("no folder")
                return
            try:
                seen = [_read_at(name, descriptor) for name in ("a", "b")]
            except FileNotFoundError:
                continue  # this folder has been swapped out and removed
            finally:
                os.close(descriptor)
            if seen[0] != seen[1]:
                wrong.append(f"mixed {seen}")

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        publish(folder, {"a": b"%d" % number, "b": b"%d" % number})
    stop.set()
    reader.join()

    assert wrong == []


def _read_at(name: str, folder: int) -> bytes:
    """A file's content by its name in an open folder."""
    descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)
