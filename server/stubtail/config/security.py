"""The settings of transport security: certificates, and when plain text is allowed."""

from dataclasses import dataclass
from typing import Annotated

from stubtail.config.rules import Rule


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """TLS of the gRPC port, by the grpcio transport; without a certificate, plain text."""

    cert_file: Annotated[
        str, Rule("certificate of the server with its chain, PEM", why="read again when it changes")
    ] = ""
    key_file: Annotated[
        str, Rule("key of the certificate, PEM", why="no password: nobody asks")
    ] = ""
    client_ca_file: Annotated[
        str,
        Rule(
            "authorities of callers' certificates, PEM",
            why="with it, every caller must show a certificate (mutual TLS)",
        ),
    ] = ""
    reload_ms: Annotated[
        int,
        Rule("the files are looked at this often, ms", 0, 3_600_000, why="a handshake reads them"),
    ] = 5000
    plain_text: Annotated[
        bool,
        Rule(
            "serve without TLS on an address that others can reach",
            why="rows are customer data: behind a proxy or in a closed network only",
        ),
    ] = False

    @property
    def mode(self) -> str:
        """none, server or mutual: who shows a certificate."""
        if not self.cert_file:
            return "none"
        return "mutual" if self.client_ca_file else "server"
