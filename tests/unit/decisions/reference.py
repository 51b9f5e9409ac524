"""A slow evaluator of expressions, one row at a time, written apart from the fast one.

Expressions are nested tuples: ("number", 1.5), ("text", "a"), ("name", "x"), (operator, ..).
"""

import math
from collections.abc import Mapping
from typing import Any

Tree = tuple[Any, ...]
Value = float | str | bool

TIGHTNESS = {
    "?": 1, "||": 2, "&&": 3, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "in": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7, "!": 7,
}  # fmt: skip
LEAF = 8


class AmbiguousError(Exception):
    """IEEE 754 leaves open which zero is the smaller one."""


def render(tree: Tree) -> str:  # noqa: PLR0911 - one return for each kind of node
    """The text of a tree, with no more parentheses than it needs."""
    kind, *parts = tree
    if kind == "number":
        return str(float(parts[0]))
    if kind == "text":
        escaped = str(parts[0]).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if kind == "truth":
        return "true" if parts[0] else "false"
    if kind == "name":
        return str(parts[0])
    if kind == "?":
        condition, yes, no = parts
        return f"{inside(condition, 2)} ? {inside(yes, 2)} : {inside(no, 1)}"
    if kind == "in":
        listed = ", ".join(render(value) for value in parts[1])
        return f"{inside(parts[0], 4)} in [{listed}]"
    if kind in ("neg", "!"):
        return ("-" if kind == "neg" else "!") + inside(parts[0], 7)
    if kind in TIGHTNESS:
        tightness = TIGHTNESS[kind]
        return f"{inside(parts[0], tightness)} {kind} {inside(parts[1], tightness + 1)}"
    return f"{kind}({', '.join(render(part) for part in parts)})"


def inside(tree: Tree, least: int) -> str:
    """A part of an expression, in parentheses where it binds less tightly."""
    text = render(tree)
    return text if TIGHTNESS.get(tree[0], LEAF) >= least else f"({text})"


def scalar(tree: Tree, row: Mapping[str, Value]) -> Value:
    """The value for one row."""
    kind, *parts = tree
    if kind in ("number", "text", "truth"):
        return parts[0]  # type: ignore[no-any-return]
    if kind == "name":
        return row[parts[0]]
    if kind == "?":
        return scalar(parts[1] if scalar(parts[0], row) else parts[2], row)
    if kind == "in":
        return scalar(parts[0], row) in [value[1] for value in parts[1]]
    found: Value = OPERATIONS[kind](*(scalar(part, row) for part in parts))
    return found


def divide(left: float, right: float) -> float:
    """IEEE 754 division."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, math.copysign(1, left) * math.copysign(1, right))


def multiply(left: float, right: float) -> float:
    """IEEE 754 multiplication, which Python's is."""
    return left * right


def smallest(*values: float) -> float:
    """NaN where any is."""
    if any(map(math.isnan, values)):
        return math.nan
    found = min(values)
    if found == 0 and len({math.copysign(1, value) for value in values if value == 0}) > 1:
        raise AmbiguousError
    return found


def largest(*values: float) -> float:
    """NaN where any is."""
    return -smallest(*(-value for value in values))


def whole(function: Any) -> Any:
    """A rounding function of `math` for all doubles, which keeps the sign of zero."""

    def rounded(value: float) -> float:
        return math.copysign(float(function(value)), value) if math.isfinite(value) else value

    return rounded


def half_away(value: float) -> float:
    """Rounds halves away from zero, exactly."""
    part, integer = math.modf(abs(value))
    return math.copysign(integer + (part >= 0.5), value)


OPERATIONS: dict[str, Any] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": multiply,
    "/": divide,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
    "neg": lambda value: -value,
    "!": lambda value: not value,
    "abs": abs,
    "sqrt": lambda value: math.sqrt(value) if not value < 0 else math.nan,
    "floor": whole(math.floor),
    "ceil": whole(math.ceil),
    "round": half_away,
    "min": smallest,
    "max": largest,
    "clip": lambda value, low, high: smallest(largest(value, low), high),
}
