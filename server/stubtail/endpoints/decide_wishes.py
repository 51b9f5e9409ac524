"""The objective and the constraints of a decision, read and checked before the run."""

from collections.abc import Mapping, Sequence
from math import inf, isfinite, isnan
from typing import Any

from stubtail.decisions.changes import Candidates, Variable
from stubtail.decisions.constraints import Constraint, limits_in_words
from stubtail.decisions.decision import Wish
from stubtail.decisions.objectives import profit, revenue, single, value_at_risk
from stubtail.decisions.parser import parse
from stubtail.decisions.spelling import unknown_name
from stubtail.decisions.syntax import Expression
from stubtail.decisions.tokens import ExpressionError
from stubtail.decisions.types import LOWER, OUTPUT, UPPER, Checked, Key, Scope, Type
from stubtail.endpoints.decide_context import key_of
from stubtail.endpoints.decide_outcomes import Outcomes
from stubtail.errors import invalid_field
from stubtail.models.features import Feature
from stubtail.v1 import decision_pb2

CONSTRAINTS_MAX = 16
NAME_CHARACTERS_MAX = 128
TOP_DEFAULT, TOP_MAX = 10, 10_000
# What all expressions of a request may cost together (`Checked.cost` times rows): 10 ms at worst.
COST_MAX = 4_000_000
# Characters that all of them may have: 1,000 take 1 ms to read, where they are new.
CHARACTERS_MAX = 8_000


class WishReader:
    """Reads what a request wants.

    Args:
        variables: features and parameters by name.
        features: of the model, by name.
        outcomes: what the model predicts.
    """

    def __init__(
        self,
        variables: Mapping[str, Variable],
        features: Mapping[str, Feature],
        outcomes: Outcomes,
    ) -> None:
        self._variables = variables
        self._features = features
        self._outcomes = outcomes
        types = {
            key_of(variable): Type.TEXT if variable.is_text else Type.NUMBER
            for variable in variables.values()
        }
        types.update(dict.fromkeys(outcomes.variables, Type.NUMBER))
        self._scope = Scope(types, outcomes.main.name, outcomes.no_interval)
        self._characters = 0

    def read(self, request: Any, candidates: Candidates) -> Wish:
        """The wish of a DecideRequest.

        Raises:
            CallError: INVALID_ARGUMENT that names the field and what was expected.
        """
        objective, maximise = self._objective(request.objective)
        if len(request.constraints) > CONSTRAINTS_MAX:
            problem = f"must be at most {CONSTRAINTS_MAX}, got {len(request.constraints)}"
            raise invalid_field("constraints", problem)
        constraints: list[Constraint] = []
        for index, message in enumerate(request.constraints):
            taken = [constraint.name for constraint in constraints]
            constraints.append(self._constraint(message, f"constraints[{index}]", taken))
        if request.top > TOP_MAX:
            raise invalid_field("top", f"must be at most {TOP_MAX:,}, got {request.top}")
        cost = objective.cost + sum(one.cost for one in constraints)
        if cost * (candidates.count + 1) > COST_MAX:
            raise invalid_field(
                "constraints",
                f"with {candidates.count:,} candidates, all expressions together must cost at most "
                f"{COST_MAX // (candidates.count + 1):,}, got {cost:,}; an operation or a value "
                "counts 1, pow 64, comparing strings 18, exp 16, log 4, a constraint 2",
            )
        return Wish(
            objective=objective,
            maximise=maximise,
            ranges=self._ranges(candidates, allow_outside=request.allow_outside_range),
            constraints=constraints,
            top=request.top or TOP_DEFAULT,
            curve=request.curve,
        )

    def _objective(self, message: Any) -> tuple[Checked, bool]:
        kind = message.WhichOneof("objective")
        if kind is None:
            expected = "must be set: `expression`, `revenue`, `profit` or `value_at_risk`"
            raise invalid_field("objective", expected)
        direction = message.direction
        if direction not in decision_pb2.Direction.values():
            raise invalid_field("objective.direction", f"must be 0 to 2, got {direction}")
        maximise = direction == decision_pb2.DIRECTION_MAXIMISE or (
            direction == decision_pb2.DIRECTION_UNSPECIFIED and kind != "value_at_risk"
        )
        field = f"objective.{kind}"
        if kind == "expression":
            if message.pessimistic:
                expected = "is for named objectives; write lower or upper in the expression"
                raise invalid_field("objective.pessimistic", expected)
            return self._checked(message.expression, field, (Type.NUMBER,)), maximise
        form = getattr(message, kind)
        outcome = self._outcome(form.outcome, f"{field}.outcome")
        if message.pessimistic:
            side = LOWER if maximise else UPPER
            if (side, outcome[1]) not in self._outcomes.variables:
                raise invalid_field("objective.pessimistic", "needs coverage and an interval")
            outcome = (side, outcome[1])
        expression = self._named_objective(kind, form, field, outcome)
        return self._scope.check(expression, (Type.NUMBER,)), maximise

    def _named_objective(self, kind: str, form: Any, field: str, outcome: Key) -> Expression:
        if kind == "value_at_risk":
            value = self._number(form.value, f"{field}.value")
            cost = self._number(form.cost, f"{field}.cost") if form.cost else None
            return value_at_risk(value, cost, outcome)
        price = self._number(form.price, f"{field}.price")
        if kind == "revenue":
            return revenue(price, outcome)
        return profit(price, self._number(form.cost, f"{field}.cost"), outcome)

    def _outcome(self, name: str, field: str) -> Key:
        key = (OUTPUT, name or self._outcomes.main.name)
        if key not in self._outcomes.variables:
            known = [known for kind, known in self._outcomes.variables if kind == OUTPUT]
            raise invalid_field(field, unknown_name(name, known, "an output of the model"))
        return key

    def _variable(self, name: str, field: str) -> Variable:
        """A feature or parameter that is a number."""
        if name not in self._variables:
            known = list(self._variables)
            raise invalid_field(field, unknown_name(name, known, "a feature or a parameter"))
        variable = self._variables[name]
        if variable.is_text:
            raise invalid_field(field, f"{name!r} is not a number")
        return variable

    def _number(self, name: str, field: str) -> Key:
        return key_of(self._variable(name, field))

    def _checked(self, text: str, field: str, wanted: tuple[Type, ...]) -> Checked:
        self._characters += len(text)
        if self._characters > CHARACTERS_MAX:
            problem = f"all expressions together must have at most {CHARACTERS_MAX:,} characters"
            raise invalid_field(field, problem)
        try:
            return self._scope.check(parse(text), wanted)
        except ExpressionError as error:
            raise invalid_field(field, str(error)) from None

    def _constraint(self, message: Any, field: str, taken: Sequence[str]) -> Constraint:
        kind = message.WhichOneof("kind")
        if kind is None:
            raise invalid_field(field, "must be set: `bounds`, `max_change` or `limit`")
        if len(message.name) > NAME_CHARACTERS_MAX:
            problem = f"must have at most {NAME_CHARACTERS_MAX} characters"
            raise invalid_field(f"{field}.name", problem)
        if message.name and message.name in taken:
            raise invalid_field(f"{field}.name", f"{message.name!r} is there twice")
        read = {"bounds": self._bounds, "max_change": self._max_change, "limit": self._limit}[kind]
        made, quantity, minimum, maximum, said = read(getattr(message, kind), f"{field}.{kind}")
        name = message.name or _unlike(made[: NAME_CHARACTERS_MAX - 5], taken)
        return Constraint(name, quantity, minimum, maximum, said)

    def _bounds(self, message: Any, field: str) -> "_Read":
        variable = self._variable(message.name, f"{field}.name")
        minimum, maximum = _limits(message, field, ("minimum", "maximum"))
        quantity = self._quantity(variable)
        name = f"{variable.name} {limits_in_words(minimum, maximum)}"
        return name, quantity, minimum, maximum, variable.name

    def _max_change(self, message: Any, field: str) -> "_Read":
        variable = self._variable(message.name, f"{field}.name")
        kind = message.WhichOneof("change")
        if kind is None:
            raise invalid_field(field, "must say `absolute` or `relative`")
        change = getattr(message, kind)
        if not (isfinite(change) and change >= 0):
            raise invalid_field(f"{field}.{kind}", f"must be 0 or more, got {change:g}")
        current = float(variable.current)
        if isnan(current):
            raise invalid_field(f"{field}.name", f"the context has no value of {variable.name!r}")
        allowed = change if kind == "absolute" else change * abs(current)
        name = f"{variable.name} within " + (
            f"{change:g}" if kind == "absolute" else f"{100 * change:g} %"
        )
        quantity = self._quantity(variable)
        return name, quantity, current - allowed, current + allowed, variable.name

    def _limit(self, message: Any, field: str) -> "_Read":
        text = message.expression
        quantity = self._checked(text, f"{field}.expression", (Type.NUMBER, Type.TRUTH))
        if quantity.type is Type.TRUTH:
            for key in ("at_least", "at_most"):
                if message.HasField(key):
                    problem = "is for a number, but the expression gives a bool"
                    raise invalid_field(f"{field}.{key}", problem)
            return text, quantity, 1.0, inf, text
        minimum, maximum = _limits(message, field, ("at_least", "at_most"))
        return f"{text} {limits_in_words(minimum, maximum)}", quantity, minimum, maximum, text

    def _ranges(self, candidates: Candidates, *, allow_outside: bool) -> list[Constraint]:
        """What training saw of the features that change; and the context as it is."""
        found = []
        for change in candidates.changes:
            variable = change.variable
            feature = self._features.get(variable.name)
            if feature is None or variable.is_text:
                continue
            if allow_outside and feature.outside == "allow":
                continue
            lowest = -inf if variable.minimum is None else variable.minimum
            highest = inf if variable.maximum is None else variable.maximum
            current = float(variable.current)
            if not isnan(current):
                lowest, highest = min(lowest, current), max(highest, current)
            if isfinite(lowest) or isfinite(highest):
                said = f"{variable.name}, by the range of training,"
                found.append(Constraint("", self._quantity(variable), lowest, highest, said))
        return found

    def _quantity(self, variable: Variable) -> Checked:
        return self._scope.check(single(key_of(variable)), (Type.NUMBER,))


_Read = tuple[str, Checked, float, float, str]
"""A name, the quantity, its limits, and what messages call it."""


def _limits(message: Any, field: str, keys: tuple[str, str]) -> tuple[float, float]:
    limits = []
    for key, absent in zip(keys, (-inf, inf), strict=True):
        limit = getattr(message, key) if message.HasField(key) else absent
        if message.HasField(key) and not isfinite(limit):
            raise invalid_field(f"{field}.{key}", f"must be a finite number, got {limit:g}")
        limits.append(limit)
    minimum, maximum = limits
    if minimum == -inf and maximum == inf:
        raise invalid_field(field, f"must set `{keys[0]}` or `{keys[1]}`")
    if minimum > maximum:
        raise invalid_field(f"{field}.{keys[0]}", f"{minimum:g} is above {keys[1]}, {maximum:g}")
    return minimum, maximum


def _unlike(name: str, taken: Sequence[str]) -> str:
    """The name, with a number behind it where it is taken."""
    made, number = name, 1
    while made in taken:
        number += 1
        made = f"{name} ({number})"
    return made
