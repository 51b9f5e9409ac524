"""Folders that killed processes leave behind are removed, and never those of living ones."""

import os

from stubtail.runtime_folder import PREFIX, RuntimeFolder, remove_stale


def test_a_folder_lives_as_long_as_its_process(tmp_path):
    """It is private, nobody else's start removes it, and its own end does."""
    folder = RuntimeFolder(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "grpcio.sock").touch()
    assert remove_stale(tmp_path) == []
    other = RuntimeFolder(tmp_path)
    assert folder.path.exists()
    folder.remove()
    assert not folder.path.exists()
    other.remove()


def test_what_a_killed_process_left_is_removed(tmp_path):
    """Its lock is free, as the system lets go of it."""
    killed = RuntimeFolder(tmp_path)
    (killed.path / "0-1.sock").touch()
    os.close(killed._lock)
    fresh = RuntimeFolder(tmp_path)
    assert not killed.path.exists()
    fresh.remove()
    assert list(tmp_path.iterdir()) == []


def test_all_else_stays(tmp_path):
    """No lock, a link, a file, another name, another's folder: none of them is touched."""
    target = tmp_path / "precious"
    target.mkdir()
    (target / "alive").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(target)
    (tmp_path / f"{PREFIX}file").touch()
    (tmp_path / f"{PREFIX}new").mkdir()
    trap = tmp_path / f"{PREFIX}trap"
    trap.mkdir()
    (trap / "alive").symlink_to(target / "alive")
    pipe = tmp_path / f"{PREFIX}pipe"
    pipe.mkdir()
    os.mkfifo(pipe / "alive")
    before = sorted(tmp_path.rglob("*"))
    assert remove_stale(tmp_path) == []
    assert sorted(tmp_path.rglob("*")) == before
    assert remove_stale(tmp_path / "nothing") == []
