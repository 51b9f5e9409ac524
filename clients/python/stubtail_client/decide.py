"""The method `decide` of both clients."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from stubtail_client.connection import DECIDE_PATH
from stubtail_client.deciding import Question, decode_decision
from stubtail_client.decisions import Decision
from stubtail_client.methods import Call, awaiting, blocking
from stubtail_client.options import Priority
from stubtail_client.wishes import CandidatesInput, Constraint, GridInput, ObjectiveInput


class DecideOptions(TypedDict, total=False):
    """The arguments of `decide` by name; `Client.decide` describes them."""

    grid: GridInput
    candidates: CandidatesInput
    maximise: ObjectiveInput
    minimise: ObjectiveInput
    constraints: Sequence[Constraint]
    parameters: Mapping[str, Any]
    coverage: float | None
    top: int
    curve: bool
    explain_excluded: bool
    allow_outside_range: bool
    priority: Priority | None


def decide(
    model: str,
    context: Mapping[str, Any],
    *,
    timeout: float | None = None,
    **options: Unpack[DecideOptions],
) -> Call[Decision]:
    """Scores candidate actions with a model and ranks them.

    The answer is a what-if: what the model expects of rows like the candidates, as it learned
    it from past rows. That is association, not cause.

    Args:
        model: `name` for the live version, or `name@version`.
        context: the row as it is: features to values.
        timeout: how long the call may take, in seconds; None takes the client's.
        **options: `grid` or `candidates`, and `maximise` or `minimise`, are required.

            grid: features or parameters to the values to try, a `Range` or a list; all
            combinations are candidates, the last one changing fastest. At most 10,000.
            candidates: dicts of what each candidate changes; what one leaves out stays.
            maximise, minimise: an expression over features, parameters and outputs (a subset
            of CEL, such as "(price - cost) * score"), or `Revenue`, `Profit`, `ValueAtRisk`.
            constraints: `Bounds`, `MaxChange` and `Limit` objects. At most 16.
            parameters: values that expressions use and the model does not.
            coverage: asks for intervals that hold the true value in this share of rows.
            top: how many ranked candidates to return, 1 to 10,000; 10 by default.
            curve: whether to return every candidate in the order of the request.
            explain_excluded: whether to return the reason of each excluded candidate.
            allow_outside_range: whether candidates may leave the range seen in training.
            priority: "critical", "high", "normal" (the server's default) or "low".

    Raises:
        InvalidArgument: an argument does not fit the model; `violations` says which.
        StubtailError: as `score`.
    """
    question = Question(model=model, context=context, **options)
    return Call(DECIDE_PATH, question.encode(), timeout, decode_decision)


class Decides:
    """Adds `decide` to the sync client."""

    decide = blocking(decide)


class DecidesAsync:
    """Adds `decide` to the async client."""

    decide = awaiting(decide)
