"""A small bounded HTTP server for monitoring pages, on threads of its own."""

import io
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stubtail.monitoring.door import Door
from stubtail.monitoring.page import HTML, TEXT, Page, PageMaker

if TYPE_CHECKING:  # ssl is only for those who use it
    from stubtail.monitoring.tls import HttpTls

__all__ = ["HTML", "INDEX", "TEXT", "Monitoring", "MonitoringError", "Page", "PageMaker"]

REQUEST_BYTES_MAX: Final = 8192  # a scrape sends some 300 bytes
REQUEST_SECONDS_MAX: Final = 5.0  # for all of a request, and for each part of the reply
CONNECTIONS_MAX: Final = 16  # scrapers and probes; further ones are closed at once
STOP_POLL_S: Final = 0.1  # `close` waits for this long at most
ALLOWED: Final = (("Allow", "GET, HEAD"),)
# No page of ours has a script, a frame or a form: whatever gets into one can do nothing.
SECURITY_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)

INDEX: Final = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>stubtail</title>
<h1>stubtail</h1>
<ul>
<li><a href="/metrics">/metrics</a>: counters and latencies for Prometheus</li>
<li><a href="/healthz">/healthz</a>: 200 while the process lives</li>
<li><a href="/readyz">/readyz</a>: 200 while it takes calls, else 503 and the reason</li>
</ul>
</html>
"""

_log = logging.getLogger("stubtail.monitoring")


class MonitoringError(OSError):
    """The HTTP port cannot be used; the message names it and the mend."""


class Monitoring:
    """Serves pages over HTTP, from `start` to `close`.

    Args:
        pages: by path.
        address: (host, port), port 0 for a free one; or the path of a Unix socket, to which
            neither `door` nor `tls` applies: the rights of its folder say who may connect.
        door: who may read what; None lets everybody in.
        tls: wraps connections; None takes plain text.
    """

    def __init__(
        self,
        pages: Mapping[str, PageMaker],
        address: tuple[str, int] | Path,
        door: Door | None = None,
        tls: "HttpTls | None" = None,
    ) -> None:
        self._pages = pages
        self._wanted = address
        is_socket = isinstance(address, Path)
        self._door = None if is_socket else door
        self._tls = None if is_socket else tls
        self._server: _Server | None = None

    @property
    def address(self) -> str:
        """Where it listens: host:port or a path. Valid after `start`."""
        assert self._server is not None
        bound = self._server.server_address
        if not isinstance(bound, tuple):
            return str(self._wanted)
        host, port = str(bound[0]), bound[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Listens and serves.

        Raises:
            MonitoringError: the address cannot be used.
        """
        try:
            self._server = _Server(self._pages, self._wanted, self._door, self._tls)
        except OSError as error:
            shown = (
                self._wanted if isinstance(self._wanted, Path) else "{}:{}".format(*self._wanted)
            )
            raise MonitoringError(
                f"the HTTP port {shown} cannot be used: {error.strerror or error}; "
                "choose another one with --http-port (0 takes a free one)"
            ) from None
        serve = partial(self._server.serve_forever, STOP_POLL_S)
        threading.Thread(target=serve, name="stubtail-http", daemon=True).start()

    def close(self) -> None:
        """Stops listening; requests in progress are cut. Does nothing before `start`."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        if isinstance(self._wanted, Path):
            self._wanted.unlink(missing_ok=True)
        self._server = None


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens; one thread per connection, up to a bound."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 2 * CONNECTIONS_MAX

    def __init__(
        self,
        pages: Mapping[str, PageMaker],
        address: tuple[str, int] | Path,
        door: Door | None,
        tls: "HttpTls | None",
    ) -> None:
        self.pages = pages
        self.door = door
        self._tls = tls
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        bound: Any = str(address)
        if isinstance(address, Path):
            self.address_family = socket.AF_UNIX
        else:
            host = address[0].removeprefix("[").removesuffix("]")
            self.address_family, _, _, _, bound = socket.getaddrinfo(
                host, address[1], type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
        super().__init__(bound, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts a thread, or closes the connection when too many are open."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads: the one that would release did not start
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answers one connection."""
        try:
            if self._tls is not None:
                # Here, on its own thread: a peer that is slow to greet holds up nobody else.
                try:
                    request = self._tls.wrap(request, REQUEST_SECONDS_MAX)
                except OSError:
                    self.shutdown_request(request)
                    return
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no event; the rest is a defect of ours."""
        del request, client_address
        _log.debug("monitoring request failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request and closes."""

    server: _Server
    server_version = "stubtail"
    sys_version = ""

    def setup(self) -> None:
        """Reads the whole head at once: one deadline for all of it, however slowly it drips in."""
        super().setup()
        head = _read_head(self.connection, time.monotonic() + REQUEST_SECONDS_MAX)
        self.rfile = io.BufferedReader(io.BytesIO(head))
        self.connection.settimeout(REQUEST_SECONDS_MAX)

    def do_GET(self) -> None:
        """Sends a page."""
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        """Sends a page without its body."""
        self._send(with_body=False)

    def do_POST(self) -> None:
        """Refuses: there is nothing to write here, by whatever method."""
        self._reply(Page(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"read only\n", ALLOWED), body=True)

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_POST  # noqa: N815  # http.server's names
    do_TRACE = do_CONNECT = do_POST  # noqa: N815  # likewise

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Nothing: requests are not events."""

    def address_string(self) -> str:
        """No name: a Unix socket has no peer address."""
        return ""

    def _send(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        make = self.server.pages.get(path)
        refusal = None
        if (door := self.server.door) is not None:
            host, credential = self.headers.get("Host", ""), self.headers.get("Authorization", "")
            refusal = door.refusal(path, host, credential)
        if refusal is not None:
            page = refusal
        elif make is None:
            page = Page(HTTPStatus.NOT_FOUND, TEXT, b"no such page; see /\n")
        else:
            try:
                page = make(self.headers.get("Accept", ""))
            except Exception:  # noqa: BLE001  # one page's defect must not look like no answer
                _log.exception("monitoring page failed", extra={"path": self.path})
                page = Page(HTTPStatus.INTERNAL_SERVER_ERROR, TEXT, b"failed; see the log\n")
        self._reply(page, body=with_body)

    def _reply(self, page: Page, *, body: bool) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in (*SECURITY_HEADERS, *page.headers):
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(page.body)


def _read_head(connection: socket.socket, deadline_s: float) -> bytes:
    """The request up to the empty line; what came so far when it is too long or too slow."""
    head = b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head and len(head) < REQUEST_BYTES_MAX:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            return b""
        connection.settimeout(left_s)
        try:
            part = connection.recv(REQUEST_BYTES_MAX - len(head))
        except TimeoutError:
            return b""
        if not part:
            break
        head += part
    return head
