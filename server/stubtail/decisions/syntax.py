"""What an expression is after parsing: a tree of a few kinds of nodes, all immutable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that has a value. `position` is its first or its operator's character, from 1."""

    position: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number (float), a text or a truth value."""

    value: float | str | bool


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable; `space` is what stands before its point, or nothing."""

    space: str
    name: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x` or `!x`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`x + y` and all other operators with two sides but `in`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Membership(Node):
    """`x in [..]`; the values are literals."""

    operand: Node
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`condition ? yes : no`."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, its tree and how many nodes that has."""

    text: str
    root: Node
    nodes: int
