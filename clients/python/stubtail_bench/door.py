"""How a load gets in where callers show who they are: a key or token with each call, and TLS."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from stubtail_bench.errors import LoadError
from stubtail_bench.headers import Header

_READ_BYTES = 1 << 18
_ANY_SIZE: Final = (("grpc.max_receive_message_length", -1),)  # as the load itself


@dataclass(frozen=True, slots=True)
class Door:
    """What a load shows its server. Plain values: processes of the load hand it on.

    Attributes:
        metadata: Of each call, as it was when the load began.
        tls: Connect with TLS.
        ca: Authorities to trust, PEM; None takes those of this machine.
        cert: Our certificate, PEM, for mutual TLS.
        key: Its key, PEM.
        authority: What calls name the server: `host:port`, as gateways know it.
    """

    metadata: Sequence[Header] = ()
    tls: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    authority: str = "localhost"

    def channel(self, address: str) -> Any:
        """A channel of grpcio, for what is asked before the load."""
        if not self.tls:
            return grpc.insecure_channel(address, _ANY_SIZE)
        files = (path.read_bytes() if path else None for path in (self.ca, self.key, self.cert))
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(*files), _ANY_SIZE)

    def pipe(self, host: str) -> "TlsPipe | None":
        """What a connection to `host` goes through; None for plain text.

        Raises:
            LoadError: A file is no certificate, or no key of it.
        """
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except (OSError, ssl.SSLError) as error:
            raise LoadError(f"the certificates cannot be used: {error}") from error
        context.set_alpn_protocols(["h2"])
        return TlsPipe(context, host)


OPEN: Final = Door()  # nothing is shown, in plain text


class TlsPipe:
    """TLS between the bytes of a socket and those of HTTP/2, without the socket itself.

    Args:
        context: Whom to trust, and who we are.
        host: That the server's certificate must name.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self._waiting = b""  # what cannot be sent before the handshake has ended
        self._stands = False

    def taken(self, data: bytes) -> bytes:
        """What arrived, in the clear; raises ssl.SSLError where the peer cannot be trusted."""
        self._arrived.write(data)
        self._shake_hands()
        pieces = []
        while self._stands:
            try:
                piece = self._session.read(_READ_BYTES)
            except ssl.SSLWantReadError:
                break
            if not piece:
                break
            pieces.append(piece)
        return b"".join(pieces)

    def wrapped(self, data: bytes) -> bytes:
        """What has to go to the socket for `data` to arrive, and for the handshake."""
        self._waiting += data
        self._shake_hands()
        if self._stands and self._waiting:
            self._session.write(self._waiting)
            self._waiting = b""
        return self._leaving.read()

    def _shake_hands(self) -> None:
        if not self._stands:
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                return
            self._stands = True
