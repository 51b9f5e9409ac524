"""One `score` call, however many messages it takes: what to send, and what the replies amount to.

Both clients drive these plans; they do no I/O. A large input is sent in parts. The first part goes
alone, because its reply names the version that answered; the other parts ask for that version, so
that one version answers all rows even if a new one goes live meanwhile.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from stubtail_client import wire
from stubtail_client.connection import Settings
from stubtail_client.errors import StubtailError
from stubtail_client.options import (
    TIMING_KEY,
    Metadata,
    Priority,
    checked_coverage,
    checked_explain,
    checked_model,
    checked_models,
    priority_number,
)
from stubtail_client.replies import decode_scores, decode_several, decode_timing, join_scores
from stubtail_client.rows import RowsInput, read_rows
from stubtail_client.scores import Scores

_HEAD_BYTES_MAX = 1024  # the model (128 characters), the version, the priority, lengths around
_SEVERAL_HEAD_BYTES_MAX = 4096  # the same for 16 models
# A row with reasons costs as much as a thousand, and the server bounds their number in a call: to
# more than these for every model of up to 800 features. Beyond, lower `part_rows_max`.
_EXPLAINED_ROWS_MAX = 4

Answer = TypeVar("Answer")


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


class Plan(ABC, Generic[Answer]):
    """The messages of one call in order, and the decoding of their replies.

    Args:
        head: of the first message.
        rows: see `read_rows`.
        settings: bounds the rows and the bytes of a message; a single row is sent at any size.
        head_bytes_max: how much of the bytes the heads may take.
        rows_max: bounds the rows of a message further; None leaves it to the settings.

    Raises:
        InvalidArgument: the rows cannot be sent.
    """

    def __init__(
        self,
        head: bytes,
        rows: RowsInput,
        settings: Settings,
        *,
        head_bytes_max: int = _HEAD_BYTES_MAX,
        rows_max: int | None = None,
    ) -> None:
        self._head = head
        self._rows = read_rows(rows)
        part_rows_max = min(settings.part_rows_max, rows_max or settings.part_rows_max)
        self._parts = self._rows.parts(part_rows_max, settings.part_bytes_max - head_bytes_max)

    @property
    def count(self) -> int:
        """How many messages the call takes."""
        return len(self._parts)

    def first(self) -> Part:
        """The part that goes alone."""
        return self._part(self._parts[0], self._head)

    def rest(self, first: Answer) -> Iterator[Part]:
        """The other parts, in order, for the version that answered the first."""
        if self.count == 1:
            return
        head = self._pinned(first)
        for bounds in self._parts[1:]:
            yield self._part(bounds, head)

    @abstractmethod
    def decode(
        self, part: Part, reply: bytes, trailing_metadata: Sequence[tuple[str, str | bytes]]
    ) -> Answer:
        """The answers for the rows of one part.

        Raises:
            Internal: the reply is malformed.
        """

    @abstractmethod
    def join(self, answers: Sequence[Answer]) -> Answer:
        """The answers of all parts as one."""

    @abstractmethod
    def _pinned(self, first: Answer) -> bytes:
        """The head of the other messages."""

    def locate(self, error: StubtailError, part: Part) -> None:
        """Says in an error which rows it is about, where the input went in several parts."""
        if self.count > 1:
            error.metadata.update(first_row=str(part.start), last_row=str(part.stop - 1))

    def _part(self, bounds: tuple[int, int], head: bytes) -> Part:
        start, stop = bounds
        return Part(start, stop, head + self._rows.encoded(start, stop))


class ScorePlan(Plan[Scores]):
    """A call of one model.

    Args:
        model: `name`, or `name@version`.
        rows: see `read_rows`.
        priority: the class of the call; None leaves it to the server.
        settings: see `Plan`.
        coverage: of the intervals; None without.
        explain: how many reasons; None without.

    Raises:
        InvalidArgument: the rows or another argument cannot be sent.
    """

    def __init__(
        self,
        model: str,
        rows: RowsInput,
        priority: Priority | None,
        settings: Settings,
        *,
        coverage: float | None = None,
        explain: int | None = None,
    ) -> None:
        try:
            head = wire.head(model, priority, coverage, explain)
        except TypeError:  # an argument that is no string is no key of a cache either
            priority_number(priority)
            checked_model(model)
            _check_details(coverage, explain)
            raise
        self._model = model
        self._details = (priority, coverage, explain)
        rows_max = None if explain is None else _EXPLAINED_ROWS_MAX
        super().__init__(head, rows, settings, rows_max=rows_max)

    def decode(
        self, part: Part, reply: bytes, trailing_metadata: Sequence[tuple[str, str | bytes]]
    ) -> Scores:
        """The answers for the rows of one part; raises Internal for a malformed reply."""
        return decode_scores(reply, part.stop - part.start, decode_timing(trailing_metadata))

    def join(self, answers: Sequence[Scores]) -> Scores:
        """The answers of all parts as one."""
        return join_scores(answers)

    def _pinned(self, first: Scores) -> bytes:
        return wire.head(_pinned(self._model, first), *self._details)


class SeveralPlan(Plan[dict[str, Scores]]):
    """A call of several models on the same rows.

    Args:
        models: names, or `name@version`.
        rows: see `read_rows`.
        priority: the class of the call; None leaves it to the server.
        settings: see `Plan`.
        coverage: of the intervals; None without.

    Raises:
        InvalidArgument: the rows or another argument cannot be sent.
    """

    def __init__(
        self,
        models: Sequence[str],
        rows: RowsInput,
        priority: Priority | None,
        settings: Settings,
        *,
        coverage: float | None = None,
    ) -> None:
        self._models = (models,) if isinstance(models, str) else tuple(models)
        try:
            head = wire.head(self._models, priority, coverage)
        except TypeError:
            priority_number(priority)
            checked_models(self._models)
            _check_details(coverage, None)
            raise
        self._details = (priority, coverage)
        super().__init__(head, rows, settings, head_bytes_max=_SEVERAL_HEAD_BYTES_MAX)

    def decode(
        self, part: Part, reply: bytes, trailing_metadata: Sequence[tuple[str, str | bytes]]
    ) -> dict[str, Scores]:
        """The answers of each model; raises Internal for a malformed reply."""
        timing = decode_timing(trailing_metadata)
        return decode_several(reply, self._models, part.stop - part.start, timing)

    def join(self, answers: Sequence[dict[str, Scores]]) -> dict[str, Scores]:
        """The answers of all parts as one, for each model."""
        return {model: join_scores([one[model] for one in answers]) for model in self._models}

    def _pinned(self, first: dict[str, Scores]) -> bytes:
        models = tuple(_pinned(model, first[model]) for model in self._models)
        return wire.head(models, *self._details)


def _pinned(model: str, first: Scores) -> str:
    """The reference to the version that answered."""
    return model if "@" in model or not first.version else f"{model}@{first.version}"


def _check_details(coverage: float | None, explain: int | None) -> None:
    if coverage is not None:
        checked_coverage(coverage)
    if explain is not None:
        checked_explain(explain)


def call_metadata(common: Metadata, *, timing: bool) -> Metadata:
    """The metadata of one call."""
    return (*common, (TIMING_KEY, "1")) if timing else common
