"""A job: one call's rows on their way through the lane, and the place where its answer goes."""

from collections.abc import Sequence
from typing import Any, Protocol

from stubtail.errors import CallError
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.tenant import Tenant

TIMING_KEY = "stubtail-timing"  # of requests that ask for it, and of the answers that bring it

Trailing = tuple[tuple[str, str | bytes], ...]


class Replies(Protocol):
    """Where answers go. Both methods may be called from any thread and never block or raise."""

    def respond(self, call: Any, payload: bytes, trailing: Trailing | None) -> None:
        """Answers the call; does nothing when the caller has gone."""

    def fail(self, call: Any, error: CallError) -> None:
        """Ends the call with the error's status; does nothing when the caller has gone."""


class Encoder(Protocol):
    """Turns the outputs of a batch into replies."""

    def prepare(self, outputs: Sequence[Any]) -> Any:
        """Done once for a batch: whatever all its replies need of `outputs`."""

    def encode(self, prepared: Any, first: int, end: int, job: "Job") -> bytes:
        """The reply for rows `first` to `end` (exclusive) of the batch."""


class Job:
    """One call. It owns its reply: nobody else's fate can lose it.

    Attributes:
        queue: the jobs that it may share a batch with.
        rows: number of rows, at least 1.
        data: the rows, in the form that the queue's model assembles.
        size_bytes: what it holds in memory while it waits.
        priority: 0 critical, 1 high, 2 normal, 3 low.
        arrived_s: when the transport handed it over, on the lane's clock.
        decoded_s: when it was offered.
        deadline_s: after this moment it must not start.
        due_s: the virtual deadline, which orders the queue.
        cost_s: predicted time of its rows, set by the scheduler.
        wait_s: the expected wait when it was admitted; 0 where that was short for sure.
        cancelled: the caller has gone; nothing is sent.
        encoder: makes the reply from the outputs of the batch.
        suffix: bytes that end the reply, such as an echoed id.
        timed: the caller asked for the timing.
        postponed: it comes after others, for what its tenant has waiting.
        tenant: who pays for it; None where callers are not told apart.
        replies, call: where the answer goes.
    """

    __slots__ = (
        "arrived_s",
        "call",
        "cancelled",
        "cost_s",
        "data",
        "deadline_s",
        "decoded_s",
        "due_s",
        "encoder",
        "postponed",
        "priority",
        "queue",
        "replies",
        "rows",
        "size_bytes",
        "suffix",
        "tenant",
        "timed",
        "wait_s",
    )

    def __init__(
        self,
        queue: ModelQueue,
        rows: int,
        data: Any,
        size_bytes: int,
        priority: int,
        encoder: Encoder,
        suffix: bytes = b"",
    ) -> None:
        self.queue = queue
        self.rows = rows
        self.data = data
        self.size_bytes = size_bytes
        self.priority = priority
        self.encoder = encoder
        self.suffix = suffix
        self.arrived_s = 0.0
        self.decoded_s = 0.0
        self.deadline_s = 0.0
        self.due_s = 0.0
        self.cost_s = 0.0
        self.wait_s = 0.0
        self.cancelled = False
        self.timed = False
        self.postponed = False
        self.tenant: Tenant | None = None
        self.replies: Replies
        self.call: Any
