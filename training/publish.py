"""Replaces a version folder in one step, so that no reader ever sees half of it."""

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_RENAME_EXCHANGE: Final = 2  # the flag has this value on Linux and on macOS
_AT_FDCWD: Final = -100


def publish(folder: Path, files: Mapping[str, bytes]) -> None:
    """Makes `folder` hold exactly these files, so that no reader ever sees half of them.

    They are written and synced in a hidden folder beside it, which then takes its place in one
    step. Where a file system cannot swap two folders, the files are replaced one by one, in the
    order given; a server that looks between the two sees a wrong hash and waits.

    Raises:
        OSError: the disk is full, the folder is read-only and so on; `folder` is as before.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in files.items():
            with (staged / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        staged.chmod(0o755)  # mkdtemp lets nobody else read
        _sync(staged)
        if not folder.exists():
            staged.rename(folder)
        elif not _exchange(staged, folder):
            for name in files:
                (staged / name).replace(folder / name)
            _sync(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Swaps two folders in one step; False where the system or the file system cannot."""
    if sys.platform == "win32":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    if hasattr(libc, "renameat2"):
        done = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    elif hasattr(libc, "renamex_np"):
        done = libc.renamex_np(names[0], names[1], _RENAME_EXCHANGE)
    else:
        return False
    return bool(done == 0)


def _sync(folder: Path) -> None:
    """Makes the names in a folder survive a power cut."""
    if sys.platform == "win32":
        return  # it opens no folders
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
