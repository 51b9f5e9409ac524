"""The protocols that providers speak, by the name in their settings; pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from stubtail.config import Secret
from stubtail.llm import anthropic_reply, anthropic_request, openai_reply, openai_request
from stubtail.llm.pieces import Piece
from stubtail.llm.sse import ServerEvent
from stubtail.v1 import llm_pb2

ANTHROPIC_VERSION: Final = "2023-06-01"
JSON: Final = {"Content-Type": "application/json"}


class Sent(Protocol):
    """What a dialect needs to know of the provider that it speaks to."""

    stream_usage: bool
    max_tokens: int


class Dialect(Protocol):
    """One protocol."""

    @property
    def name(self) -> str:
        """As settings call it."""

    @property
    def chat_path(self) -> str:
        """Of the method for chats, after the address of the provider."""

    @property
    def embed_path(self) -> str:
        """Of the method for vectors; empty where there is none."""

    @property
    def finish_reasons(self) -> Mapping[str, llm_pb2.FinishReason]:
        """What its words for the reason of an end mean, in lower case."""

    def headers(self, key: Secret) -> dict[str, str]:
        """The headers of a request."""

    def lacks(self, request: llm_pb2.ChatRequest) -> str:
        """The field of the request that it has no words for; empty where there is none."""

    def common(self, request: llm_pb2.ChatRequest) -> Any:
        """What is the same for all upstreams that speak it."""

    def encode(self, common: Any, sent: Sent, model: str, *, stream: bool) -> bytes:
        """The body for one upstream."""

    def decoder(self) -> Callable[[ServerEvent], Piece]:
        """Reads the events of one stream in their order; raises AttemptFailedError."""

    def read_whole(self, body: bytes) -> Piece:
        """Reads a whole reply; raises AttemptFailedError."""


class OpenAi:
    """OpenAI's chat completions, which most providers speak."""

    name = "openai"
    chat_path = "/chat/completions"
    embed_path = "/embeddings"
    finish_reasons = openai_reply.FINISH_REASONS

    def headers(self, key: Secret) -> dict[str, str]:
        """The headers of a request."""
        return {**JSON, "Authorization": f"Bearer {key.reveal()}"} if key else JSON

    def lacks(self, request: llm_pb2.ChatRequest) -> str:
        """The field of the request that it has no words for; empty where there is none."""
        return openai_request.lacks(request)

    def common(self, request: llm_pb2.ChatRequest) -> Any:
        """What is the same for all upstreams that speak it."""
        return openai_request.common_body(request)

    def encode(self, common: Any, sent: Sent, model: str, *, stream: bool) -> bytes:
        """The body for one upstream."""
        usage = sent.stream_usage
        return openai_request.encode(common, model, stream=stream, stream_usage=usage)

    def decoder(self) -> Callable[[ServerEvent], Piece]:
        """Reads the events of one stream in their order; raises AttemptFailedError."""
        return openai_reply.Decoder().event

    def read_whole(self, body: bytes) -> Piece:
        """Reads a whole reply; raises AttemptFailedError."""
        return openai_reply.read_whole(body)


class Anthropic:
    """Anthropic's Messages API."""

    name = "anthropic"
    chat_path = "/messages"
    embed_path = ""  # it has none
    finish_reasons = anthropic_reply.FINISH_REASONS

    def headers(self, key: Secret) -> dict[str, str]:
        """The headers of a request."""
        made = {**JSON, "anthropic-version": ANTHROPIC_VERSION}
        return {**made, "x-api-key": key.reveal()} if key else made

    def lacks(self, request: llm_pb2.ChatRequest) -> str:
        """The field of the request that it has no words for; empty where there is none."""
        return anthropic_request.lacks(request)

    def common(self, request: llm_pb2.ChatRequest) -> Any:
        """What is the same for all upstreams that speak it."""
        return anthropic_request.common_body(request)

    def encode(self, common: Any, sent: Sent, model: str, *, stream: bool) -> bytes:
        """The body for one upstream."""
        return anthropic_request.encode(common, model, sent.max_tokens, stream=stream)

    def decoder(self) -> Callable[[ServerEvent], Piece]:
        """Reads the events of one stream in their order; raises AttemptFailedError."""
        return anthropic_reply.Decoder().event

    def read_whole(self, body: bytes) -> Piece:
        """Reads a whole reply; raises AttemptFailedError."""
        return anthropic_reply.read_whole(body)


DIALECTS: Final[Mapping[str, Dialect]] = {"openai": OpenAi(), "anthropic": Anthropic()}
