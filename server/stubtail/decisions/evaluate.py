"""Evaluates a checked expression on whole columns: no Python per row, nothing raises."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stubtail.decisions.functions import FUNCTIONS, Column
from stubtail.decisions.syntax import (
    Binary,
    Call,
    Conditional,
    Literal,
    Membership,
    Name,
    Node,
    Unary,
)
from stubtail.decisions.types import Checked, Key


def _equal(left: Column, right: Column) -> Column:
    # Of strings, numpy compares arrays of objects element by element and gives objects.
    return np.asarray(left == right, np.bool_)


_BINARY: Final[dict[str, Callable[[Column, Column], Column]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "&&": np.logical_and,
    "||": np.logical_or,
    "==": _equal,
    "!=": lambda left, right: np.logical_not(_equal(left, right)),
}


def evaluate(checked: Checked, variables: Mapping[Key, Column], rows: int) -> NDArray[Any]:
    """The value of an expression for each row.

    Args:
        checked: the expression.
        variables: for each name of it a column [rows] of float64 or of str, or one value for all.
            The first row is the context, which `context.x` is read from.
        rows: how many.

    Returns:
        float64 or bool [rows]. What cannot be computed is NaN or infinite, as IEEE 754 says.
    """
    with np.errstate(all="ignore"):
        value = _Evaluation(checked, variables).value(checked.expression.root)
    return np.broadcast_to(np.asarray(value), (rows,))


class _Evaluation:
    """One evaluation. Recursion goes as deep as the tree: as many levels as nodes at most."""

    def __init__(self, checked: Checked, variables: Mapping[Key, Column]) -> None:
        self._names = checked.names
        self._variables = variables

    def value(self, node: Node) -> Column:
        value: Column
        match node:
            case Literal():
                value = np.float64(node.value) if type(node.value) is float else node.value
            case Name():
                value = self._variable(node)
            case Unary():
                operand = self.value(node.operand)
                value = np.negative(operand) if node.operator == "-" else np.logical_not(operand)
            case Binary():
                value = _BINARY[node.operator](self.value(node.left), self.value(node.right))
            case Membership():
                operand = self.value(node.operand)
                matches = [_equal(operand, literal.value) for literal in node.values]
                value = reduce(np.logical_or, matches, np.False_)
            case Conditional():
                condition = self.value(node.condition)
                value = _choose(condition, self.value(node.yes), self.value(node.no))
            case Call():
                arguments = [self.value(argument) for argument in node.arguments]
                value = FUNCTIONS[node.function].apply(*arguments)
            case _:
                raise AssertionError(node)
        return value

    def _variable(self, node: Name) -> Column:
        key, of_context = self._names[node.position]
        column = self._variables[key]
        return column[0] if of_context and np.ndim(column) else column


def _choose(condition: Column, yes: Column, no: Column) -> Column:
    if isinstance(yes, str) or isinstance(no, str):
        # np.where would make fixed-width strings of them, and cut or pad.
        yes, no = np.asarray(yes, object), np.asarray(no, object)
    return np.where(condition, yes, no)
