"""Tells when something below a folder may have changed: by the operating system or by the clock."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

_log = logging.getLogger("stubtail.models")


async def changes(
    root: Path, *, debounce_ms: int, poll_ms: int, rescan_ms: int
) -> AsyncGenerator[None, None]:
    """Yields whenever it is worth to look at the folder again; ends only by cancellation.

    The folder may be missing, unreadable, or on a file system that tells nothing: then it is
    looked at every `poll_ms`, until watching succeeds.

    Args:
        root: the folder; a link to it may be exchanged.
        debounce_ms: changes within this time are told once.
        poll_ms: the interval while watching fails.
        rescan_ms: the interval while watching works, for what is not told (network file systems).
    """
    told = ""
    while True:
        identity = _identity(root)
        if identity is None:  # watching what is not there would succeed, and tell nothing
            await asyncio.sleep(poll_ms / 1000)
            yield None
            continue
        try:
            async with aclosing(_watched(root, debounce_ms, rescan_ms)) as watched:
                async for _ in watched:
                    if told:
                        _log.info("watching models again", extra={"folder": str(root)})
                        told = ""
                    yield None
                    if _identity(root) != identity:
                        break  # what is watched is not what the path names any more
        except (OSError, RuntimeError) as error:
            # Once for each reason, such as no watches left.
            if str(error) != told:
                told = str(error)
                fields = {"folder": str(root), "reason": told, "poll_ms": poll_ms}
                _log.warning("models polled, not watched", extra=fields)
        await asyncio.sleep(poll_ms / 1000)
        yield None


async def _watched(root: Path, debounce_ms: int, rescan_ms: int) -> AsyncGenerator[None, None]:
    watching = awatch(
        root,
        watch_filter=None,
        debounce=debounce_ms,
        step=min(50, debounce_ms),
        rust_timeout=rescan_ms,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )

    async def wait() -> None:
        await anext(watching)

    first = asyncio.create_task(wait())
    try:
        await asyncio.sleep(0)  # one turn of the loop: now the watch stands, or has failed
        if not first.done():
            yield None  # for what changed since the last look, before the watch stood
        await first
        yield None
        async for _ in watching:
            yield None
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await watching.aclose()


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        info = root.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino
