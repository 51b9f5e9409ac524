"""DecisionService.Decide: one row and what could be changed in it become one job of the lane."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stubtail import wire
from stubtail.decisions.candidates import (
    CANDIDATES_MAX,
    Axis,
    check_axes,
    check_columns,
    from_grid,
    from_list,
)
from stubtail.decisions.changes import Candidates, Variable
from stubtail.decisions.decision import Decision
from stubtail.endpoints.decide_context import read_context
from stubtail.endpoints.decide_outcomes import Outcomes
from stubtail.endpoints.decide_replies import DecideEncoder
from stubtail.endpoints.decide_run import Asked
from stubtail.endpoints.decide_size import check_reply_size
from stubtail.endpoints.decide_wishes import WishReader
from stubtail.endpoints.lane_method import CallPlan, Reading
from stubtail.endpoints.method import parse
from stubtail.endpoints.named import CELLS_MAX
from stubtail.endpoints.served import ServedModel, ServedModels
from stubtail.errors import invalid_field, malformed_message, message_too_large
from stubtail.lane.priority import REQUESTED
from stubtail.v1 import decision_pb2

PATH = "/stubtail.v1.DecisionService/Decide"
DOUBLE_BYTES = 8
# 100,000 numbers take 0.8 MB. Bounded before anything is parsed: a MiB of empty messages takes
# 20 ms to parse, and everybody else waits for that.
REQUEST_BYTES_MAX = 1 << 20


class DecideReader:
    """Reads decide requests."""

    def __init__(self, models: ServedModels) -> None:
        self._models = models

    def read(self, payload: bytes) -> Reading:
        """The plan and the rows of a request; raises CallError.

        The rows are the context, and below it the candidates. Here they are read, checked and
        bounded; whatever takes time is done in the run that they are admitted to.
        """
        if len(payload) > REQUEST_BYTES_MAX:
            raise message_too_large(len(payload), REQUEST_BYTES_MAX, "the most that Decide takes")
        request = parse(wire.DecideRequest, payload)
        if not request.model:
            raise invalid_field("model", "must name a model")
        model = self._models.resolve(request.model)
        priority = REQUESTED.get(request.priority)
        if priority is None:
            raise invalid_field("priority", f"must be 0 to 4, got {request.priority}")
        if model.rules is None:
            raise invalid_field(
                "model", f"{model.name} has no manifest with feature names; use Score"
            )
        outcomes = Outcomes(model.loaded, request.coverage)
        context = read_context(model.rules, request.context, request.parameters)
        candidates = _candidates(request, payload, context.variables)
        _check_size(candidates, model)
        features = {feature.name: feature for feature in model.rules.features}
        wish = WishReader(context.variables, features, outcomes).read(request, candidates)
        explain = request.explain_excluded
        decision = Decision(wish, candidates)
        encoder = DecideEncoder(model.loaded, decision, outcomes, context, explain=explain)
        queue = model.decision_queue(decision.rows, decision.cost)
        plan = CallPlan(queue, decision.rows, priority, encoder)
        asked = Asked(
            context,
            candidates,
            partial(check_reply_size, wish, candidates, outcomes, context.mended, explain=explain),
        )
        return Reading(plan, asked, 0, candidates.size_bytes + len(payload))


def _candidates(request: Any, payload: bytes, variables: Mapping[str, Variable]) -> Candidates:
    """The candidates; nothing is made of their values before it is known how many there are."""
    form = request.WhichOneof("candidates")
    if form == "list":
        check_columns(len(request.list.columns))
        columns = [(one, one.numbers) for one in request.list.columns]
        public = _as_sent(request.list, payload, [pieces for _, pieces in columns])
        if public is not None:
            columns = [(one, one.numbers) for one in public.list.columns]
        taken = [(one.name, _doubles(numbers), one.strings) for one, numbers in columns]
        return from_list(taken, variables)
    if form == "grid":
        axes = request.grid.axes
        check_axes(len(axes))
        public = _as_sent(request.grid, payload, [axis.numbers.values for axis in axes])
        if public is not None:
            axes = public.grid.axes
        read = [_axis(axis, f"grid.axes[{index}]") for index, axis in enumerate(axes)]
        return from_grid(read, variables)
    raise invalid_field("candidates", "must be set: `list` or `grid`")


def _as_sent(part: Any, payload: bytes, numbers: Sequence[Sequence[bytes]]) -> Any:
    """The public message, where doubles came in another form than one packed piece; else None.

    Doubles that are not packed are unknown fields here (see `wire`), which only a newer or an
    unusual sender has.

    Args:
        part: the list or the grid as read; loses its unknown fields.
        payload: the request as sent.
        numbers: the pieces of each of its packed fields.
    """
    size_bytes = part.ByteSize()
    part.DiscardUnknownFields()
    if any(len(pieces) > 1 for pieces in numbers) or part.ByteSize() != size_bytes:
        return parse(decision_pb2.DecideRequest, payload)
    return None


def _doubles(values: Sequence[Any]) -> NDArray[np.float64]:
    """The values of a field of doubles: one packed piece at most, or numbers."""
    if not values or not isinstance(values[0], bytes):
        return np.array(values[:], np.float64)
    if len(values[0]) % DOUBLE_BYTES:
        raise malformed_message("stubtail.v1.DecideRequest")
    return np.frombuffer(values[0], "<f8")


def _axis(axis: Any, path: str) -> Axis:
    form = axis.WhichOneof("values")
    if form is None:
        raise invalid_field(path, "must be set: `range`, `numbers` or `texts`")
    if form != "range":
        values = getattr(axis, form).values
        if form == "numbers":
            values = _doubles(values)
        return Axis(axis.name, values, form == "texts", path, f"{form}.values")
    wanted = axis.range
    if not 1 <= wanted.steps <= CANDIDATES_MAX:
        raise invalid_field(
            f"{path}.range.steps", f"must be 1 to {CANDIDATES_MAX:,}, got {wanted.steps}"
        )
    for end in ("first", "last"):
        number = getattr(wanted, end)
        if not np.isfinite(number):
            raise invalid_field(f"{path}.range.{end}", f"must be a finite number, got {number:g}")
    with np.errstate(all="ignore"):  # an infinite distance between finite ends: refused by value
        numbers = np.linspace(wanted.first, wanted.last, wanted.steps)
    return Axis(axis.name, numbers, is_text=False, path=path, form="range")


def _check_size(candidates: Candidates, model: ServedModel) -> None:
    """Bounds of one run, which are those of Score."""
    if candidates.count + 1 > model.rows_max:
        raise invalid_field(
            "candidates", f"must be at most {model.rows_max - 1:,}, got {candidates.count:,}"
        )
    if model.rules is not None and (candidates.count + 1) * len(model.rules.features) > CELLS_MAX:
        raise invalid_field(
            "candidates", f"must make at most {CELLS_MAX} cells (candidates times features)"
        )
