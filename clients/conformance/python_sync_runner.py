"""The runner of the sync Python client, whose calls are made in threads. See README.md.

python -m clients.conformance.python_sync_runner TARGET SERVER FOLDER CASES.json...
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from clients.conformance import python_runner
from stubtail_client import Client

THREADS_MAX = 1024  # a case has a thousand calls at once


class Blocking:
    """The sync client behind the face of the async one, as far as the runner needs it."""

    can_cancel = False  # a thread that waits for a reply ends with its deadline, not before

    def __init__(self, target: str, **options: Any) -> None:
        self._client = Client(target, **options)

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS_MAX))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.close()

    async def _ask(self, path: str, payload: bytes, timeout: float | None) -> bytes:  # noqa: ASYNC109 - the face of AsyncClient
        return await asyncio.to_thread(self._client._ask, path, payload, timeout)  # noqa: SLF001 - what lies right below its methods

    async def _stream(
        self,
        path: str,
        payload: bytes,
        timeout: float,  # noqa: ASYNC109 - the face of AsyncClient
    ) -> AsyncGenerator[bytes, None]:
        stream = self._client._stream(path, payload, timeout)  # noqa: SLF001 - as above
        try:
            while (reply := await asyncio.to_thread(next, stream, None)) is not None:
                yield reply
        finally:
            await asyncio.to_thread(stream.close)

    def _exchange(self, path: str, timeout: float) -> "_BlockingExchange":
        return _BlockingExchange(self._client._exchange(path, timeout))  # noqa: SLF001 - as above


class _BlockingExchange:
    """A stream both ways of the sync client."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self.close = exchange.close

    async def send(self, message: bytes) -> None:
        """Sends a message."""
        self._exchange.send(message)

    async def finish(self) -> None:
        """Says that nothing more will be sent."""
        self._exchange.finish()

    async def receive(self) -> bytes | None:
        """The next message; None after the last."""
        reply: bytes | None = await asyncio.to_thread(self._exchange.receive)
        return reply


if __name__ == "__main__":
    python_runner.main(*sys.argv[1:], kind=Blocking)
