"""One `score` call, however many messages it takes: what to send, and what the replies amount to.

Both clients drive this plan; it does no I/O. A large input is sent in parts. The first part goes
alone, because its reply names the version that answered; the other parts ask for that version, so
that one version answers all rows even if a new one goes live meanwhile.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stubtail_client import wire
from stubtail_client.connection import Settings
from stubtail_client.errors import StubtailError
from stubtail_client.options import TIMING_KEY, Metadata, Priority, checked_model, priority_number
from stubtail_client.replies import decode_scores, decode_timing, join_scores
from stubtail_client.rows import RowsInput, read_rows
from stubtail_client.scores import Scores

_HEAD_BYTES_MAX = 1024  # the model (128 characters), the version, the priority, lengths around


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


class ScorePlan:
    """The messages of one call in order, and the decoding of their replies.

    Args:
        model: `name`, or `name@version`.
        rows: see `read_rows`.
        priority: the class of the call; None leaves it to the server.
        settings: bounds the rows and the bytes of a message; a single row is sent at any size.

    Raises:
        InvalidArgument: the rows, the model's name or the priority cannot be sent.
    """

    def __init__(
        self, model: str, rows: RowsInput, priority: Priority | None, settings: Settings
    ) -> None:
        try:
            self._head = wire.head(model, priority)
        except TypeError:  # an argument that is no string is no key of a cache either
            priority_number(priority)
            checked_model(model)
            raise
        self._model = model
        self._priority = priority
        self._rows = read_rows(rows)
        self._parts = self._rows.parts(
            settings.part_rows_max, settings.part_bytes_max - _HEAD_BYTES_MAX
        )

    @property
    def count(self) -> int:
        """How many messages the call takes."""
        return len(self._parts)

    def first(self) -> Part:
        """The part that goes alone."""
        return self._part(self._parts[0], self._head)

    def rest(self, first: Scores) -> Iterator[Part]:
        """The other parts, in order, for the version that answered the first."""
        if self.count == 1:
            return
        pinned = self._model if "@" in self._model else f"{self._model}@{first.version}"
        head = wire.head(pinned if first.version else self._model, self._priority)
        for bounds in self._parts[1:]:
            yield self._part(bounds, head)

    def decode(
        self, part: Part, reply: bytes, trailing_metadata: Sequence[tuple[str, str | bytes]]
    ) -> Scores:
        """The answers for the rows of one part.

        Raises:
            Internal: the reply is malformed.
        """
        return decode_scores(reply, part.stop - part.start, decode_timing(trailing_metadata))

    def join(self, answers: Sequence[Scores]) -> Scores:
        """The answers of all parts as one."""
        return join_scores(answers)

    def locate(self, error: StubtailError, part: Part) -> None:
        """Says in an error which rows it is about, where the input went in several parts."""
        if self.count > 1:
            error.metadata.update(first_row=str(part.start), last_row=str(part.stop - 1))

    def _part(self, bounds: tuple[int, int], head: bytes) -> Part:
        start, stop = bounds
        return Part(start, stop, head + self._rows.encoded(start, stop))


def call_metadata(common: Metadata, *, timing: bool) -> Metadata:
    """The metadata of one call."""
    return (*common, (TIMING_KEY, "1")) if timing else common
