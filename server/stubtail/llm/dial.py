"""Connects to a provider: each of its addresses in turn, a little apart, and the first one wins.

After RFC 8305 ("happy eyeballs"): an address family that leads nowhere costs a quarter of a second,
not the whole connect timeout.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from itertools import zip_longest
from ssl import SSLContext
from typing import Any

STAGGER_S = 0.25  # RFC 8305, section 8
ADDRESSES_MAX = 8  # of one name; more would not be reached within a timeout
Pair = tuple[asyncio.BaseTransport, asyncio.Protocol]


async def dial(
    host: str, port: int, tls: SSLContext | None, make: Callable[[], asyncio.Protocol]
) -> asyncio.Protocol:
    """A connected protocol, made by `make`.

    Raises:
        OSError: no address can be reached, the name is not known, or TLS fails.
    """
    loop = asyncio.get_running_loop()

    async def connect(address: str) -> Pair:
        name = host if tls else None
        return await loop.create_connection(make, address, port, ssl=tls, server_hostname=name)

    addresses = await _addresses(host, port)
    if len(addresses) == 1:
        return (await connect(addresses[0]))[1]
    found = await _first([partial(connect, one) for one in addresses])
    if isinstance(found, BaseException):
        try:
            raise found
        finally:
            del found  # or it would hold this frame, and the frame it
    return found


async def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a name, families alternating."""
    loop = asyncio.get_running_loop()
    try:
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long
        raise OSError("no such name") from error
    families: dict[int, list[str]] = {}
    for family, _, _, _, address in infos:
        known = families.setdefault(family, [])
        if address[0] not in known:
            known.append(str(address[0]))
    mixed = [one for row in zip_longest(*families.values()) for one in row if one]
    if not mixed:
        raise OSError("the name has no address")
    return mixed[:ADDRESSES_MAX]


async def _first(
    starts: Sequence[Callable[[], Coroutine[Any, Any, Pair]]],
) -> asyncio.Protocol | BaseException:
    """What the first of these gives that succeeds, or why the last one did not; others are ended.

    Not raised here, where tasks that are looked at have it too.
    """
    waiting = list(starts)
    running: set[asyncio.Task[Pair]] = set()
    failed: BaseException = OSError("no address")
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.create_task(waiting.pop(0)()))
            timeout = STAGGER_S if waiting else None
            done, running = await asyncio.wait(
                running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            for one in done:
                error = one.exception()
                if error is None:
                    running |= done - {one}
                    return one.result()[1]
                failed = error
        return failed
    finally:
        for one in running:
            one.cancel()
        for ended in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(ended, tuple):
                ended[0].abort()  # type: ignore[attr-defined]  # every transport of a socket has it
