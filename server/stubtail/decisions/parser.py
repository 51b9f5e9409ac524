"""A Pratt parser: tokens to a tree, bounded in depth and nodes.

The precedence is CEL's: `?:`, `||`, `&&`, relations, `+ -`, `* /`, `! -`, calls. The method is
Vaughan Pratt's, "Top Down Operator Precedence", POPL 1973.
"""

from functools import lru_cache
from typing import Final

from stubtail.decisions.functions import FUNCTIONS
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
from stubtail.decisions.tokens import ExpressionError, Token, tokenise

NODES_MAX: Final = 200  # each is a pass over a column
DEPTH_MAX: Final = 32  # parentheses, calls, signs and right-hand sides inside each other
EXPRESSIONS_KEPT: Final = 256  # parsed; the largest takes 60 kB
_CONDITIONAL, _RELATION, _UNARY = 1, 4, 7
_BINDING: Final = {
    "?": _CONDITIONAL,
    "||": 2,
    "&&": 3,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), _RELATION),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/"), 6),
}


@lru_cache(maxsize=EXPRESSIONS_KEPT)
def parse(text: str) -> Expression:
    """The tree of an expression; the last ones are kept, so that a repeated text costs a look-up.

    Raises:
        ExpressionError: it is no expression, or too long, deep or large.
    """
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenise(text)
        self._next = 0
        self._nodes = 0
        self._depth = 0

    def whole(self) -> Expression:
        root = self._expression(0)
        if self._ahead.kind != "end":
            raise _unexpected(self._ahead, "an operator or the end")
        return Expression(self._text, root, self._nodes)

    @property
    def _ahead(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _is_ahead(self, operator: str) -> bool:
        return self._ahead.kind == "operator" and self._ahead.text == operator

    def _demand(self, operator: str) -> Token:
        if not self._is_ahead(operator):
            raise _unexpected(self._ahead, f"{operator!r}")
        return self._take()

    def _count(self, position: int) -> int:
        """Counts a node that is about to be made and returns its position."""
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise ExpressionError(position, f"must have at most {NODES_MAX} operations and values")
        return position

    def _expression(self, binding: int) -> Node:
        """Everything that binds tighter than `binding`."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionError(self._ahead.position, f"is nested deeper than {DEPTH_MAX} levels")
        left = self._prefix()
        while (tightness := self._tightness()) > binding:
            left = self._infix(left, tightness)
        self._depth -= 1
        return left

    def _tightness(self) -> int:
        """How tightly the operator ahead binds; 0 for what is none."""
        token = self._ahead
        if token.kind == "operator" or (token.kind == "name" and token.text == "in"):
            return _BINDING.get(token.text, 0)
        return 0

    def _infix(self, left: Node, tightness: int) -> Node:
        operator = self._take()
        position = self._count(operator.position)
        if operator.text == "?":
            yes = self._expression(_CONDITIONAL)
            self._demand(":")
            # Not tighter than itself: `a ? b : c ? d : e` is `a ? b : (c ? d : e)`.
            return Conditional(position, left, yes, self._expression(0))
        if operator.text == "in":
            return Membership(position, left, self._literals())
        return Binary(position, operator.text, left, self._expression(tightness))

    def _prefix(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return Literal(self._count(token.position), float(token.text))
        if token.kind == "text":
            return Literal(self._count(token.position), token.text)
        if token.kind in ("name", "quoted"):
            return self._named(token)
        if token.text in ("-", "!"):
            position = self._count(token.position)
            return Unary(position, token.text, self._expression(_UNARY))
        if token.text == "(":
            inner = self._expression(0)
            self._demand(")")
            return inner
        raise _unexpected(token, "a value")

    def _named(self, token: Token) -> Node:
        position = self._count(token.position)
        if token.kind == "name":
            if token.text in ("true", "false"):
                return Literal(position, token.text == "true")
            if token.text == "in":
                raise _unexpected(token, "a value")
            if self._is_ahead("("):
                return Call(position, _function(token), self._arguments())
            if self._is_ahead("."):
                self._take()
                member = self._take()
                if member.kind not in ("name", "quoted"):
                    raise _unexpected(member, "a name")
                return Name(position, token.text, member.text)
        return Name(position, "", token.text)

    def _arguments(self) -> tuple[Node, ...]:
        self._demand("(")
        found: list[Node] = []
        while not self._is_ahead(")"):
            if found:
                self._demand(",")
            found.append(self._expression(0))
        self._take()
        return tuple(found)

    def _literals(self) -> tuple[Literal, ...]:
        """The list behind `in`."""
        self._demand("[")
        found: list[Literal] = []
        while not self._is_ahead("]"):
            if found:
                self._demand(",")
            value = self._prefix()
            if isinstance(value, Unary) and value.operator == "-":
                inner = value.operand
                if isinstance(inner, Literal) and type(inner.value) is float:
                    value = Literal(value.position, -inner.value)
            if not isinstance(value, Literal):
                raise ExpressionError(value.position, "a list has numbers or strings only")
            found.append(value)
        self._take()
        return tuple(found)


def _function(token: Token) -> str:
    if token.text not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        raise ExpressionError(
            token.position, f"there is no function {token.text}; there are {known}"
        )
    return token.text


def _unexpected(token: Token, expected: str) -> ExpressionError:
    found = f"{token.text[:32]!r}" if token.kind != "end" else "the end"
    return ExpressionError(token.position, f"expected {expected}, got {found}")
