"""The settings of the native front; without the front itself, which is optional."""

from dataclasses import dataclass


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
