"""Numbers that the workers of one server share: a small file that all of them have in memory."""

import mmap
import os
from pathlib import Path

from stubtail.access.rate import Cells

FILE_NAME = "quotas"  # in the folder of the workers' sockets, which is this user's alone


def shared_cells(folder: Path, count: int) -> Cells:
    """So many doubles, which start at 0; whoever writes one, all read it.

    Raises:
        OSError: the file cannot be made.
    """
    size = max(count, 1) * 8
    descriptor = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size < size:
            os.ftruncate(descriptor, size)
        return memoryview(mmap.mmap(descriptor, size)).cast("d")
    finally:
        os.close(descriptor)
