"""TLS of the HTTP port, with the certificate of the gRPC port, exchanged while it serves."""

import logging
import socket
import ssl
import threading
from pathlib import Path

_log = logging.getLogger("stubtail.monitoring")


class HttpTls:
    """Wraps connections; looks at the files at each one, which a few a minute can afford.

    Args:
        cert_file: of the server, with its chain, PEM.
        key_file: of the certificate, PEM.

    Raises:
        OSError: they cannot be read or do not fit together (ssl.SSLError is one).
    """

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        self._files = (cert_file, key_file)
        self._lock = threading.Lock()
        self._marks = self._look()
        self._context = self._load()

    def wrap(self, connection: socket.socket, seconds: float) -> ssl.SSLSocket:
        """The connection after its handshake.

        Raises:
            OSError: the peer speaks no TLS 1.2, or takes longer than that.
        """
        self._refresh()
        connection.settimeout(seconds)
        return self._context.wrap_socket(connection, server_side=True)

    def _refresh(self) -> None:
        with self._lock:
            try:
                marks = self._look()
                if marks == self._marks:
                    return
                self._marks = marks
                self._context = self._load()
            except OSError as error:  # half exchanged, or wrong: the old ones go on
                _log.warning("certificate not taken", extra={"reason": str(error)})

    def _look(self) -> list[tuple[int, int]]:
        infos = [path.stat() for path in self._files]
        return [(info.st_mtime_ns, info.st_ino) for info in infos]

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files)
        return context
