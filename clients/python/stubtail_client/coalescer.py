"""`Coalescer` and `AsyncCoalescer`: single rows of many callers, sent together."""

import asyncio
import concurrent.futures
import threading
import time
from typing import Any, Generic, TypedDict, TypeVar, Unpack, cast

from stubtail_client.async_client import AsyncClient
from stubtail_client.client import Client
from stubtail_client.closing import Closes, ClosesAsync
from stubtail_client.coalescing import (
    ROWS_MAX,
    WAITING_MAX,
    Entry,
    RowInput,
    Waiting,
    calls,
    rows_of,
)
from stubtail_client.errors import DeadlineExceeded, closed_client
from stubtail_client.options import Priority, checked_timeout
from stubtail_client.scores import Row, Scores

AnyClient = TypeVar("AnyClient", Client, AsyncClient)

_IDLE_S = 5.0  # after so long without a row a thread of the sync one ends


class ScoreOptions(TypedDict, total=False):
    """What all rows of a coalescer have in common; `Client.score` describes them."""

    coverage: float | None
    explain: int | None
    priority: Priority | None


class Options(ScoreOptions, total=False):
    """The arguments of both coalescers by name; `Coalescer` describes them."""

    rows_max: int
    waiting_max: int
    calls_max: int


class _Common(Generic[AnyClient]):
    """What both are made of."""

    def __init__(
        self,
        client: AnyClient,
        model: str,
        *,
        rows_max: int = ROWS_MAX,
        waiting_max: int = WAITING_MAX,
        calls_max: int = 1,
        **options: Unpack[ScoreOptions],
    ) -> None:
        self._client: AnyClient = client
        self._model, self._options = model, options
        self._waiting = Waiting(rows_max, waiting_max)
        self._calls_max = calls_max
        self._closed = False

    def _timeout(self, timeout: float | None) -> float:
        """Of one row: the caller's, or the client's."""
        ours = self._client._settings.timeout  # noqa: SLF001 - of the same package
        return ours if timeout is None else checked_timeout(timeout)

    def _remaining_s(self, group: list[Entry]) -> float:
        """How long the call of a group may take: as long as anyone of it waits."""
        return max(1e-3, max(entry.ends_s for entry in group) - time.monotonic())


class Coalescer(Closes, _Common[Client]):
    """Scores single rows of many threads in few calls.

    A row that comes while nothing is under way is sent at once. Rows that come while a call is
    under way wait for its end and go together. Nothing waits for more rows to come.

    Each caller has a deadline, a result and an error of its own: a call has the latest deadline
    of its rows, a caller whose own is over hears so at once, and one whose row is refused is the
    only one to hear it.

    Args:
        client: whose connections, retries and timeout are used; close it afterwards.
        model: `name` for the live version, or `name@version`.
        rows_max: how many rows may go in one call.
        waiting_max: how many may wait.
        calls_max: how many calls may be under way at once.
        **options: coverage, explain and priority of all rows.
    """

    def __init__(self, client: Client, model: str, **options: Unpack[Options]) -> None:
        super().__init__(client, model, **options)
        self._threads = 0
        self._idle = 0
        self._changed = threading.Condition(threading.Lock())

    def score(self, row: RowInput, *, timeout: float | None = None) -> Row:
        """Scores one row: a dict, or an array of numbers in the order of the model's features.

        Raises:
            StubtailError: as `Client.score`.
        """
        timeout = self._timeout(timeout)
        done: concurrent.futures.Future[Row] = concurrent.futures.Future()
        entry = Entry(row, time.monotonic() + timeout, done)
        with self._changed:
            if self._closed:
                raise closed_client()
            self._waiting.add(entry)
            if self._idle:
                self._changed.notify()
            elif self._threads < self._calls_max:
                self._threads += 1
                threading.Thread(target=self._work, daemon=True).start()
        try:
            return done.result(timeout)
        except concurrent.futures.TimeoutError:
            if done.cancel():
                raise _late(timeout) from None
            return done.result()  # it came in this moment

    def close(self) -> None:
        """Ends the waiting of all callers with Cancelled. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        """Sends what waits, until nothing has come for a while."""
        while entries := self._next():
            turn = calls(entries)
            group = next(turn, None)
            while group is not None:
                outcome = self._outcome(group)
                try:
                    group = turn.send(outcome)
                except StopIteration:
                    group = None

    def _outcome(self, group: list[Entry]) -> Scores | Exception:
        if self._closed:
            return closed_client()
        try:
            answer: Scores = self._client.score(
                self._model, rows_of(group), timeout=self._remaining_s(group), **self._options
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers must hear it
            return error
        return answer

    def _next(self) -> list[Entry]:
        with self._changed:
            while True:
                entries = self._waiting.take(time.monotonic())
                if entries:
                    return entries
                self._idle += 1
                woken = not self._closed and self._changed.wait(_IDLE_S)
                self._idle -= 1
                if not woken and not len(self._waiting):
                    self._threads -= 1
                    return []


class AsyncCoalescer(ClosesAsync, _Common[AsyncClient]):
    """The twin of `Coalescer` for asyncio. A task that is cancelled takes its row back.

    Rows that come within one turn of the event loop go together, too. A call whose callers have
    all given up is cancelled.
    """

    def __init__(self, client: AsyncClient, model: str, **options: Unpack[Options]) -> None:
        super().__init__(client, model, **options)
        self._workers: set[asyncio.Task[None]] = set()
        self._under_way: dict[asyncio.Task[Scores], list[Entry]] = {}

    async def score(self, row: RowInput, *, timeout: float | None = None) -> Row:  # noqa: ASYNC109 - of the row
        """Scores one row; see `Coalescer.score`."""
        if self._closed:
            raise closed_client()
        timeout = self._timeout(timeout)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Row] = loop.create_future()
        entry = Entry(row, time.monotonic() + timeout, done)
        self._waiting.add(entry)
        if len(self._workers) < self._calls_max:
            self._workers.add(loop.create_task(self._work()))
        end = loop.call_later(timeout, self._expire, entry, timeout)
        try:
            return await done
        except asyncio.CancelledError:
            self._cancel_abandoned()
            raise
        finally:
            end.cancel()

    async def aclose(self) -> None:
        """Ends the waiting of all callers with Cancelled. May be called twice."""
        self._closed = True
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        """Sends what waits, until nothing does."""
        try:
            while entries := self._waiting.take(time.monotonic()):
                turn = calls(entries)
                group = next(turn, None)
                while group is not None:
                    outcome = await self._outcome(group)
                    try:
                        group = turn.send(outcome)
                    except StopIteration:
                        group = None
        finally:  # at once: a row that comes before this task is done needs another worker
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _outcome(self, group: list[Entry]) -> Scores | Exception:
        if self._closed:
            return closed_client()
        try:
            rows = rows_of(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers must hear it
            return error
        call: Any = self._client.score(
            self._model, rows, timeout=self._remaining_s(group), **self._options
        )
        task: asyncio.Task[Scores] = asyncio.get_running_loop().create_task(call)
        self._under_way[task] = group
        try:
            await asyncio.wait([task])
        finally:  # with the loop that ends, the call ends too
            del self._under_way[task]
            task.cancel()
        if task.cancelled():
            return closed_client()
        return task.exception() or task.result()  # type: ignore[return-value]  # Exception, always

    def _expire(self, entry: Entry, timeout: float) -> None:
        if not entry.done.done():
            entry.done.set_exception(_late(timeout))
            self._cancel_abandoned()

    def _cancel_abandoned(self) -> None:
        """Cancels calls that nobody waits for any more."""
        for task, entries in self._under_way.items():
            if all(entry.done.done() for entry in entries):
                task.cancel()


def _late(timeout: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"no answer within {timeout:g} s")
