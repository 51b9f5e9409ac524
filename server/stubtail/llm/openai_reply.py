"""OpenAI's chat completions, whole or in chunks, as pieces of an answer; pure.

Providers differ in small things: no role chunk, usage with `choices: null`, reasoning under two
names, an error where an answer should be. Whatever is not understood is a failure, never silence.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from stubtail.llm.failures import MALFORMED, UPSTREAM_ERROR, AttemptFailedError, of_error
from stubtail.llm.sse import ServerEvent
from stubtail.v1 import llm_pb2

FINISH_REASONS: Final = {
    "stop": llm_pb2.FINISH_REASON_STOP,
    "eos": llm_pb2.FINISH_REASON_STOP,
    "length": llm_pb2.FINISH_REASON_LENGTH,
    "tool_calls": llm_pb2.FINISH_REASON_TOOL_CALLS,
    "function_call": llm_pb2.FINISH_REASON_TOOL_CALLS,
    "content_filter": llm_pb2.FINISH_REASON_CONTENT_FILTER,
}
# Words of providers that give a failure as the reason of an end: OpenRouter, vLLM, DeepSeek, Zhipu.
FAILURE_REASONS: Final = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "timeout", "network_error"}
    | {"insufficient_system_resource"}
)
FINISH_CHARACTERS_MAX: Final = 64
NAME_CHARACTERS_MAX: Final = 256
COUNT_MAX: Final = 2**53  # what JSON numbers hold exactly
TOOL_INDEX_MAX: Final = 2**16


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens as the provider counted them."""

    input: int
    output: int
    cached_input: int
    reasoning_output: int


@dataclass(slots=True)
class Piece:
    """What one chunk, or a whole reply, says. `delta` is None where it brings no content."""

    delta: llm_pb2.ChatDelta | None = None
    finish: str = ""
    counts: Counts | None = None
    model: str = ""
    upstream_id: str = ""
    done: bool = False


def read_event(event: ServerEvent) -> Piece:
    """One event of a stream.

    Raises:
        AttemptFailedError: it tells of an error, or is no chunk.
    """
    if event.data == b"[DONE]":
        return Piece(done=True)
    document = document_of(event.data)
    if event.kind == b"error":
        raise of_error(document, 200)
    return _read(document, "delta")


def read_whole(body: bytes) -> Piece:
    """A whole reply, which must have a reason of its end.

    Raises:
        AttemptFailedError: it tells of an error, or is no complete answer.
    """
    piece = _read(document_of(body), "message")
    if not piece.finish:
        raise AttemptFailedError(MALFORMED, 200)
    return piece


def error_of(body: bytes) -> object:
    """The error object in the body of a reply that is not 200; None where there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, list) and document:  # Google sends a list of one
        document = document[0]
    return document.get("error", document) if isinstance(document, dict) else None


def _object(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise AttemptFailedError(MALFORMED, 200)
    return document


def document_of(data: bytes) -> dict[str, Any]:
    """The JSON object in a reply.

    Raises:
        AttemptFailedError: it tells of an error, or is no object.
    """
    document = _object(data)
    if document.get("error"):
        raise of_error(document["error"], 200)
    return document


def _read(document: dict[str, Any], part: str) -> Piece:
    piece = Piece(model=name_of(document.get("model")), upstream_id=name_of(document.get("id")))
    try:
        if usage := document.get("usage"):
            piece.counts = counts_of(usage)
        choices = document.get("choices") or ()
        for choice in choices:
            _check_choice(choice)
            message = choice.get(part) or {}
            piece.delta = _delta(message, choice.get("logprobs"))
            piece.finish = _finish(choice.get("finish_reason"))
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise AttemptFailedError(MALFORMED, 200) from error
    return piece


def _check_choice(choice: dict[str, Any]) -> None:
    if choice.get("index", 0) != 0:
        raise ValueError("one answer was asked for")
    if choice.get("error"):
        raise of_error(choice["error"], 200)


def _delta(message: dict[str, Any], logprobs: Any) -> llm_pb2.ChatDelta | None:
    text = message.get("content") or message.get("refusal")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    calls = message.get("tool_calls")
    tokens = logprobs.get("content") if logprobs else None
    if not (text or reasoning or calls or tokens):
        return None
    # Checks of type are protobuf's: a text that is none raises TypeError.
    delta = llm_pb2.ChatDelta(text=text or None, reasoning=reasoning or None)
    for position, call in enumerate(calls or ()):
        index = call.get("index")
        function = call.get("function") or {}
        delta.tool_calls.add(
            index=position if index is None else _count(index, TOOL_INDEX_MAX),
            id=call.get("id") or None,
            name=function.get("name") or None,
            arguments_fragment=function.get("arguments") or None,
        )
    for token in tokens or ():
        delta.logprobs.add(
            token=token["token"],
            logprob=token["logprob"],
            top=[
                llm_pb2.TopLogprob(token=top["token"], logprob=top["logprob"])
                for top in token.get("top_logprobs") or ()
            ],
        )
    return delta


def _finish(reason: Any) -> str:
    if not reason:
        return ""
    if not isinstance(reason, str):
        raise TypeError("a reason is text")
    if reason.lower() in FAILURE_REASONS:
        raise AttemptFailedError(UPSTREAM_ERROR, 200)
    return reason[:FINISH_CHARACTERS_MAX]


def counts_of(usage: dict[str, Any]) -> Counts:
    """The tokens in an object `usage`; raises TypeError, ValueError or AttributeError."""
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Counts(
        input=_count(usage.get("prompt_tokens") or 0),
        output=_count(usage.get("completion_tokens") or 0),
        cached_input=_count(prompt.get("cached_tokens") or 0),
        reasoning_output=_count(completion.get("reasoning_tokens") or 0),
    )


def _count(value: Any, most: int = COUNT_MAX) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError("a count is a whole number")
    return value


def name_of(value: Any) -> str:
    """A name that a provider gave, cut; empty for what is no text."""
    return value[:NAME_CHARACTERS_MAX] if isinstance(value, str) else ""
