"""The folder of a process's sockets: private, removed at its end or, after a kill, by another.

A file in it is locked for as long as the process lives. A folder of that name whose lock is free
was left behind by a process that could not clean up; nobody else's folder is ever touched.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

PREFIX: Final = "stubtail-run-"
LOCK_NAME: Final = "alive"
LOOKED_AT_MAX: Final = 10_000  # entries of the temporary folder: a start must not take long


class RuntimeFolder:
    """A folder that only this user can enter, from now until `remove`.

    Args:
        parent: where it is made; None takes the system's temporary folder.

    Attributes:
        path: the folder.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        remove_stale(parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Locked before it has its name: nobody ever sees it free while this process lives.
        passing = self.path / f"{LOCK_NAME}.new"
        self._lock = os.open(passing, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        _try_lock(self._lock)
        passing.rename(self.path / LOCK_NAME)

    def remove(self) -> None:
        """Removes it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def remove_stale(parent: Path) -> list[Path]:
    """Removes the folders that dead processes of this user left; returns them.

    A folder that has no lock yet is being made by somebody, or is somebody else's: it stays.
    """
    removed = []
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for _, entry in zip(range(LOOKED_AT_MAX), entries, strict=False):
            if entry.name.startswith(PREFIX) and _is_stale(Path(entry.path)):
                shutil.rmtree(entry.path, ignore_errors=True)
                removed.append(Path(entry.path))
    return removed


def _is_stale(folder: Path) -> bool:
    try:
        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
            return False
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(lock).st_mode) and _try_lock(lock)
    finally:
        os.close(lock)


def _try_lock(descriptor: int) -> bool:
    import fcntl  # noqa: PLC0415  # not on every platform; without it nothing counts as stale

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
