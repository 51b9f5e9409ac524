"""The settings of the native front; without the front itself, which is optional."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """Settings of the front.

    Attributes:
        host, port: where to listen; port 0 picks a free one.
        reuse_port: several processes share the port.
        io_threads: Rust threads for HTTP/2.
        message_bytes_max: larger requests are refused.
        metadata_bytes_max: more metadata is refused by the front.
        streams_max: calls at once on one connection.
    """

    host: str
    port: int
    reuse_port: bool
    io_threads: int
    message_bytes_max: int
    metadata_bytes_max: int
    streams_max: int

    def front_arguments(self) -> dict[str, Any]:
        """How the front behaves, whatever it serves."""
        return {
            "io_threads": self.io_threads,
            "call_details": True,
            "delay_stream_headers": True,
            "keepalive_time_ms": 30_000,
            "keepalive_timeout_ms": 10_000,
            "max_concurrent_streams": self.streams_max,
            "max_metadata_size": self.metadata_bytes_max,
            "reuse_port": self.reuse_port,
        }
