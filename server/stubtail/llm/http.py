"""HTTP to providers; the only importer of aiohttp.

No retries, no redirects, no cookies, no proxies from the environment: what is sent, and how often,
is decided elsewhere. Nothing of aiohttp's own texts leaves this file.
"""

import io
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.hdrs import CONTENT_TYPE, RETRY_AFTER

READ_BYTES = 64 * 1024  # what is read ahead of a caller that takes its time
KEEP_ALIVE_S = 20.0  # below what servers and balancers keep: a stale connection costs an attempt
HEADER_BYTES_MAX = 32 * 1024
BODY_BYTES_WHOLE = 256 * 1024


class ConnectFailedError(Exception):
    """There is no connection."""


class BrokenOffError(Exception):
    """The connection ended before its time, or what came over it is no HTTP."""


class Http:
    """A pool of connections. It belongs to one event loop."""

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Makes the pool; connects nowhere yet."""
        self._session = aiohttp.ClientSession(
            # How many calls a provider gets is decided before: a queue here would be unseen.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            read_bufsize=READ_BYTES,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
        )

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, connect_s: float
    ) -> "Reply":
        """Sends a request and waits for the head of the reply; the caller must close it.

        Raises:
            ConnectFailedError: no connection within `connect_s`.
            BrokenOffError: the connection ended before the head.
        """
        assert self._session is not None
        # Bytes of a megabyte and more are written in one step, and aiohttp warns of that.
        data = body if len(body) < BODY_BYTES_WHOLE else io.BytesIO(body)
        timeout = aiohttp.ClientTimeout(total=None, connect=connect_s)
        try:
            response = await self._session.post(
                url, data=data, headers=headers, timeout=timeout, allow_redirects=False
            )
        except (aiohttp.ClientConnectorError, TimeoutError) as error:
            raise ConnectFailedError from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise BrokenOffError from error
        return Reply(response)


class Reply:
    """The reply of a provider, whose body is read piece by piece."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self._response.headers.get(CONTENT_TYPE, "").partition(";")[0].strip().lower()

    @property
    def retry_after(self) -> str:
        """The header Retry-After; empty where there is none."""
        return self._response.headers.get(RETRY_AFTER, "")

    async def read(self) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            BrokenOffError: the connection ended before the body did.
        """
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # What came before the break is still there, perhaps the end of a complete answer, and
            # aiohttp has no public way to it.
            rest = self._response.content._read_nowait(-1)  # noqa: SLF001 - see above
            if rest:
                return rest
            raise BrokenOffError from error

    async def read_all(self, bytes_max: int) -> bytes | None:
        """The whole body; None where it is larger than the bound."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > bytes_max:
                return None
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Closes the connection at once, unless the body has been read to its end."""
        self._response.close()
