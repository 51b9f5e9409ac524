"""One decision: what is wanted of which candidates, and what follows from a run over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.decisions.changes import Candidates
from stubtail.decisions.constraints import Constraint, Judgement, Slack, nearest
from stubtail.decisions.evaluate import evaluate
from stubtail.decisions.functions import Column
from stubtail.decisions.ranking import best, distances
from stubtail.decisions.types import Checked, Key

OUTSIDE_RANGE: Final = "outside the range of training"
NOT_FINITE: Final = "objective is not finite"

Positions = NDArray[np.intp]
KEPT: Final = -1  # instead of a reason
TEXT_COST: Final = 64  # reading a string, looking it up and writing it: 0.17 us, as `Checked.cost`


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants.

    Attributes:
        objective: the number that orders candidates.
        maximise: whether more is better.
        ranges: the ranges of training of the features that change.
        constraints: in the order of the request.
        top: how many ranked candidates to return.
        curve: whether to return every candidate.
    """

    objective: Checked
    maximise: bool
    ranges: Sequence[Constraint]
    constraints: Sequence[Constraint]
    top: int
    curve: bool


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a decision came to. Rows are those of the run: the context, then the candidates.

    Attributes:
        reasons: [candidates], KEPT or a position in `names`.
        names: every reason that can exclude a candidate, in the order in which they are tried.
        objective: [rows].
        slacks: for each constraint of the request, [rows].
        ranked: rows of the best candidates, best first.
        nearest: the row of the candidate that violates least; None when any is feasible.
        violations: for `nearest`: name (empty for no constraint), slack and words of each.
    """

    reasons: NDArray[np.intp]
    names: Sequence[str]
    objective: NDArray[np.float64]
    slacks: Sequence[Slack]
    ranked: Positions
    nearest: int | None
    violations: Sequence[tuple[str, float, str]]


class Decision:
    """What is wanted of which candidates. Made before the run; nothing is evaluated until after it.

    Args:
        wish: what is wanted.
        candidates: what could be done.
    """

    def __init__(self, wish: Wish, candidates: Candidates) -> None:
        self.wish = wish
        self.candidates = candidates

    @property
    def rows(self) -> int:
        """How many rows the run has: the context and the candidates."""
        return 1 + self.candidates.count

    @property
    def cost(self) -> int:
        """What a row costs, as `Checked.cost`: all expressions, and reading strings."""
        texts = sum(change.variable.is_text for change in self.candidates.changes)
        expressions = self.wish.objective.cost + sum(one.cost for one in self._all())
        return expressions + TEXT_COST * texts

    def conclude(self, variables: Mapping[Key, Column]) -> Conclusion:
        """What follows from the run. Each expression is evaluated once.

        Args:
            variables: for each feature, parameter, output and bound a column [rows], or one value
                for all rows.
        """
        wish, rows = self.wish, self.rows
        objective = evaluate(wish.objective, variables, rows)
        judged = [constraint.judge(variables, rows) for constraint in self._all()]
        names = self._names()
        # Until here it is known without the model, from here with it.
        before = self._exclude(np.full(rows - 1, KEPT), judged, needs_run=False)
        reasons = self._exclude(before.copy(), judged, needs_run=True)
        _mark(reasons, ~np.isfinite(objective[1:]), len(names) - 1)
        feasible = reasons == KEPT
        goodness = objective[1:] if wish.maximise else -objective[1:]
        ranked = 1 + best(goodness, self._moves(), feasible, wish.top)
        closest, violations = None, []
        if not feasible.any():
            closest = 1 + _closest(judged, before == KEPT)
            violations = self._violations(judged, closest, objective)
        slacks = [one.slack for one in judged[len(wish.ranges) :]]
        return Conclusion(reasons, names, objective, slacks, ranked, closest, violations)

    def _all(self) -> Sequence[Constraint]:
        return [*self.wish.ranges, *self.wish.constraints]

    def _moves(self) -> NDArray[np.float64]:
        """How far the candidates are from the context."""
        changes = self.candidates.changes
        return distances([(change.variable.current, change.values) for change in changes])

    def _exclude(
        self, reasons: NDArray[np.intp], judged: Sequence[Judgement], *, needs_run: bool
    ) -> NDArray[np.intp]:
        """Gives a reason to the candidates that constraints of one kind exclude."""
        ranges = len(self.wish.ranges)
        if not needs_run:
            for one in judged[:ranges]:
                _mark(reasons, one.failed[1:], 0)
        tried = self._tried()
        for index, one in enumerate(judged[ranges:]):
            if one.constraint.quantity.needs_run is needs_run:
                _mark(reasons, one.failed[1:], 1 + tried.index(index))
        return reasons

    def _tried(self) -> list[int]:
        """Constraints in the order they are tried: those on features first, each as requested."""
        constraints = self.wish.constraints
        return sorted(range(len(constraints)), key=lambda i: constraints[i].quantity.needs_run)

    def _names(self) -> list[str]:
        tried = [self.wish.constraints[index].name for index in self._tried()]
        return [OUTSIDE_RANGE, *tried, NOT_FINITE]

    def _violations(
        self, judged: Sequence[Judgement], row: int, objective: NDArray[np.float64]
    ) -> list[tuple[str, float, str]]:
        found = []
        for index, one in enumerate(judged):
            if one.failed[row]:
                name = "" if index < len(self.wish.ranges) else one.constraint.name
                found.append((name, float(one.slack[row]), one.violation(row)))
        if not np.isfinite(objective[row]):
            found.append(("", float("nan"), f"{NOT_FINITE}: {objective[row]:g}"))
        return found


def _closest(judged: Sequence[Judgement], allowed: NDArray[np.bool_]) -> int:
    """The candidate that violates least: of those that keep what is known without the model.

    Where none does, only what is known without the model is compared.
    """
    if not allowed.any():
        judged = [one for one in judged if not one.constraint.quantity.needs_run]
        allowed = np.ones_like(allowed)
    positions = np.flatnonzero(allowed)
    return int(positions[nearest([one.slack[1:][allowed] for one in judged], len(positions))])


def _mark(reasons: NDArray[np.intp], failed: NDArray[np.bool_], reason: int) -> None:
    """Gives a reason to those that have none yet."""
    reasons[failed & (reasons == KEPT)] = reason
