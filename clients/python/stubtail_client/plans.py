"""A call that may take several messages: what to send, and what the replies amount to.

Both clients drive these plans; they do no I/O. A large input is sent in parts. The first part goes
alone, because its reply names the version that answered; the other parts ask for that version, so
that one version answers all rows even if a new one goes live meanwhile.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from stubtail_client.connection import Settings
from stubtail_client.errors import StubtailError
from stubtail_client.options import TIMING_KEY, Metadata
from stubtail_client.rows import RowsInput, read_rows

_HEAD_BYTES_MAX = 1024  # the model (128 characters), the version, the priority, lengths around

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Part(NamedTuple):
    """Some of the rows, as one message.

    Attributes:
        start: the first row.
        stop: the row after the last.
        message: a ScoreRequest.
    """

    start: int
    stop: int
    message: bytes


class Plan(ABC, Generic[Piece, Result]):
    """The messages of one call in order, and the decoding of their replies.

    Args:
        path: of the method.
        head: of the first message.
        rows: see `read_rows`.
        settings: bounds the rows and the bytes of a message; a single row is sent at any size.
        timeout: of the whole call, in seconds; None takes that of the client.
        timed: whether to ask where the time went.
        head_bytes_max: how much of the bytes the heads may take.
        rows_max: bounds the rows of a message further; None leaves it to the settings.

    Raises:
        InvalidArgument: the rows cannot be sent.
    """

    def __init__(
        self,
        path: str,
        head: bytes,
        rows: RowsInput,
        settings: Settings,
        *,
        timeout: float | None = None,
        timed: bool = False,
        head_bytes_max: int = _HEAD_BYTES_MAX,
        rows_max: int | None = None,
    ) -> None:
        self.path, self.timeout, self.timed = path, timeout, timed
        self._head = head
        self._rows = read_rows(rows)
        part_rows_max = min(settings.part_rows_max, rows_max or settings.part_rows_max)
        self._parts = self._rows.parts(part_rows_max, settings.part_bytes_max - head_bytes_max)

    @property
    def metadata(self) -> Metadata:
        """What its calls carry besides that of all calls."""
        return ((TIMING_KEY, "1"),) if self.timed else ()

    @property
    def count(self) -> int:
        """How many messages the call takes."""
        return len(self._parts)

    def first(self) -> Part:
        """The part that goes alone."""
        return self._part(self._parts[0], self._head)

    def rest(self, first: Piece) -> Iterator[Part]:
        """The other parts, in order, for the version that answered the first."""
        if self.count == 1:
            return
        head = self._pinned(first)
        for bounds in self._parts[1:]:
            yield self._part(bounds, head)

    @abstractmethod
    def decode(
        self, part: Part, reply: bytes, trailing_metadata: Sequence[tuple[str, str | bytes]]
    ) -> Piece:
        """The answers for the rows of one part.

        Raises:
            Internal: the reply is malformed.
        """

    @abstractmethod
    def join(self, answers: Sequence[Piece]) -> Result:
        """The answers of all parts as one."""

    @abstractmethod
    def _pinned(self, first: Piece) -> bytes:
        """The head of the other messages."""

    def locate(self, error: StubtailError, part: Part) -> None:
        """Says in an error which rows it is about, where the input went in several parts."""
        if self.count > 1:
            error.metadata.update(first_row=str(part.start), last_row=str(part.stop - 1))

    def _part(self, bounds: tuple[int, int], head: bytes) -> Part:
        start, stop = bounds
        return Part(start, stop, head + self._rows.encoded(start, stop))
