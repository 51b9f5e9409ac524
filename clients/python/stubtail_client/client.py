"""The sync client: a thin shell that sends what the pure modules prepare."""

import itertools
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from stubtail_client import connection, errors, health, replies, wire
from stubtail_client.chat import Chats
from stubtail_client.credentials import Credentials, parts_of
from stubtail_client.decide import Decides
from stubtail_client.detect import Detects
from stubtail_client.forecast import ForecastsSeries
from stubtail_client.models import Model, ModelSummary
from stubtail_client.options import Deadline, Metadata, Priority, checked_timeout
from stubtail_client.rows import RowsInput
from stubtail_client.scores import Scores
from stubtail_client.scoring import Answer, Part, Plan, ScorePlan, SeveralPlan, call_metadata
from stubtail_client.sync_connection import SyncConnection
from stubtail_client.watch import Watches


class Client(Decides, ForecastsSeries, Chats, Detects, Watches):
    """Calls a stubtail server. Threads may share one; processes may not.

    It connects with the first call and reconnects by itself. Close it, or use it by `with`.

    Args:
        server: "host:port".
        timeout: how long a call may take, retries and the wait for a connection included, in
            seconds, where the call itself does not say. There is no way to wait for ever.
        connections: calls take turns over so many connections. The kernel gives each connection
            to one worker of the server, so that one connection uses one worker.
        part_rows_max: an input of more rows is sent in parts.
        part_bytes_max: an input that takes more bytes is sent in parts.
        wait_for_ready: whether a call waits for a connection until its timeout, which rides over
            a restart of the server; False fails at once while the server cannot be reached.
        metadata: sent with every call.
        credentials: who we are, as `Credentials` says, or those of gRPC; None sends in the clear.

    Raises:
        InvalidArgument: an argument is out of its bounds.
    """

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
    ) -> None:
        loopback = connection.is_loopback(server)
        channel, shown = parts_of(credentials, server, loopback=loopback)
        self._settings = connection.Settings(
            server=server,
            timeout=timeout,
            connections=connections,
            part_rows_max=part_rows_max,
            part_bytes_max=part_bytes_max,
            wait_for_ready=wait_for_ready,
            fixed_metadata=connection.metadata_pairs(metadata),
            credentials=shown,
        )
        self._connections = [SyncConnection(self._settings, channel) for _ in range(connections)]
        self._turns = itertools.cycle(self._connections)  # next() of it is atomic: no lock
        self._closed = False

    def score(
        self,
        model: str,
        rows: RowsInput,
        *,
        coverage: float | None = None,
        explain: int | None = None,
        priority: Priority | None = None,
        timeout: float | None = None,
        timing: bool = False,
    ) -> Scores:
        """Scores rows with a model.

        Args:
            model: `name` for the live version, or `name@version`.
            rows: a dict from features to values (one row); a list of dicts; a numpy array [N, F]
                or [F] (one row) of numbers in the order of the model's features, sent as float32;
                or a frame of pandas or polars. None, NaN and NA are missing values, and so is a
                feature that a row leaves out.
            coverage: asks for intervals that hold the true value in this share of rows, such as
                0.9 (`Scores.lower` and `Scores.upper`); one of those that the model has.
            explain: asks for so many reasons for each score, the largest first (`Scores.reasons`);
                0 for all. A row with reasons costs as much as some hundred without.
            priority: "critical", "high", "normal" (the server's default) or "low".
            timeout: how long the whole call may take, in seconds; None takes the client's. Give
                more for many rows: it covers all parts of a large input.
            timing: whether to ask where the time went (`Scores.timing`).

        Returns:
            The answers in the order of the rows. A large input is sent in parts, as many at a
            time as there are connections; one version of the model answers them all.

        Raises:
            InvalidArgument: the rows do not fit the model; `violations` says where. Raised before
                anything is sent if no model could take them.
            NotFound: no such model or version; or the version that answered the first part was
                removed before the last one.
            Overloaded: the server refuses for now; `retry_after_s` says when to come back.
            DeadlineExceeded: no answer came within the timeout.
            Unavailable: the server cannot be reached, shuts down, or loads the model.
            StubtailError: any other status; the base class of all above.
        """
        deadline = self._deadline(timeout)
        plan = ScorePlan(model, rows, priority, self._settings, coverage=coverage, explain=explain)
        return self._carry_out(plan, deadline, timing=timing)

    def score_models(
        self,
        models: Sequence[str],
        rows: RowsInput,
        *,
        coverage: float | None = None,
        priority: Priority | None = None,
        timeout: float | None = None,
        timing: bool = False,
    ) -> dict[str, Scores]:
        """Scores the same rows with several models, in one trip.

        Args:
            models: 1 to 16 names. Each takes the features that it knows; a feature that none of
                them knows is refused. Rows of numbers have to fit all of them.
            rows: as for `score`, as are the others.
            coverage: for those models that have intervals.
            priority: as for `score`.
            timeout: as for `score`.
            timing: as for `score`.

        Returns:
            The answers of each model, by the name that it was asked for.

        Raises:
            StubtailError: as `score`; when one model fails, the call fails, and the error names it.
        """
        deadline = self._deadline(timeout)
        plan = SeveralPlan(models, rows, priority, self._settings, coverage=coverage)
        return self._carry_out(plan, deadline, timing=timing)

    def models(self, *, timeout: float | None = None) -> list[ModelSummary]:
        """Lists all known versions of all models, ready or not, by name.

        Raises:
            StubtailError: as `score`.
        """
        return replies.decode_models(self._ask(connection.LIST_MODELS_PATH, b"", timeout))

    def model(self, model: str, *, timeout: float | None = None) -> Model:
        """Describes `name` (the live version) or `name@version`, with its features.

        Raises:
            NotFound: no such model or version.
            StubtailError: as `score`.
        """
        request = wire.get_model(model)
        return replies.decode_model(self._ask(connection.GET_MODEL_PATH, request, timeout))

    def health(self, service: str = "", *, timeout: float | None = None) -> health.HealthStatus:
        """Asks whether the server ("") or one of its services or models serves.

        Raises:
            NotFound: the server has no service of that name.
            StubtailError: as `score`.
        """
        request = health.encode_check(service)
        return health.decode_check(self._ask(health.CHECK_PATH, request, timeout))

    def close(self) -> None:
        """Closes the connections. Calls under way end with Cancelled. May be called twice."""
        self._closed = True
        for pooled in self._connections:
            pooled.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline.after(
            self._settings.timeout if timeout is None else checked_timeout(timeout)
        )

    def _ask(self, path: str, message: bytes, timeout: float | None) -> bytes:
        return self._call(path, message, self._deadline(timeout), self._settings.metadata)[0]

    def _call(
        self, path: str, message: bytes, deadline: Deadline, metadata: Metadata
    ) -> tuple[bytes, Any]:
        """One call to its end: the reply and the trailing metadata."""
        pooled = next(self._turns)
        try:
            reply, call = pooled.methods[path].with_call(
                message, timeout=deadline.remaining(), metadata=metadata
            )
        except (grpc.RpcError, ValueError) as error:
            raise self._failure(error, pooled, deadline) from error
        return reply, call.trailing_metadata()

    def _stream(self, path: str, message: bytes, timeout: float) -> Generator[bytes, None, None]:
        """The messages of a stream; closing it cancels the call."""
        deadline = self._deadline(timeout)
        pooled = next(self._turns)
        call: Any = None
        try:
            start = pooled.channel.unary_stream(path)
            call = start(message, timeout=deadline.remaining(), metadata=self._settings.metadata)
            yield from call
        except (grpc.RpcError, ValueError) as error:
            raise self._failure(error, pooled, deadline) from error
        finally:
            if call is not None:
                call.cancel()

    def _carry_out(self, plan: Plan[Answer], deadline: Deadline, *, timing: bool) -> Answer:
        """The answers to all parts as one."""
        metadata = call_metadata(self._settings.metadata, timing=timing)
        part = plan.first()
        first = plan.decode(
            part, *self._call(connection.SCORE_PATH, part.message, deadline, metadata)
        )
        if plan.count == 1:
            return first
        return plan.join([first, *self._rest(plan, first, deadline, metadata)])

    def _rest(
        self, plan: Plan[Answer], first: Answer, deadline: Deadline, metadata: Metadata
    ) -> Iterator[Answer]:
        """The answers to all parts but the first; each connection has one under way."""
        waiting: deque[_Waiting] = deque()
        try:
            for part in plan.rest(first):
                if len(waiting) == self._settings.connections:
                    yield self._answer(plan, deadline, *waiting.popleft())
                pooled = next(self._turns)
                try:
                    future = pooled.methods[connection.SCORE_PATH].future(
                        part.message, timeout=deadline.remaining(), metadata=metadata
                    )
                except ValueError as error:
                    raise self._failure(error, pooled, deadline) from error
                waiting.append((part, pooled, future))
            while waiting:
                yield self._answer(plan, deadline, *waiting.popleft())
        finally:
            for _, _, future in waiting:
                future.cancel()

    def _answer(
        self,
        plan: Plan[Answer],
        deadline: Deadline,
        part: Part,
        pooled: SyncConnection,
        future: Any,
    ) -> Answer:
        try:
            reply = future.result()
        except (grpc.RpcError, grpc.FutureCancelledError) as error:
            failure = self._failure(error, pooled, deadline)
            plan.locate(failure, part)
            raise failure from error
        return plan.decode(part, reply, future.trailing_metadata())

    def _failure(
        self, error: Any, pooled: SyncConnection, deadline: Deadline
    ) -> errors.StubtailError:
        """What to raise for an exception of gRPC."""
        code = error.code().name if isinstance(error, grpc.RpcError) else "CANCELLED"
        if self._closed and code in ("CANCELLED", "DEADLINE_EXCEEDED"):
            return errors.closed_client()
        server = self._settings.server
        trailing = tuple(error.trailing_metadata() or ())
        if code == "DEADLINE_EXCEEDED" and not trailing and not pooled.is_ready():
            return errors.unreachable(server, deadline.timeout)
        return errors.from_status(
            code, error.details() or "", trailing, server=server, timeout=deadline.timeout
        )


_Waiting = tuple[Part, SyncConnection, Any]
