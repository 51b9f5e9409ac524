"""Text of an expression to tokens with their positions."""

import math
import re
from dataclasses import dataclass
from typing import Final

TEXT_CHARACTERS_MAX: Final = 2_000  # far longer than anybody reads; bounds everything after it
# fmt: off
RESERVED: Final = frozenset((
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
    "namespace", "null", "package", "return", "var", "void", "while",
))
# fmt: on
_PATTERN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_]))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>`[^`\n]{1,256}`)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<operator>&&|\|\||==|!=|<=|>=|[-+*/<>!?:(),.\[\]])""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"} | {char: char for char in "\\\"'`?"}


class ExpressionError(ValueError):
    """An expression is wrong.

    Args:
        position: the character where, from 1; 0 for the expression as a whole.
        problem: what was expected there.
    """

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(f"at character {position}: {problem}" if position else problem)
        self.position = position
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression.

    Attributes:
        kind: "number", "text", "name", "quoted" (a name in backquotes), "operator" or "end".
        text: as written, without quotes; only texts have escapes, which are resolved.
        position: of its first character, from 1.
    """

    kind: str
    text: str
    position: int


def tokenise(text: str) -> list[Token]:
    """The tokens of an expression; the last has the kind "end".

    Raises:
        ExpressionError: the text is too long or has characters that begin no token.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        problem = f"must have at most {TEXT_CHARACTERS_MAX:,} characters, got {len(text):,}"
        raise ExpressionError(0, problem)
    tokens: list[Token] = []
    start = 0
    while start < len(text):
        match = _PATTERN.match(text, start)
        if match is None:
            raise _unknown(text, start)
        kind, word = str(match.lastgroup), match.group()
        if kind != "space":
            tokens.append(_token(kind, word, start + 1))
        start = match.end()
    tokens.append(Token("end", "", len(text) + 1))
    return tokens


def _token(kind: str, word: str, position: int) -> Token:
    if kind == "number" and not math.isfinite(float(word)):
        raise ExpressionError(position, f"{word[:32]} is too large for a number")
    if kind == "name" and word in RESERVED:
        raise ExpressionError(position, f"{word} is reserved; write feature.`{word}` for a feature")
    if kind == "quoted":
        return Token(kind, word[1:-1], position)
    if kind == "text":
        return Token(
            kind, _ESCAPE.sub(lambda match: _escaped(match, position), word[1:-1]), position
        )
    return Token(kind, word, position)


def _escaped(match: re.Match[str], position: int) -> str:
    code = match.group(1)
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code not in _ESCAPES:
        raise ExpressionError(
            position + 1 + match.start(), f"\\{code} is no escape; write \\\\ for a backslash"
        )
    return _ESCAPES[code]


def _unknown(text: str, start: int) -> ExpressionError:
    character = text[start]
    problem = f"{character!r} begins no number, name, string or operator"
    if character in "\"'`":
        problem = f"the {character} that opens here is not closed on its line"
    elif character in "=&|":
        problem = f"a single {character} is no operator; write {character * 2}"
    elif character == "%":
        problem = "there is no remainder of doubles; CEL has none either"
    elif character in "0123456789.":
        problem = "expected a number such as 1, 0.5 or 2e3"
    return ExpressionError(start + 1, problem)
