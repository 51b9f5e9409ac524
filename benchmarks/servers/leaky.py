"""The server with a leak put into it, to see whether a memory benchmark would notice one.

`python -m benchmarks.servers.leaky 64 serve --models DIR` keeps 64 bytes of every call for ever.
"""

import sys
from typing import Any

from stubtail.__main__ import main
from stubtail.lane.lane import Lane

_KEPT: list[bytes] = []


def leak(size: int) -> None:
    """Makes the lane keep `size` bytes of every job that it is given."""
    serve = Lane.serve

    def leaking(self: Lane, jobs: Any) -> bool:
        _KEPT.extend(bytes(size) for _ in jobs)
        return serve(self, jobs)

    Lane.serve = leaking  # type: ignore[method-assign]  # that is what this server is for


if __name__ == "__main__":
    leak(int(sys.argv.pop(1)))
    sys.exit(main())
