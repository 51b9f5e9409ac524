"""A bare HTTP/1.1 server over asyncio's protocols: answers each request with its first bytes.

It is what the HTTP load generator is checked on, with h2load beside it and in the tests.
"""

import argparse
import asyncio
from typing import cast

import uvloop

from benchmarks.servers.echo import REPLY_BYTES

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: %d\r\n\r\n%s"
_REFUSED = b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n"
_BYTES_MAX = 1 << 20  # of one request; the connection is closed at more


class Echo(asyncio.Protocol):
    """One connection; requests may come in pieces, one at a time."""

    def __init__(self, refuse_every: int) -> None:
        """Refuses each `refuse_every`-th request of a connection with 503; 0: none."""
        self._refuse_every = refuse_every
        self._count = 0
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remembers where answers go."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        """Answers when the request is complete."""
        self._came += data
        head, blank, body = self._came.partition(b"\r\n\r\n")
        if len(self._came) > _BYTES_MAX:
            self._transport.close()
            return
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-le")]
        if not blank or not lengths or len(body) < int(lengths[0].partition(b":")[2]):
            return
        self._came = b""
        self._count += 1
        if self._refuse_every and self._count % self._refuse_every == 0:
            self._transport.write(_REFUSED % 503)
        else:
            answer = body[:REPLY_BYTES]
            self._transport.write(_HEAD % (len(answer), answer))


async def serve(port: int, refuse_every: int) -> None:
    """Serves until the process is stopped."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Echo(refuse_every), "127.0.0.1", port)
    print(f"ready 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Runs the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--refuse-every", type=int, default=0)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.refuse_every))


if __name__ == "__main__":
    main()
