"""One chat: arguments to a request, replies and events to an answer; no I/O."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from google.protobuf.message import DecodeError

from stubtail.v1 import llm_pb2
from stubtail_client.chat_answers import (
    UNKNOWN,
    Attempt,
    ChatAnswer,
    ChatPiece,
    ChatUsage,
    TokenLogprob,
    ToolCall,
    ToolCallPiece,
    word,
)
from stubtail_client.chat_messages import MessagesInput, messages_of, tool_choice_of, tool_of
from stubtail_client.errors import Internal, invalid_rows, malformed_reply
from stubtail_client.options import checked_model

CHAT_TIMEOUT_S = 60.0  # answers are written at reading pace
Strategy = Literal["priority", "weighted", "lowest_ttft", "least_busy", "lowest_cost"]
_STRATEGIES = {
    "priority": llm_pb2.ROUTING_STRATEGY_PRIORITY,
    "weighted": llm_pb2.ROUTING_STRATEGY_WEIGHTED,
    "lowest_ttft": llm_pb2.ROUTING_STRATEGY_LOWEST_TTFT,
    "least_busy": llm_pb2.ROUTING_STRATEGY_LEAST_BUSY,
    "lowest_cost": llm_pb2.ROUTING_STRATEGY_LOWEST_COST,
}
_SAMPLING = (
    *("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty"),
    *("reasoning_effort", "reasoning_tokens", "top_logprobs"),
)
_ROUTING = (
    *("only", "ignore", "order", "allow_fallback", "max_attempts"),
    *("hedge_after_ms", "allow_restart"),
)


class ChatOptions(TypedDict, total=False):
    """The arguments of `chat` by name; `Client.chat` describes them."""

    system: str
    images: Sequence[str | bytes]
    temperature: float
    top_p: float
    max_tokens: int
    seed: int
    frequency_penalty: float
    presence_penalty: float
    reasoning_effort: str
    reasoning_tokens: int
    top_logprobs: int
    stop: Sequence[str]
    tools: Sequence[Mapping[str, Any]]
    tool_choice: str
    parallel_tool_calls: bool
    json_schema: Mapping[str, Any]
    only: Sequence[str]
    ignore: Sequence[str]
    order: Sequence[str]
    strategy: Strategy
    allow_fallback: bool
    max_attempts: int
    hedge_after_ms: int
    allow_restart: bool
    cache: bool | float
    end_user: str


def encode_chat(model: str, messages: MessagesInput, options: ChatOptions) -> bytes:
    """A ChatRequest.

    Raises:
        InvalidArgument: an argument cannot be sent.
    """
    given: dict[str, Any] = dict(options)
    unknown = given.keys() - ChatOptions.__annotations__.keys()
    if unknown:
        raise invalid_rows(min(unknown), "is no option of a chat")
    try:
        request = llm_pb2.ChatRequest(
            model=checked_model(model),
            messages=messages_of(messages, given.get("system", ""), given.get("images", ())),
            sampling=llm_pb2.Sampling(
                **{name: given[name] for name in _SAMPLING if name in given},
                stop=given.get("stop", ()),
            ),
            tools=[tool_of(one) for one in given.get("tools", ())],
            parallel_tool_calls=given.get("parallel_tool_calls"),
            routing=routing_of(given),
            end_user=given.get("end_user", ""),
            cache=cache_control(given.get("cache")),
        )
        if "tool_choice" in given:
            request.tool_choice.CopyFrom(tool_choice_of(given["tool_choice"]))
        if "json_schema" in given:
            schema = request.response_format.json_schema
            schema.name, schema.schema_json = "answer", json.dumps(given["json_schema"])
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise invalid_rows("chat", f"an argument cannot be sent: {error}") from error
    return request.SerializeToString()


def routing_of(given: Mapping[str, Any]) -> llm_pb2.Routing:
    """The options about providers; raises KeyError for a strategy that is none."""
    routing = llm_pb2.Routing(**{name: given[name] for name in _ROUTING if name in given})
    if "strategy" in given:
        routing.strategy = _STRATEGIES[given["strategy"]]
    return routing


def cache_control(wanted: bool | float | None) -> llm_pb2.CacheControl | None:
    """Whether a kept answer will do, and how old it may be in seconds; raises ValueError."""
    if wanted is None or wanted is False:
        return None
    if wanted is True:
        return llm_pb2.CacheControl(use=True)
    return llm_pb2.CacheControl(use=True, max_age_ms=round(wanted * 1e3))


def decode_chat(payload: bytes) -> ChatAnswer:
    """The answer in a ChatResponse.

    Raises:
        Internal: it is none, or not a complete one.
    """
    try:
        reply = llm_pb2.ChatResponse.FromString(payload)
    except DecodeError as error:
        raise malformed_reply("LlmService.Chat") from error
    calls = [ToolCall(one.id, one.name, one.arguments_json) for one in reply.tool_calls]
    thoughts = (reply.reasoning, reply.reasoning_signature)
    answer = _answer(reply.text, thoughts, calls, reply.start, reply.end)
    answer.logprobs.extend(map(TokenLogprob.of, reply.logprobs))
    if not reply.HasField("end") or not _has_ended(answer):
        raise malformed_reply("LlmService.Chat")
    return answer


class Collected:
    """Puts the events of a stream together, and knows whether they are a whole answer."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._seals: list[str] = []
        self._calls: dict[int, list[ToolCallPiece]] = {}
        self._logprobs: list[TokenLogprob] = []
        self._start = llm_pb2.ChatStart()
        self._end: llm_pb2.ChatEnd | None = None
        self._seq = 0

    def add(self, payload: bytes) -> ChatPiece | None:
        """Takes a message; the piece in it, if it brings one.

        Raises:
            Internal: it is none, or not the one that must come next.
        """
        try:
            message = llm_pb2.ChatStreamResponse.FromString(payload)
        except DecodeError as error:
            raise malformed_reply("LlmService.ChatStream") from error
        kind = message.WhichOneof("event")
        if message.seq != self._seq or self._end is not None:
            raise malformed_reply("LlmService.ChatStream")
        self._seq += 1
        if kind == "start":
            self._start = message.start
        elif kind == "end":
            self._end = message.end
        elif kind == "restart":
            self._texts.clear()
            self._thoughts.clear()
            self._seals.clear()
            self._calls.clear()
            self._logprobs.clear()
            self._start = message.restart.start
            return ChatPiece(restart=True)
        elif kind == "delta":
            return self._piece(message.delta)
        return None

    def answer(self) -> ChatAnswer:
        """What has come so far; complete only if the End was."""
        calls = [
            ToolCall(
                "".join(one.id for one in pieces),
                "".join(one.name for one in pieces),
                "".join(one.arguments for one in pieces),
            )
            for _, pieces in sorted(self._calls.items())
        ]
        thoughts = ("".join(self._thoughts), "".join(self._seals))
        answer = _answer("".join(self._texts), thoughts, calls, self._start, self._end)
        answer.logprobs.extend(self._logprobs)
        return answer

    def finished(self) -> ChatAnswer:
        """The whole answer, after the stream has ended with OK.

        Raises:
            Internal: something between here and the server cut the answer; `partial` is set.
        """
        answer = self.answer()
        if not _has_ended(answer):
            error: Internal = malformed_reply("LlmService.ChatStream")
            error.partial = answer
            raise error
        return answer

    def _piece(self, delta: llm_pb2.ChatDelta) -> ChatPiece:
        calls = tuple(
            ToolCallPiece(one.index, one.id, one.name, one.arguments_fragment)
            for one in delta.tool_calls
        )
        self._logprobs.extend(map(TokenLogprob.of, delta.logprobs))
        self._texts.append(delta.text)
        self._thoughts.append(delta.reasoning)
        self._seals.append(delta.reasoning_signature)
        for call in calls:
            self._calls.setdefault(call.index, []).append(call)
        return ChatPiece(delta.text, delta.reasoning, calls)


def _has_ended(answer: ChatAnswer) -> bool:
    """Whether the provider gave a reason of the end; `complete` says whether a known one."""
    return answer.complete or answer.finish_reason == UNKNOWN


def _answer(
    text: str,
    thoughts: tuple[str, str],
    calls: list[ToolCall],
    start: llm_pb2.ChatStart,
    end: llm_pb2.ChatEnd | None,
) -> ChatAnswer:
    finish = "" if end is None else word(llm_pb2.FinishReason, end.finish_reason, "FINISH_REASON_")
    ended = end or llm_pb2.ChatEnd()
    if finish == UNKNOWN and not ended.raw_finish_reason:
        finish = ""  # an end without any reason
    return ChatAnswer(
        text=text,
        reasoning=thoughts[0],
        reasoning_signature=thoughts[1],
        tool_calls=calls,
        finish_reason=finish,
        provider=start.provider,
        model=start.model,
        usage=usage_of(ended.usage),
        attempts=[Attempt.of(one) for one in ended.attempts],
        first_token_s=ended.timing.first_token_us / 1e6,
        cached=ended.cache == llm_pb2.CACHE_STATUS_HIT,
    )


def usage_of(usage: llm_pb2.Usage) -> ChatUsage:
    """Tokens and cost."""
    source = word(llm_pb2.Usage.Source, usage.source, "SOURCE_")
    return ChatUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        reasoning_output_tokens=usage.reasoning_output_tokens,
        cost_nano_usd=usage.cost_nano_usd if usage.HasField("cost_nano_usd") else None,
        source="" if source == "unspecified" else source,
    )
