"""What both clients are made of: settings, budgets, deadlines, and the words for failures."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc

from stubtail_client import connection, errors
from stubtail_client.credentials import Credentials, parts_of
from stubtail_client.options import Deadline, Metadata, checked_timeout
from stubtail_client.retries import hedge_budget, is_idempotent, retry_budget


class Core:
    """The part of a client that sends nothing; `Client` describes the arguments."""

    def __init__(
        self,
        server: str = connection.DEFAULT_SERVER,
        *,
        timeout: float = connection.DEFAULT_TIMEOUT_S,
        connections: int = 1,
        part_rows_max: int = connection.PART_ROWS_MAX,
        part_bytes_max: int = connection.PART_BYTES_MAX,
        wait_for_ready: bool = True,
        metadata: Mapping[str, str] | Iterable[tuple[str, str | bytes]] = (),
        credentials: grpc.ChannelCredentials | Credentials | None = None,
        hedge_after: float | None = None,
        message_bytes_max: int = connection.MESSAGE_BYTES_MAX,
    ) -> None:
        connection.checked_count("message_bytes_max", message_bytes_max, connection.PART_BYTES_MIN)
        connection.checked_count("part_bytes_max", part_bytes_max, connection.PART_BYTES_MIN)
        loopback = connection.is_loopback(server)
        self._channel_credentials, shown = parts_of(credentials, server, loopback=loopback)
        self._settings = connection.Settings(
            server=server,
            timeout=timeout,
            connections=connections,
            part_rows_max=part_rows_max,
            part_bytes_max=min(part_bytes_max, message_bytes_max),
            wait_for_ready=wait_for_ready,
            fixed_metadata=connection.metadata_pairs(metadata),
            credentials=shown,
            hedge_after=hedge_after,
            message_bytes_max=message_bytes_max,
        )
        self._retries, self._hedges = retry_budget(), hedge_budget()
        self._closed = False
        self._open()

    def _open(self) -> None:
        """Prepares the connections, of which none is made before the first call."""
        raise NotImplementedError

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline.after(
            self._settings.timeout if timeout is None else checked_timeout(timeout)
        )

    def _metadata(self, extra: Metadata = ()) -> Metadata:
        """What the next call carries."""
        return (*self._settings.metadata, *extra) if extra else self._settings.metadata

    def _hedge_after(self, path: str) -> float | None:
        """When a call is made a second time; None where never."""
        after = self._settings.hedge_after
        return after if after is not None and is_idempotent(path) else None

    def _failure(self, error: Any, deadline: Deadline, *, connected: bool) -> errors.StubtailError:
        """What to raise for an exception of gRPC.

        Args:
            error: of gRPC, or what its channels raise when they are closed.
            deadline: of the call.
            connected: whether its connection stands.
        """
        if not isinstance(error, grpc.RpcError):  # of a channel that is closed, or a future of it
            return errors.closed_client()
        code = error.code().name
        if self._closed and code in {"CANCELLED", "DEADLINE_EXCEEDED"}:
            return errors.closed_client()
        server = self._settings.server
        trailing = tuple(error.trailing_metadata() or ())
        if code == "DEADLINE_EXCEEDED" and not trailing and not connected:
            return errors.unreachable(server, deadline.timeout)
        return errors.from_status(
            code, error.details() or "", trailing, server=server, timeout=deadline.timeout
        )
