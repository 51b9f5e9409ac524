"""OpenAI's chat completions, whole or in chunks, as pieces of an answer; pure.

Providers differ in small things: no role chunk, usage with `choices: null`, reasoning under two
names, an error where an answer should be. Whatever is not understood is a failure, never silence.
"""

from typing import Any, Final

from stubtail.llm.failures import MALFORMED, AttemptFailedError, of_error
from stubtail.llm.mould import Mould
from stubtail.llm.pieces import (
    TOOL_INDEX_MAX,
    Counts,
    Piece,
    count_of,
    load,
    name_of,
    object_of,
    reason_of,
)
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
BESIDES: Final = ("finish_reason", "logprobs", "error")  # besides `delta`
OTHERS: Final = ("tool_calls", "refusal", "reasoning", "reasoning_content")  # besides `content`


class Decoder:
    """Reads the events of one stream."""

    __slots__ = ("_like", "_model", "_upstream_id")

    def __init__(self) -> None:
        self._like = Mould()
        self._model = self._upstream_id = ""

    def event(self, event: ServerEvent) -> Piece:
        """As `read_event`."""
        text = self._like.text_of(event.data)
        if text and not event.kind:
            return Piece(text, None, "", None, self._model, self._upstream_id)
        piece = read_event(event)
        if piece.text and self._like.learn(event.data, piece.text):
            self._model, self._upstream_id = piece.model, piece.upstream_id
        return piece


def read_event(event: ServerEvent) -> Piece:
    """One event of a stream.

    Raises:
        AttemptFailedError: it tells of an error, or is no chunk.
    """
    if event.data == b"[DONE]":
        return Piece(done=True)
    document = object_of(event.data)
    if not event.kind:
        text = _plain_text(document)
        if text:
            model, upstream_id = document.get("model"), document.get("id")
            return Piece(text, None, "", None, model or "", upstream_id or "")
    if document.get("error"):
        raise of_error(document["error"], 200)
    if event.kind == b"error":
        raise of_error(document, 200)
    return _read(document, "delta")


def _plain_text(document: dict[str, Any]) -> str:
    """The text of a chunk that has nothing else, as nearly all of a stream have; else empty.

    Names are the provider's own here, and may be anything: the ledger takes care of it.
    """
    try:
        (choice,) = document["choices"]
        delta = choice["delta"]
        text = delta["content"]
        if type(text) is not str or document.get("usage") or document.get("error"):
            return ""
        if choice.get("index") or any(map(choice.get, BESIDES)):
            return ""
        if len(delta) > 1 and any(map(delta.get, OTHERS)):
            return ""
        if not text.isascii():
            text.encode()  # JSON can hold one half of a surrogate pair, UTF-8 cannot
    except (TypeError, ValueError, KeyError, AttributeError):
        return ""
    return text


def read_whole(body: bytes) -> Piece:
    """A whole reply, which must have a reason of its end.

    Raises:
        AttemptFailedError: it tells of an error, or is no complete answer.
    """
    document = document_of(body)
    piece = _plain_answer(document) or _read(document, "message")
    if not piece.finish:
        raise AttemptFailedError(MALFORMED, 200)
    return piece


def _plain_answer(document: dict[str, Any]) -> Piece | None:
    """A whole answer that is a text and nothing else, as nearly all are; else None."""
    try:
        (choice,) = document["choices"]
        message, usage = choice["message"], document.get("usage")
        text = message["content"]
        if type(text) is not str or not text or any(map(message.get, OTHERS)):
            return None
        if choice.get("index") or choice.get("logprobs") or choice.get("error"):
            return None
        if not text.isascii():
            text.encode()  # as above
        counts = counts_of(usage) if usage else None
        finish = reason_of(choice.get("finish_reason"))
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    model, upstream_id = name_of(document.get("model")), name_of(document.get("id"))
    return Piece(text, None, finish, counts, model, upstream_id)


def error_of(body: bytes) -> object:
    """The error object in the body of a reply that is not 200; None where there is none."""
    try:
        document = load(body)
    except ValueError:
        return None
    if isinstance(document, list) and document:  # Google sends a list of one
        document = document[0]
    return document.get("error", document) if isinstance(document, dict) else None


def document_of(data: bytes) -> dict[str, Any]:
    """The JSON object in a reply.

    Raises:
        AttemptFailedError: it tells of an error, or is no object.
    """
    document = object_of(data)
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
            delta = _delta(message, choice.get("logprobs"))
            if delta is not None:
                piece.delta = delta
            piece.finish = reason_of(choice.get("finish_reason"))
    except (TypeError, ValueError, OverflowError, AttributeError, KeyError) as error:
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
            index=position if index is None else count_of(index, TOOL_INDEX_MAX),
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


def counts_of(usage: dict[str, Any]) -> Counts:
    """The tokens in an object `usage`; raises TypeError, ValueError or AttributeError."""
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Counts(
        input=count_of(usage.get("prompt_tokens") or 0),
        output=count_of(usage.get("completion_tokens") or 0),
        cached_input=count_of(prompt.get("cached_tokens") or 0),
        reasoning_output=count_of(completion.get("reasoning_tokens") or 0),
    )
