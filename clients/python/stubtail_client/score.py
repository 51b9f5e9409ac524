"""The methods `score` and `score_models` of both clients."""

from collections.abc import Sequence

from stubtail_client.connection import Settings
from stubtail_client.methods import awaiting_parts, blocking_parts
from stubtail_client.options import Priority
from stubtail_client.plans import Plan
from stubtail_client.rows import RowsInput
from stubtail_client.scores import Scores
from stubtail_client.scoring import ScorePlan, SeveralPlan


def score(
    _settings: Settings,
    model: str,
    rows: RowsInput,
    *,
    coverage: float | None = None,
    explain: int | None = None,
    priority: Priority | None = None,
    timeout: float | None = None,
    timing: bool = False,
) -> Plan[Scores, Scores]:
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
    return ScorePlan(
        model, rows, priority, _settings,
        coverage=coverage, explain=explain, timeout=timeout, timed=timing,
    )  # fmt: skip


def score_models(
    _settings: Settings,
    models: Sequence[str],
    rows: RowsInput,
    *,
    coverage: float | None = None,
    priority: Priority | None = None,
    timeout: float | None = None,
    timing: bool = False,
) -> Plan[dict[str, Scores], dict[str, Scores]]:
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
    return SeveralPlan(
        models, rows, priority, _settings, coverage=coverage, timeout=timeout, timed=timing
    )


class Scorings:
    """Adds these methods to the sync client."""

    score = blocking_parts(score)
    score_models = blocking_parts(score_models)


class ScoringsAsync:
    """Adds them to the async client."""

    score = awaiting_parts(score)
    score_models = awaiting_parts(score_models)
