"""Replies of Anthropic's Messages API, whole or as events, as pieces of an answer; pure.

A stream is `message_start`, for each block of content `content_block_start`, deltas and
`content_block_stop`, then `message_delta` with the reason of the end, and `message_stop`. Pings may
come anywhere, an `error` too, and events of kinds that nobody knows yet are passed over, as its
versioning asks. Counts are added up by the provider: the last ones are the whole.
"""

import json
from typing import Any, Final

from stubtail.llm.failures import MALFORMED, AttemptFailedError, of_error
from stubtail.llm.pieces import (
    TOOL_INDEX_MAX,
    Counts,
    Piece,
    count_of,
    name_of,
    object_of,
    reason_of,
)
from stubtail.llm.sse import ServerEvent
from stubtail.v1 import llm_pb2

FINISH_REASONS: Final = {
    "end_turn": llm_pb2.FINISH_REASON_STOP,
    "stop_sequence": llm_pb2.FINISH_REASON_STOP,
    "max_tokens": llm_pb2.FINISH_REASON_LENGTH,
    "model_context_window_exceeded": llm_pb2.FINISH_REASON_LENGTH,
    "tool_use": llm_pb2.FINISH_REASON_TOOL_CALLS,
    "refusal": llm_pb2.FINISH_REASON_CONTENT_FILTER,
}
# The last: what could just be read is written at another depth.
_WRONG = (TypeError, ValueError, AttributeError, KeyError, RecursionError)
_NUMBERS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)


class Decoder:
    """Reads the events of one stream in their order."""

    def __init__(self) -> None:
        self._tools: dict[int, int] = {}  # the number of a block: which tool call of the answer
        self._usage: dict[str, int] = {}

    def event(self, event: ServerEvent) -> Piece:
        """One event of a stream.

        Raises:
            AttemptFailedError: it tells of an error, or is no event.
        """
        document = object_of(event.data)
        kind = document.get("type")
        if kind == "error" or event.kind == b"error":
            raise of_error(document.get("error"), 200)
        try:
            if kind == "content_block_delta":
                return self._delta(document)
            if kind == "content_block_start":
                return self._block(document["index"], document["content_block"])
            if kind == "message_start":
                return self._start(document["message"])
            if kind == "message_delta":
                self._count(document.get("usage"))
                finish = reason_of(document["delta"].get("stop_reason"))
                return Piece(finish=finish, counts=_counts(self._usage))
        except _WRONG as error:
            raise AttemptFailedError(MALFORMED, 200) from error
        return Piece(done=kind == "message_stop")

    def _start(self, message: dict[str, Any]) -> Piece:
        self._count(message.get("usage"))
        return Piece(
            counts=_counts(self._usage),
            model=name_of(message.get("model")),
            upstream_id=name_of(message.get("id")),
        )

    def _count(self, usage: Any) -> None:
        self._usage.update({n: count_of(usage[n]) for n in _NUMBERS if usage and usage.get(n)})

    def _delta(self, document: dict[str, Any]) -> Piece:
        delta = document["delta"]
        kind = delta["type"]
        if kind == "text_delta":
            return _text(delta["text"])
        if kind == "thinking_delta":
            return _said(llm_pb2.ChatDelta(reasoning=delta["thinking"]))
        if kind == "signature_delta":
            return _said(llm_pb2.ChatDelta(reasoning_signature=delta["signature"]))
        if kind == "input_json_delta":
            index = self._tools[document["index"]]
            made = llm_pb2.ChatDelta()
            made.tool_calls.add(index=index, arguments_fragment=delta["partial_json"])
            return _said(made) if delta["partial_json"] else Piece()
        return Piece()

    def _block(self, number: Any, block: dict[str, Any]) -> Piece:
        kind = block["type"]
        if kind == "text":
            return _text(block["text"])
        if kind == "redacted_thinking":
            return _said(llm_pb2.ChatDelta(reasoning_signature=block["data"]))
        if kind != "tool_use":
            return Piece()
        index = self._tools[count_of(number, TOOL_INDEX_MAX)] = len(self._tools)
        made = llm_pb2.ChatDelta()
        made.tool_calls.add(index=index, id=block["id"], name=block["name"])
        return _said(made)


def read_whole(body: bytes) -> Piece:
    """A whole reply, which must have a reason of its end.

    Raises:
        AttemptFailedError: it tells of an error, or is no complete answer.
    """
    document = object_of(body)
    if document.get("type") == "error" or document.get("error"):
        raise of_error(document.get("error"), 200)
    decoder = Decoder()
    delta = llm_pb2.ChatDelta()
    try:
        piece = decoder._start(document)  # noqa: SLF001 - its own module
        piece.finish = reason_of(document.get("stop_reason"))
        for block in document["content"]:
            _take(block, delta)
    except _WRONG as error:
        raise AttemptFailedError(MALFORMED, 200) from error
    if not piece.finish:
        raise AttemptFailedError(MALFORMED, 200)
    piece.delta = delta if delta.ByteSize() else None
    return piece


def _take(block: dict[str, Any], delta: llm_pb2.ChatDelta) -> None:
    """Adds a block of a whole reply."""
    kind = block["type"]
    if kind == "text":
        delta.text += block["text"]
    elif kind == "thinking":
        delta.reasoning += block["thinking"]
        delta.reasoning_signature = block["signature"]
    elif kind == "redacted_thinking":
        delta.reasoning_signature = block["data"]
    elif kind == "tool_use":
        compact = (",", ":")
        arguments = json.dumps(block["input"], ensure_ascii=False, separators=compact)
        delta.tool_calls.add(
            index=len(delta.tool_calls),
            id=block["id"],
            name=block["name"],
            arguments_fragment=arguments,
        )


def _text(text: Any) -> Piece:
    if type(text) is not str:
        raise TypeError("a text is one")
    text.encode()  # half of a surrogate pair is no text
    return Piece(text)


def _said(delta: llm_pb2.ChatDelta) -> Piece:
    return Piece(delta=delta if delta.ByteSize() else None)


def _counts(usage: dict[str, int]) -> Counts | None:
    """The counts; the input is without cached tokens there, and with them here."""
    if not usage:
        return None
    read = usage.get("cache_read_input_tokens", 0)
    written = usage.get("cache_creation_input_tokens", 0)
    return Counts(
        input=usage.get("input_tokens", 0) + read + written,
        output=usage.get("output_tokens", 0),
        cached_input=read,
        reasoning_output=0,
        cache_write_input=written,
    )
