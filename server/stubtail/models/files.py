"""Reads a file below a folder: whole, bounded, and never through a link that leaves the folder."""

import os
import stat
from pathlib import Path

from stubtail.models.errors import ModelError


def read_within(root: Path, path: Path, *, bytes_max: int, where: str) -> bytes:
    """The contents of the regular file `path`.

    Links are followed as long as they stay below `root` (volumes of Kubernetes are made of such
    links). What is checked is what is read: the resolved path is opened component by component,
    and none of them may be a link by then.

    Raises:
        ModelError: it is missing, unreadable, no regular file, outside of `root` or too large.
    """
    try:
        with os.fdopen(_open_within(root, path, where), "rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise ModelError(where, "it is not a regular file", "put the file itself there")
            # `read` allocates what it is asked for, so it is not asked for the bound. What a file
            # grows by after this moment belongs to a later state of it.
            data = file.read(info.st_size) if info.st_size <= bytes_max else b""
    except OSError as error:
        raise unreadable(where, error) from error
    if info.st_size > bytes_max:
        problem = f"it has {info.st_size} bytes, the limit is {bytes_max}"
        raise ModelError(where, problem, "make it smaller or raise the limit in the settings")
    return data


def is_within(root: Path, path: Path) -> bool:
    """Whether `path`, with its links followed, lies below `root` at this moment."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def unreadable(where: str, error: OSError) -> ModelError:
    """The ModelError for a file or folder that the operating system does not give."""
    if isinstance(error, FileNotFoundError):
        return ModelError(where, "there is no such file", "put it there")
    if isinstance(error, PermissionError):
        mend = "let the user of the server read it"
        return ModelError(where, "permission denied", mend, detail=str(error))
    problem = (error.strerror or "it cannot be read").lower()
    return ModelError(where, problem, "check the disk and the path", detail=str(error))


def _open_within(root: Path, path: Path, where: str) -> int:
    real_root = Path(os.path.realpath(root, strict=True))
    # Not strict: what lies elsewhere is refused alike, whether it is there or not.
    real_path = Path(os.path.realpath(path))
    if not real_path.is_relative_to(real_root):
        problem = "it is a link that leaves the folder of models"
        raise ModelError(where, problem, "copy the file itself into the folder")
    # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if os.open not in os.supports_dir_fd:  # not POSIX
        return os.open(real_path, flags)
    folder = os.open(real_root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        parts = real_path.relative_to(real_root).parts
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        # A link to the root itself has no parts.
        return os.open(parts[-1] if parts else ".", flags | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)
