"""The calls of `score` and `score_models`, however many messages they take."""

from collections.abc import Sequence

from stubtail_client import wire
from stubtail_client.connection import SCORE_PATH, Settings
from stubtail_client.options import (
    Priority,
    checked_coverage,
    checked_explain,
    checked_model,
    checked_models,
    priority_number,
)
from stubtail_client.plans import Part, Plan
from stubtail_client.replies import decode_scores, decode_several, decode_timing, join_scores
from stubtail_client.rows import RowsInput
from stubtail_client.scores import Scores

_SEVERAL_HEAD_BYTES_MAX = 4096  # heads name 16 models
# A row with reasons costs as much as a thousand, and the server bounds their number in a call: to
# more than these for every model of up to 800 features. Beyond, lower `part_rows_max`.
_EXPLAINED_ROWS_MAX = 4


class ScorePlan(Plan[Scores, Scores]):
    """A call of one model.

    Args:
        model: `name`, or `name@version`.
        rows: see `read_rows`.
        priority: the class of the call; None leaves it to the server.
        settings: see `Plan`.
        coverage: of the intervals; None without.
        explain: how many reasons; None without.
        timeout: see `Plan`, as `timed`.

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
        timeout: float | None = None,
        timed: bool = False,
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
        super().__init__(
            SCORE_PATH, head, rows, settings, timeout=timeout, timed=timed, rows_max=rows_max
        )

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


class SeveralPlan(Plan[dict[str, Scores], dict[str, Scores]]):
    """A call of several models on the same rows.

    Args:
        models: names, or `name@version`.
        rows: see `read_rows`.
        priority: the class of the call; None leaves it to the server.
        settings: see `Plan`.
        coverage: of the intervals; None without.
        timeout: see `Plan`, as `timed`.

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
        timeout: float | None = None,
        timed: bool = False,
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
        super().__init__(
            SCORE_PATH, head, rows, settings, timeout=timeout, timed=timed,
            head_bytes_max=_SEVERAL_HEAD_BYTES_MAX,
        )  # fmt: skip

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
