"""LlmService: Chat, ChatStream, Embed, ListModels and GetProviderHealth."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from stubtail.endpoints.llm_request import check_chat, check_embed
from stubtail.endpoints.method import ServerStream, Unary, parse
from stubtail.llm.call import Event
from stubtail.llm.proxy import Proxy
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2

NAME = "stubtail.v1.LlmService"
SERVICE = f"/{NAME}/"


class LlmEndpoint:
    """Chats by a proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def methods(self) -> list[Unary | ServerStream]:
        """All methods of the service."""
        return [
            Unary(SERVICE + "Chat", self.chat),
            ServerStream(SERVICE + "ChatStream", self.stream),
            Unary(SERVICE + "Embed", self.embed),
            Unary(SERVICE + "ListModels", self.list_models),
            Unary(SERVICE + "GetProviderHealth", self.health),
        ]

    async def chat(self, payload: bytes) -> bytes:
        """A whole answer; raises CallError."""
        return (await self._proxy.chat(_checked(payload))).SerializeToString()

    async def stream(self, payload: bytes) -> AsyncGenerator[bytes, None]:
        """An answer as it is written; raises CallError, after the End where it is incomplete."""
        seq = 0
        async with aclosing(self._proxy.stream(_checked(payload))) as events:
            async for event in events:
                yield _message(seq, event).SerializeToString()
                seq += 1

    async def embed(self, payload: bytes) -> bytes:
        """The vectors of texts; raises CallError."""
        request = parse(llm_pb2.EmbedRequest, payload)
        check_embed(request)
        return (await self._proxy.embed(request)).SerializeToString()

    async def list_models(self, payload: bytes) -> bytes:
        """What can be asked."""
        parse(llm_pb2.LlmServiceListModelsRequest, payload)
        aliases = [
            llm_pb2.LlmAlias(name=name, targets=one.targets, fallback=one.fallback)
            for name, one in self._proxy.aliases.items()
        ]
        return llm_pb2.LlmServiceListModelsResponse(
            models=[_model(one) for one in self._proxy.upstreams], aliases=aliases
        ).SerializeToString()

    async def health(self, payload: bytes) -> bytes:
        """How the upstreams are doing; raises CallError for an unknown provider."""
        request = parse(llm_pb2.GetProviderHealthRequest, payload)
        upstreams = self._proxy.health(request.provider)
        return llm_pb2.GetProviderHealthResponse(upstreams=upstreams).SerializeToString()


def _checked(payload: bytes) -> llm_pb2.ChatRequest:
    request: llm_pb2.ChatRequest = parse(llm_pb2.ChatRequest, payload)
    check_chat(request)
    return request


def _message(seq: int, event: Event) -> llm_pb2.ChatStreamResponse:
    if isinstance(event, llm_pb2.ChatDelta):
        return llm_pb2.ChatStreamResponse(seq=seq, delta=event)
    if isinstance(event, llm_pb2.ChatStart):
        return llm_pb2.ChatStreamResponse(seq=seq, start=event)
    return llm_pb2.ChatStreamResponse(seq=seq, end=event)


def _model(one: Upstream) -> llm_pb2.LlmModel:
    price = one.price
    made = llm_pb2.LlmModel(name=one.name, provider=one.provider, model=one.model)
    if price is not None:
        made.price.input_nano_usd = price.input
        made.price.output_nano_usd = price.output
        made.price.cached_input_nano_usd = price.cached_input
    return made
