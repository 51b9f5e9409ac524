"""The server's certificate: read from files, checked, and read again when they change."""

import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import grpc

log = logging.getLogger("stubtail.transport")


class TlsError(OSError):
    """The files cannot be used; the message names the file and the mend."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files.

    Attributes:
        certificate: the server's, with its chain.
        key: of the certificate, without a password.
        client_ca: who signs the certificates that callers must show; None asks for none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None

    def read(self) -> tuple[bytes, ...]:
        """The contents; raises TlsError where they do not make a certificate that can serve."""
        paths = [self.certificate, self.key, *([self.client_ca] if self.client_ca else [])]
        contents = []
        for path in paths:
            try:
                contents.append(path.read_bytes())
            except OSError as error:
                raise TlsError(f"{path}: cannot be read: {error.strerror}") from error
        self._check()
        if [path.read_bytes() for path in paths] != contents:
            raise TlsError(f"{self.certificate}: exchanged while it was read; it is read again")
        return tuple(contents)

    def _check(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Without a callback a key with a password would ask on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            pair = f"{self.certificate} and {self.key}"
            mend = "they must be a PEM certificate and its key, without a password"
            raise TlsError(f"{pair}: {_reason(error)}; {mend}") from None
        if self.client_ca is not None:
            try:
                context.load_verify_locations(self.client_ca)
            except (ssl.SSLError, OSError) as error:
                mend = "it must hold PEM certificates of authorities"
                raise TlsError(f"{self.client_ca}: {_reason(error)}; {mend}") from None


class ServerCertificate:
    """Credentials of a server whose certificate may be exchanged while it serves.

    Connections that stand keep what they began with; new ones get the newest pair of files that
    fits together. A pair that does not, half written perhaps, never replaces one that does.

    Args:
        files: where certificate, key and authorities are.
        reload_s: how often the files are looked at, at most; each look is done by a handshake.
        clock: monotonic seconds.

    Raises:
        TlsError: the files cannot be used.
    """

    def __init__(
        self, files: TlsFiles, reload_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._files = files
        self._reload_s = reload_s
        self._clock = clock
        self._looked_s = clock()
        self._contents = files.read()
        self._told = ""
        self._lock = Lock()

    def credentials(self) -> Any:
        """What a grpc.aio server takes for a port; each port needs its own."""
        given = self._contents

        def fetch() -> Any:
            # Called in each handshake; None says that nothing has changed for this port.
            nonlocal given
            with self._lock:
                self._look()
                if given is self._contents:
                    return None
                given = self._contents
                return self._configuration()

        return grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            fetch,
            require_client_authentication=self._files.client_ca is not None,
        )

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked_s < self._reload_s:
            return
        self._looked_s = now
        try:
            contents = self._files.read()
        except TlsError as error:
            if str(error) != self._told:
                self._told = str(error)
                log.warning("certificate kept", extra={"problem": self._told})
            return
        self._told = ""
        if contents != self._contents:
            self._contents = contents
            log.info("certificate exchanged", extra={"file": str(self._files.certificate)})

    def _configuration(self) -> Any:
        certificate, key, *client_ca = self._contents
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=client_ca[0] if client_ca else None
        )


def _no_password() -> str:
    raise ValueError("the key has a password")


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
