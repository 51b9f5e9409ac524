"""What providers say, whatever their protocol: pieces of an answer and counts of tokens; pure."""

import re
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any, Final, NamedTuple

from stubtail.llm.failures import MALFORMED, UPSTREAM_ERROR, AttemptFailedError
from stubtail.v1 import llm_pb2

NAME_CHARACTERS_MAX: Final = 256
FINISH_CHARACTERS_MAX: Final = 64
COUNT_MAX: Final = 2**31  # tokens; the dearest price of as many fits into 64 bits
TOOL_INDEX_MAX: Final = 2**16
# What providers give as the reason of an end where they have failed, or have not ended: among them
# OpenRouter, vLLM, DeepSeek, Zhipu and Gemini. Anthropic's pause_turn wants to be asked to go on.
_FAILED: Final = re.compile(
    r"error|fail|abort|cancel|timeout|incomplete|malformed|insufficient_system_resource|pause_turn",
    re.IGNORECASE,
)
_SPACE: Final = " \t\n\r"
_decoder: Any = JSONDecoder()
_scan = _decoder.scan_once  # what `json.loads` comes to in the end, and no stub knows


class Counts(NamedTuple):
    """Tokens as the provider counted them; cached and written ones are part of the input."""

    input: int
    output: int
    cached_input: int
    reasoning_output: int
    cache_write_input: int = 0


@dataclass(slots=True)
class Piece:
    """What one event, or a whole reply, says.

    Attributes:
        text: content that is nothing but text; most pieces have only this.
        delta: content that is more than that, its text included; None where there is none.
        finish: the reason of the end, once the provider has given it.
        counts: the tokens until now.
        model, upstream_id: how the provider calls them.
        done: nothing more can come.
    """

    text: str = ""
    delta: llm_pb2.ChatDelta | None = None
    finish: str = ""
    counts: Counts | None = None
    model: str = ""
    upstream_id: str = ""
    done: bool = False

    @property
    def has_content(self) -> bool:
        """Whether it brings anything of the answer."""
        return bool(self.text) or self.delta is not None


def load(data: bytes) -> Any:
    """The JSON value in `data`; raises ValueError. The decoder of `json` without its detours."""
    text = data.decode().strip(_SPACE)
    try:
        value, end = _scan(text, 0)
    except (StopIteration, RecursionError) as error:
        raise ValueError("no JSON") from error
    if end != len(text):
        raise ValueError("more than one value")
    return value


def object_of(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`; raises AttemptFailedError where there is none."""
    try:
        document = load(data)
    except ValueError as error:
        raise AttemptFailedError(MALFORMED, 200) from error
    if not isinstance(document, dict):
        raise AttemptFailedError(MALFORMED, 200)
    return document


def count_of(value: Any, most: int = COUNT_MAX) -> int:
    """A count; raises ValueError for what is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError("a count is a whole number")
    return value


def name_of(value: Any) -> str:
    """A name that a provider gave, cut; empty for what is no text.

    JSON can hold one half of a surrogate pair, which UTF-8 cannot: it becomes a question mark.
    """
    if not isinstance(value, str):
        return ""
    name = value[:NAME_CHARACTERS_MAX]
    return name if name.isascii() else name.encode("utf-8", "replace").decode()


def reason_of(value: Any) -> str:
    """The reason of an end, cut.

    Raises:
        TypeError: it is no text.
        ValueError: it is no text that UTF-8 can hold.
        AttemptFailedError: it says that the answer is incomplete.
    """
    if not value:
        return ""
    if not isinstance(value, str):
        raise TypeError("a reason is text")
    if _FAILED.search(value):
        raise AttemptFailedError(UPSTREAM_ERROR, 200)
    reason = value[:FINISH_CHARACTERS_MAX]
    reason.encode()
    return reason
