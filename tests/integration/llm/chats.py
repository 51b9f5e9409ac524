"""Chats as tests make them, and what came of them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from stubtail.v1 import llm_pb2
from tests.integration.calls import TIMEOUT_S, Refusal, call, refusal

SERVICE = "/stubtail.v1.LlmService/"
USERS = (f"user-{number}" for number in itertools.count())


@dataclass(frozen=True)
class Told:
    """Everything that a stream told."""

    start: llm_pb2.ChatStart | None
    deltas: list[llm_pb2.ChatDelta]
    end: llm_pb2.ChatEnd | None
    error: Refusal | None

    @property
    def text(self) -> str:
        """The text as far as it came."""
        return "".join(delta.text for delta in self.deltas)


def request(model: str, user: str = "", **routing: Any) -> llm_pb2.ChatRequest:
    """A chat of one message; `user` is what the upstream knows it by."""
    return llm_pb2.ChatRequest(
        model=model,
        messages=[llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text="SECRET-PROMPT")],
        end_user=user or next(USERS),
        routing=llm_pb2.Routing(**routing),
    )


def chat(channel: grpc.Channel, made: llm_pb2.ChatRequest, **options: Any) -> llm_pb2.ChatResponse:
    """The answer of Chat; raises grpc.RpcError."""
    return llm_pb2.ChatResponse.FromString(call(channel, SERVICE + "Chat", made, **options))


def begin(channel: grpc.Channel, made: llm_pb2.ChatRequest, **options: Any) -> Any:
    """A stream on its way: an iterator of messages that can be cancelled."""
    untyped: Any = channel
    options.setdefault("timeout", TIMEOUT_S)
    method = untyped.unary_stream(
        SERVICE + "ChatStream", response_deserializer=llm_pb2.ChatStreamResponse.FromString
    )
    return method(made.SerializeToString(), **options)


def stream(
    channel: grpc.Channel,
    made: llm_pb2.ChatRequest,
    heard: Callable[[str], object] = bool,
    **options: Any,
) -> Told:
    """What a stream tells, to its end. Checks that its events come in their order.

    Args:
        channel: to the server.
        made: the request.
        heard: told of the text of each piece when it has come.
        options: of the call.
    """
    messages: list[llm_pb2.ChatStreamResponse] = []
    error: Refusal | None = None
    try:
        for message in begin(channel, made, **options):
            messages.append(message)  # those before an error are kept
            heard(message.delta.text)
    except grpc.RpcError as failed:
        error = refusal(failed)
    assert [message.seq for message in messages] == list(range(len(messages)))
    kinds = [message.WhichOneof("event") for message in messages]
    ended = kinds[-1:] == ["end"]
    assert ended or error is not None, "a stream without an End ended with OK"
    if kinds:
        assert kinds == ["start", *["delta"] * (len(kinds) - 1 - ended), *["end"] * ended], kinds
    return Told(
        start=messages[0].start if messages else None,
        deltas=[one.delta for one in messages if one.WhichOneof("event") == "delta"],
        end=messages[-1].end if ended else None,
        error=error,
    )


def health(channel: grpc.Channel, name: str) -> llm_pb2.UpstreamHealth:
    """How one upstream, provider/model, is doing."""
    made = llm_pb2.GetProviderHealthRequest(provider=name.partition("/")[0])
    payload = call(channel, SERVICE + "GetProviderHealth", made)
    upstreams = llm_pb2.GetProviderHealthResponse.FromString(payload).upstreams
    return next(one for one in upstreams if f"{one.provider}/{one.model}" == name)
