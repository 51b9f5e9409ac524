"""The files of a log: numbered, only appended to, for this user alone, and the oldest given up."""

import os
import re
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

from stubtail.audit.chain import LINE_BYTES_MAX, Link, read_link, verify

STEP: Final = 256  # as many workers as there can be
CHAINS_MAX: Final = 16  # of one worker's number at a time
NAME: Final = re.compile(r"([a-z]+-\d+)-(\d{9})\.jsonl")


def files_of(folder: Path, stem: str) -> list[Path]:
    """The files of one writer, the oldest first; raises OSError."""
    found = [path for path in folder.iterdir() if _stem(path) == stem]
    return sorted(found, key=lambda path: path.name)


def stems_of(folder: Path) -> list[str]:
    """The writers that have files in a folder; raises OSError."""
    return sorted({stem for path in folder.iterdir() if (stem := _stem(path))})


def last_link(path: Path) -> Link | None:
    """Where the chain stands after the last whole line of a file; None where it has none."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 2 * LINE_BYTES_MAX, 0))
        lines = [line for line in file.read().split(b"\n") if line]
    for line in reversed(lines):
        try:
            return read_link(line)
        except ValueError:
            continue  # cut off when the process ended
    return None


class Files:
    """Where a writer appends; a new file whenever one is full, and at each start.

    Args:
        folder: made if it is missing.
        stem: of the names: "audit-0".
        bytes_max: a file is ended at this size.
        kept: the newest files that stay.
    """

    def __init__(self, folder: Path, stem: str, bytes_max: int, kept: int) -> None:
        self._folder = folder
        self._stem = stem
        self._bytes_max = bytes_max
        self._kept = kept
        self._file: FileIO | None = None
        self._torn = False  # the file may have a part of what could not be written
        self._lock: int | None = None
        self._size = 0

    def open(self) -> Link:
        """Finds the end of the chain; the first line goes into a new file. Raises OSError.

        A worker that drains still has its chain when the one that replaces it begins, with the same
        number; that one then has another chain.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kind, _, number = self._stem.rpartition("-")
        stems = (f"{kind}-{int(number) + STEP * turn}" for turn in range(CHAINS_MAX))
        stem = next((one for one in stems if self._take(one)), None)
        if stem is None:
            raise OSError(f"{self._folder}: {CHAINS_MAX} processes write there as {self._stem}")
        self._stem = stem
        for path in reversed(files_of(self._folder, self._stem)):
            link = last_link(path)
            if link is not None:
                return link
        return Link()

    def append(self, lines: bytes) -> None:
        """Writes whole lines, all or none of them; raises OSError."""
        if self._torn:
            self._cut()
        if self._file is None or self._size >= self._bytes_max:
            self._next()
        assert self._file is not None
        left = memoryview(lines)
        try:
            while left:  # a disk that is nearly full takes a part
                left = left[self._file.write(left) or 0 :]
        except OSError:
            self._torn = True
            with suppress(OSError):  # or before the next write
                self._cut()
            raise
        self._size += len(lines)

    def close(self) -> None:
        """Ends the file, and gives the chain back."""
        self._end()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self, stem: str) -> bool:
        """Whether this process is the only one that writes to the chain."""
        try:
            import fcntl  # noqa: PLC0415 - not on every platform; elsewhere workers are not replaced
        except ModuleNotFoundError:
            return True
        lock = os.open(self._folder / f"{stem}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock  # held until it is closed, or the process ends
        return True

    def _cut(self) -> None:
        """Takes away what was written of lines that come again, or the chain would not hold."""
        assert self._file is not None
        self._file.truncate(self._size)
        self._torn = False

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self) -> None:
        self._end()
        files = files_of(self._folder, self._stem)
        number = _number(files[-1]) + 1 if files else 1
        path = self._folder / f"{self._stem}-{number:09d}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._file = FileIO(descriptor, "wb")  # no buffer: what failed must not come later
        self._size = 0
        for old in files[: max(len(files) + 1 - self._kept, 0)]:
            old.unlink()


def verify_folder(folder: Path) -> list[tuple[str, int, Link, str]]:
    """Checks every chain in a folder.

    Returns:
        For each writer: its stem, the number of right lines, where the chain stands after them,
        and what is wrong with the next one, with its file ("" if all are right).

    Raises:
        OSError: the folder or a file cannot be read.
    """
    found = []
    for stem in stems_of(folder):
        paths = files_of(folder, stem)
        # The first file of all begins with the first record; before another there were older ones,
        # which were given up, and nobody knows any more where the chain stood after them.
        link = Link() if _number(paths[0]) == 1 else None
        total, problem = 0, ""
        for path in paths:
            with path.open("rb") as file:
                count, link, problem = verify(file, link)
            total += count
            if problem:
                problem = f"{path.name}: {problem}"
                break
        found.append((stem, total, link or Link(), problem))
    return found


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _stem(path: Path) -> str:
    match = NAME.fullmatch(path.name)
    return match[1] if match else ""
