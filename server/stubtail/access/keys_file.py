"""The file of callers with API keys: read at the start and whenever it changes, on a thread.

It looks like the settings and has nothing but `[access.keys.NAME]` tables. A file that is being
written, or that is wrong, never replaces keys that work.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

from stubtail.config import ConfigError, Settings, load
from stubtail.config.access import AccessSettings, KeySettings

log = logging.getLogger("stubtail.access")

Keys = Mapping[str, KeySettings]
_Mark = tuple[int, int, int, int]


class KeysFileError(OSError):
    """The file cannot be used; the message names it and the mend, and never shows a hash."""


def read_keys(path: Path) -> Keys:
    """The callers in a file, by name.

    Raises:
        KeysFileError: it cannot be read, is wrong, or has other settings as well.
    """
    try:
        settings = load(path, (), {})
    except ConfigError as error:
        raise KeysFileError("; ".join(error.problems[:3])) from None
    keys = settings.access.keys
    if settings != replace(Settings(), access=replace(AccessSettings(), keys=keys)):
        raise KeysFileError(f"{path}: it may only have [access.keys.NAME] tables; move the others")
    return keys


class KeysFile:
    """Follows the file.

    Args:
        path: of the file.
        every_s: how often it is looked at. A change is taken when two looks see the same, so that
            a file which is being written is not read half-way.
        changed: told of the callers each time; raises ValueError where they cannot be taken.
    """

    def __init__(self, path: Path, every_s: float, changed: Callable[[Keys], None]) -> None:
        self._path = path
        self._every_s = every_s
        self._changed = changed
        self._stop = Event()
        self._taken: _Mark | None = None
        self._seen: _Mark | None = None
        self._thread = Thread(target=self._run, name="keys-file", daemon=True)

    def start(self) -> None:
        """Reads the file, then goes on looking at it; raises KeysFileError."""
        self._taken = self._seen = self._mark()
        self._take()
        self._thread.start()

    def close(self) -> None:
        """Looks no more."""
        self._stop.set()

    def look(self) -> None:
        """Reads the file if it has changed and rests; tells the log what is wrong with it."""
        before, mark = self._seen, self._mark()
        self._seen = mark
        if mark == self._taken or mark != before:
            return
        self._taken = mark  # one that is wrong is told once, and read again when it changes
        problem = ""
        if mark is not None and not mark[1]:  # as a disk that is full leaves it
            problem = f"{self._path}: it is empty; where nobody is to call, write a # into it"
        else:
            try:
                self._take()
            except KeysFileError as error:
                problem = str(error)
        if problem:
            log.warning("callers kept", extra={"problem": problem})

    def _take(self) -> None:
        keys = read_keys(self._path)
        try:
            self._changed(keys)
        except ValueError as error:
            raise KeysFileError(f"{self._path}: {error}") from None
        log.info("callers read", extra={"file": str(self._path), "callers": len(keys)})

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.look()
            except Exception:  # whatever it is, later changes must be noticed
                log.exception("look at callers failed")

    def _mark(self) -> _Mark | None:
        try:
            info = self._path.stat()
        except OSError:
            return None
        # The last one too for rights that were mended, and for tools that set the time themselves:
        # a key that is exchanged changes nothing else, as all hashes have the same length.
        return info.st_mtime_ns, info.st_size, info.st_ino, info.st_ctime_ns
