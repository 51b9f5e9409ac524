"""Checks an expression against the variables there are, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from stubtail.decisions.functions import FUNCTIONS
from stubtail.decisions.spelling import closest
from stubtail.decisions.syntax import (
    Binary,
    Call,
    Conditional,
    Expression,
    Literal,
    Membership,
    Name,
    Node,
    Unary,
)
from stubtail.decisions.tokens import ExpressionError

FEATURE, PARAMETER, OUTPUT, LOWER, UPPER, CONTEXT = (
    "feature",
    "parameter",
    "output",
    "lower",
    "upper",
    "context",
)
AFTER_RUN: Final = frozenset((OUTPUT, LOWER, UPPER))
_PLAIN_ORDER: Final = (FEATURE, PARAMETER, OUTPUT, LOWER, UPPER)
_LOGIC: Final = frozenset(("&&", "||"))
_ARITHMETIC: Final = frozenset(("+", "-", "*", "/"))
_ORDER: Final = frozenset(("<", "<=", ">", ">="))
# What the dearest values make of one pass over the rows: adding takes 0.2 ns, rounding 1.9.
# Measured on an AMD EPYC with subnormal, huge, infinite, random and NaN columns of 10,000.
PASS_S: Final = 2.6e-9
TEXT_EQUAL_COST: Final = 18  # 46 ns: 256 characters of which only the last ones differ
TEXT_CHOICE_COST: Final = 4  # 9 ns


class Type(Enum):
    """The type of a value."""

    NUMBER = "number"
    TEXT = "string"
    TRUTH = "bool"


Key = tuple[str, str]
"""Which variable: its kind (FEATURE to UPPER) and its name."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression that fits the variables.

    Attributes:
        expression: the expression.
        type: of its value.
        names: for each name in it, by position: which variable, and whether that of the context.
        cost: of one row, in passes of 2.6 ns at worst (see `PASS_S`).
    """

    expression: Expression
    type: Type
    names: Mapping[int, tuple[Key, bool]]
    cost: int

    @property
    def needs_run(self) -> bool:
        """Whether it depends on what the model predicts."""
        return any(kind in AFTER_RUN for (kind, _), _ in self.names.values())


class _Notes:
    """What is found out on the way through one expression: the names, and the cost of a row."""

    def __init__(self, nodes: int) -> None:
        self.names: dict[int, tuple[Key, bool]] = {}
        self.cost = nodes


class Scope:
    """The variables of one request.

    Args:
        variables: the type of each.
        main: the name of the main output, which bare `lower` and `upper` belong to.
        no_interval: why `lower` and `upper` are not there; empty when they are.
    """

    def __init__(
        self, variables: Mapping[Key, Type], main: str = "score", no_interval: str = ""
    ) -> None:
        self._variables = variables
        self._main = main
        self._no_interval = no_interval

    def check(self, expression: Expression, wanted: tuple[Type, ...]) -> Checked:
        """Resolves all names and checks all types.

        Raises:
            ExpressionError: a name is unknown or ambiguous, or a type is wrong.
        """
        notes = _Notes(expression.nodes)
        found = self._type(expression.root, notes)
        if found not in wanted:
            expected = " or ".join(f"a {one.value}" for one in wanted)
            raise ExpressionError(0, f"must give {expected}, gives a {found.value}")
        return Checked(expression, found, notes.names, notes.cost)

    def key(self, name: str, position: int = 0) -> Key:
        """The variable that a bare name means."""
        if name in (LOWER, UPPER) and self._no_interval and not self._is_given(name):
            raise ExpressionError(position, f"{name} is not known: {self._no_interval}")
        spelled = dict.fromkeys(_PLAIN_ORDER[:3], name)
        if name in (LOWER, UPPER):
            spelled[name] = self._main
        found = [key for key in spelled.items() if key in self._variables]
        if len(found) > 1:
            choices = " or ".join(f"{kind}.{name}" for kind, _ in found)
            raise ExpressionError(position, f"{name} may mean {choices}; write which")
        if not found:
            raise ExpressionError(position, f"there is no {name[:64]}{self._hint(name)}")
        return found[0]

    def _is_given(self, name: str) -> bool:
        return any((kind, name) in self._variables for kind in (FEATURE, PARAMETER, OUTPUT))

    def _resolve(self, node: Name) -> tuple[Key, bool]:
        if not node.space:
            return self.key(node.name, node.position), False
        if node.space == CONTEXT:
            return self.key(node.name, node.position), True
        if node.space not in _PLAIN_ORDER:
            spaces = ", ".join((*_PLAIN_ORDER, CONTEXT))
            raise ExpressionError(
                node.position, f"{node.space[:64]} has no fields; before a point stands {spaces}"
            )
        if node.space in (LOWER, UPPER) and self._no_interval:
            raise ExpressionError(node.position, f"{node.space} is not known: {self._no_interval}")
        key = (node.space, node.name)
        if key not in self._variables:
            hint = self._hint(node.name, node.space)
            raise ExpressionError(node.position, f"there is no {node.space} {node.name[:64]}{hint}")
        return key, False

    def _hint(self, name: str, space: str = "") -> str:
        known = [one for kind, one in self._variables if not space or kind == space]
        close = closest(name, known)
        return f"; did you mean {close}?" if close else ""

    def _type(self, node: Node, notes: _Notes) -> Type:
        match node:
            case Literal():
                found = _literal_type(node)
            case Name():
                notes.names[node.position] = resolved = self._resolve(node)
                found = self._variables[resolved[0]]
            case Unary():
                wanted = Type.NUMBER if node.operator == "-" else Type.TRUTH
                found = self._demand(node.operand, wanted, f"{node.operator} takes", notes)
            case Binary():
                found = self._binary(node, notes)
            case Membership():
                found = self._membership(node, notes)
            case Conditional():
                self._demand(node.condition, Type.TRUTH, "? takes", notes)
                yes = self._type(node.yes, notes)
                found = self._demand(node.no, yes, "both sides of : must be", notes)
                notes.cost += TEXT_CHOICE_COST if yes is Type.TEXT else 0
            case Call():
                found = self._call(node, notes)
            case _:
                raise AssertionError(node)
        return found

    def _membership(self, node: Membership, notes: _Notes) -> Type:
        operand = self._type(node.operand, notes)
        notes.cost += TEXT_EQUAL_COST * len(node.values) if operand is Type.TEXT else 0
        for value in node.values:
            found = _literal_type(value)
            if found is not operand:
                problem = f"the list must have {operand.value}s, got a {found.value}"
                raise ExpressionError(value.position, problem)
        return Type.TRUTH

    def _binary(self, node: Binary, notes: _Notes) -> Type:
        operator = node.operator
        if operator in _LOGIC:
            wanted, result = Type.TRUTH, Type.TRUTH
        elif operator in _ARITHMETIC:
            wanted, result = Type.NUMBER, Type.NUMBER
        elif operator in _ORDER:
            wanted, result = Type.NUMBER, Type.TRUTH
        else:
            wanted, result = self._type(node.left, notes), Type.TRUTH
            notes.cost += TEXT_EQUAL_COST if wanted is Type.TEXT else 0
        if operator not in ("==", "!="):
            self._demand(node.left, wanted, f"{operator} takes", notes)
        self._demand(node.right, wanted, f"{operator} takes", notes)
        return result

    def _call(self, node: Call, notes: _Notes) -> Type:
        function = FUNCTIONS[node.function]
        count = len(node.arguments)
        if not function.least <= count <= function.most:
            wanted = (
                str(function.least)
                if function.least == function.most
                else f"{function.least} to {function.most}"
            )
            problem = f"{node.function} takes {wanted} values, got {count}"
            raise ExpressionError(node.position, problem)
        for argument in node.arguments:
            self._demand(argument, Type.NUMBER, f"{node.function} takes", notes)
        notes.cost += function.cost - 1
        return Type.NUMBER

    def _demand(self, node: Node, wanted: Type, what: str, notes: _Notes) -> Type:
        found = self._type(node, notes)
        if found is not wanted:
            problem = f"{what} a {wanted.value}, got a {found.value}"
            raise ExpressionError(node.position, problem)
        return found


def _literal_type(node: Literal) -> Type:
    if isinstance(node.value, bool):
        return Type.TRUTH
    return Type.TEXT if isinstance(node.value, str) else Type.NUMBER
