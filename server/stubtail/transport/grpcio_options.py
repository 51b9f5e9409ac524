"""The settings of the grpc.aio server, as grpc-core takes them."""

from dataclasses import dataclass

from stubtail.transport.tls import TlsFiles

# Calls that wait this long unseen in grpc-core are ended there, as CANCELLED, which no client
# tries again: in storms half of all calls at 2 s, and none at 20. Those with a deadline end at it.
REQUESTS_UNSEEN_MAX_S = 10
REQUESTS_UNSEEN_MAX = 65_536  # and so are those beyond this number; far more than 10 s of work


@dataclass(frozen=True, slots=True)
class GrpcioOptions:
    """Settings of the server; those of the native front, and more.

    Attributes:
        acceptors: servers on the port.
        tls: the certificate of a TCP port; None for plain text.
        tls_reload_s: how often its files are looked at.
    """

    reuse_port: bool
    acceptors: int
    tls: TlsFiles | None
    tls_reload_s: float
    message_bytes_max: int
    metadata_bytes_max: int
    streams_max: int

    def channel_arguments(self) -> list[tuple[str, int]]:
        """The options of grpc-core, which ignores unknown names: each is tested by its effect."""
        return [
            ("grpc.so_reuseport", int(self.reuse_port or self.acceptors > 1)),
            ("grpc.max_receive_message_length", self.message_bytes_max),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", self.streams_max),
            # With a lower soft limit, grpc-core refuses a random part of the calls in between.
            ("grpc.max_metadata_size", self.metadata_bytes_max),
            ("grpc.absolute_max_metadata_size", self.metadata_bytes_max),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.server_handshake_timeout_ms", 10_000),
            ("grpc.server_max_unrequested_time_in_server", REQUESTS_UNSEEN_MAX_S),
            # The defaults fail a random part of 1,500 calls at once on one connection: CANCELLED
            # for too many unseen calls, UNAVAILABLE for streams. Our queue says why it refuses.
            ("grpc.server.max_pending_requests", REQUESTS_UNSEEN_MAX),
            ("grpc.server.max_pending_requests_hard_limit", REQUESTS_UNSEEN_MAX),
            ("grpc.http.overload_protection", 0),
        ]
