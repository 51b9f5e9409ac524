"""The reply of a decision, put together from columns: no Python per candidate."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stubtail import wire
from stubtail.decisions.decision import KEPT, Conclusion, Decision
from stubtail.decisions.types import LOWER, OUTPUT, UPPER, Key
from stubtail.endpoints.decide_context import Context
from stubtail.endpoints.decide_outcomes import Outcome, Outcomes
from stubtail.endpoints.warnings import KINDS
from stubtail.lane.job import Job
from stubtail.models.session import LoadedModel
from stubtail.v1 import decision_pb2

# The same fields with the same numbers, and every block of doubles as bytes (see `wire`).
Response: Any = wire.derive(decision_pb2.DecideResponse)

Rows = NDArray[np.intp]


class DecideEncoder:
    """The reply of one call, which no other call shares.

    Args:
        model: what answers.
        decision: what is decided.
        outcomes: what the model predicts.
        context: the row as it is.
        explain: whether to list every excluded candidate.
    """

    def __init__(
        self,
        model: LoadedModel,
        decision: Decision,
        outcomes: Outcomes,
        context: Context,
        *,
        explain: bool,
    ) -> None:
        self._model = model
        self._decision = decision
        self._outcomes = outcomes
        self._context = context
        self._explain = explain

    def prepare(self, outputs: Sequence[Any]) -> Sequence[Any]:
        """The outputs of the batch; everything else depends on the call's own rows."""
        return outputs

    def encode(self, prepared: Sequence[Any], first: int, end: int, job: Job) -> bytes:  # noqa: ARG002 - nothing is echoed
        """The reply for rows `first` to `end`: the context, and below it the candidates."""
        decision, context = self._decision, self._context
        columns = self._outcomes.columns([output[first:end] for output in prepared])
        refused = context.refused(decision.candidates)
        if refused.any():
            for column in columns.values():
                column[refused] = np.nan
        conclusion = decision.conclude({**context.columns(decision.candidates), **columns})
        reply = Response(
            model=self._model.name,
            version=self._model.version,
            feasible=conclusion.nearest is None,
            candidate_count=decision.candidates.count,
            feasible_count=int(np.count_nonzero(conclusion.reasons == KEPT)),
            constraints=[constraint.name for constraint in decision.wish.constraints],
        )
        self._fill(reply.baseline, np.zeros(1, np.intp), columns, conclusion)
        if conclusion.nearest is None:
            self._fill(reply.ranked, conclusion.ranked, columns, conclusion)
        else:
            self._fill(reply.nearest, np.array([conclusion.nearest]), columns, conclusion)
            for name, slack, words in conclusion.violations:
                reply.violations.add(constraint=name, slack=slack, reason=words)
        if decision.wish.curve:
            self._fill(reply.curve, np.arange(1, decision.rows), columns, conclusion)
            reply.curve.feasible.extend((conclusion.reasons == KEPT).tolist())
        self._exclusions(reply, conclusion)
        for feature, change in self._context.mended:
            reply.warnings.add(feature=feature, kind=KINDS[change], count=1, rows=[0])
        return bytes(reply.SerializeToString())

    def _fill(
        self,
        message: Any,
        rows: Rows,
        columns: Mapping[Key, Outcome],
        conclusion: Conclusion,
    ) -> None:
        """Writes the outcomes of some rows of the run; row 0 alone is the context."""
        positions = None if rows[0] == 0 else rows - 1
        if positions is not None:
            message.positions.extend(positions.tolist())
        for change in self._decision.candidates.changes:
            column = message.changes.add(name=change.variable.name)
            if positions is None:
                values = np.array([change.variable.current], change.values.dtype)
            else:
                values = change.values[positions]
            if change.variable.is_text:
                column.strings.extend(values.tolist())
            else:
                column.numbers.append(_doubles(values))
        main = self._outcomes.main.name
        message.predicted.append(_doubles(columns[OUTPUT, main][rows]))
        if self._outcomes.has_bounds:
            message.lower.append(_doubles(columns[LOWER, main][rows]))
            message.upper.append(_doubles(columns[UPPER, main][rows]))
        message.objective.append(_doubles(conclusion.objective[rows]))
        for slack in conclusion.slacks:
            message.slacks.add().values.append(_doubles(slack[rows]))
        for output in self._outcomes.others:
            column = message.outputs.add(name=output.name)
            column.numbers.append(_doubles(columns[OUTPUT, output.name][rows]))

    def _exclusions(self, reply: Any, conclusion: Conclusion) -> None:
        excluded = np.flatnonzero(conclusion.reasons != KEPT)
        reasons, places, counts = np.unique(
            conclusion.reasons[excluded], return_inverse=True, return_counts=True
        )
        for reason, count in zip(reasons.tolist(), counts.tolist(), strict=True):
            reply.exclusions.add(reason=conclusion.names[reason], count=count)
        if self._explain and len(excluded):
            reply.excluded.positions.extend(excluded.tolist())
            reply.excluded.exclusions.extend(places.tolist())


def _doubles(values: NDArray[Any]) -> bytes:
    """Doubles as a packed field has them."""
    return values.astype("<f8").tobytes()
