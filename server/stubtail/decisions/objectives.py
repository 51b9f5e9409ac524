"""The named objectives as expressions: revenue, profit, value at risk."""

from stubtail.decisions.syntax import Binary, Expression, Name, Node
from stubtail.decisions.types import Key


def revenue(price: Key, outcome: Key) -> Expression:
    """`price * outcome`."""
    return _expression(Binary(0, "*", _name(1, price), _name(2, outcome)))


def profit(price: Key, cost: Key, outcome: Key) -> Expression:
    """`(price - cost) * outcome`."""
    margin = Binary(0, "-", _name(1, price), _name(2, cost))
    return _expression(Binary(0, "*", margin, _name(3, outcome)))


def value_at_risk(value: Key, cost: Key | None, outcome: Key) -> Expression:
    """`value * outcome + cost`."""
    lost: Node = Binary(0, "*", _name(1, value), _name(2, outcome))
    return _expression(lost if cost is None else Binary(0, "+", lost, _name(3, cost)))


def single(key: Key) -> Expression:
    """One variable."""
    return _expression(_name(1, key))


def _name(position: int, key: Key) -> Name:
    """A name at a position of its own, which is what names are told apart by."""
    return Name(position, *key)


def _expression(root: Node) -> Expression:
    return Expression("", root, 5)
