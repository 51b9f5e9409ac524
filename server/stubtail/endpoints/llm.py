"""LlmService: Chat, ChatStream, Embed, ListModels and GetProviderHealth."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from stubtail.access.identity import UNGUARDED, Permit, current_permit
from stubtail.endpoints.llm_request import check_chat, check_embed
from stubtail.endpoints.method import ServerStream, Unary, parse
from stubtail.endpoints.protobuf import varint
from stubtail.llm.events import Event
from stubtail.llm.hooks import NOBODY, Caller
from stubtail.llm.proxy import Proxy
from stubtail.llm.upstreams import Upstream
from stubtail.models.keys import ALL
from stubtail.telemetry.propagation import TRACEPARENT
from stubtail.v1 import llm_pb2

NAME = "stubtail.v1.LlmService"
SERVICE = f"/{NAME}/"
OF_EVERYBODY: Final = ("in_flight", "attempts", "failures", "first_token_us")
SHORT_BYTES = 126  # of a text: its length, and that of the delta around it, have one byte each


class LlmEndpoint:
    """Chats by a proxy.

    Args:
        proxy: asks the providers.
        take_s: how long a caller may take none of its answer.
    """

    def __init__(self, proxy: Proxy, take_s: float) -> None:
        self._proxy = proxy
        self._take_s = take_s

    def methods(self) -> list[Unary | ServerStream]:
        """All methods of the service."""
        take_s = self._take_s
        return [
            Unary(SERVICE + "Chat", self.chat, direct=True, take_s=take_s),
            ServerStream(
                *(SERVICE + "ChatStream", self.stream),
                direct=True,
                take_s=take_s,
                pushed=self.stream,
            ),
            Unary(SERVICE + "Embed", self.embed, direct=True, take_s=take_s),
            Unary(SERVICE + "ListModels", self.list_models),
            Unary(SERVICE + "GetProviderHealth", self.health),
        ]

    async def chat(self, payload: bytes) -> bytes:
        """A whole answer; raises CallError."""
        request = _checked(payload)
        return (await self._proxy.chat(request, _caller(request.model))).SerializeToString()

    async def stream(
        self, payload: bytes, push: Callable[[bytes], bool] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """An answer as it is written; raises CallError, after the End where it is incomplete.

        Args:
            payload: the request.
            push: takes a message at once where it can, see `ServerStream`.
        """
        seq = 0

        def tell(text: str) -> bool:
            nonlocal seq
            assert push is not None
            if not push(_text(seq, text)):
                return False
            seq += 1
            return True

        request = _checked(payload)
        told = self._proxy.stream(request, _caller(request.model), push and tell)
        async with aclosing(told) as events:
            async for event in events:
                yield _text(seq, event) if type(event) is str else _message(seq, event)
                seq += 1

    async def embed(self, payload: bytes) -> bytes:
        """The vectors of texts; raises CallError."""
        request = parse(llm_pb2.EmbedRequest, payload)
        check_embed(request)
        return (await self._proxy.embed(request, _caller(request.model))).SerializeToString()

    async def list_models(self, payload: bytes) -> bytes:
        """What can be asked, as far as the caller's scope covers it."""
        parse(llm_pb2.LlmServiceListModelsRequest, payload)
        permit = current_permit()
        aliases = [
            llm_pb2.LlmAlias(
                name=name,
                targets=one.targets,
                fallback=one.fallback,
                context_fallback=one.context_fallback,
                content_fallback=one.content_fallback,
            )
            for name, one in self._proxy.aliases.items()
            if permit.allows(name)
        ]
        upstreams = [one for one in self._proxy.upstreams if _covers(permit, one)]
        return llm_pb2.LlmServiceListModelsResponse(
            models=[_model(one) for one in upstreams], aliases=aliases
        ).SerializeToString()

    async def health(self, payload: bytes) -> bytes:
        """How the upstreams are doing; raises CallError for an unknown provider.

        With tenants, the numbers of calls are the operator's: they tell of everybody's.
        """
        request = parse(llm_pb2.GetProviderHealthRequest, payload)
        permit, upstreams = current_permit(), self._proxy.health(request.provider)
        told = [one for one in upstreams if _covers(permit, one)]
        if not permit.rules(ALL):
            for one in told:
                for number in OF_EVERYBODY:
                    one.ClearField(number)
        return llm_pb2.GetProviderHealthResponse(upstreams=told).SerializeToString()


def _covers(permit: Permit, one: Upstream | llm_pb2.UpstreamHealth) -> bool:
    """Whether the scope covers a model of a provider, by either of its names."""
    return permit.allows(f"{one.provider}/{one.model}") or permit.allows(one.model)


def _caller(model: str) -> Caller:
    """Who calls; raises CallError where this model is not for them."""
    permit, traceparent = current_permit(), TRACEPARENT.get()
    if permit is UNGUARDED and not traceparent:
        return NOBODY
    permit.require(model)
    return Caller(permit.identity.caller, traceparent, permit.identity.tenant)


def _checked(payload: bytes) -> llm_pb2.ChatRequest:
    request: llm_pb2.ChatRequest = parse(llm_pb2.ChatRequest, payload)
    check_chat(request)
    return request


def _text(seq: int, text: str) -> bytes:
    """A ChatStreamResponse with a delta of this text: nearly all of a stream, so put together."""
    raw = text.encode()
    size = len(raw)
    if size < SHORT_BYTES:
        return b"\x08" + varint(seq) + bytes((0x1A, size + 2, 0x0A, size)) + raw
    head = b"\x0a" + varint(len(raw))
    return b"".join((b"\x08", varint(seq), b"\x1a", varint(len(head) + len(raw)), head, raw))


def _message(seq: int, event: Event) -> bytes:
    if isinstance(event, llm_pb2.ChatDelta):
        made = llm_pb2.ChatStreamResponse(seq=seq, delta=event)
    elif isinstance(event, llm_pb2.ChatStart):
        made = llm_pb2.ChatStreamResponse(seq=seq, start=event)
    elif isinstance(event, llm_pb2.ChatRestart):
        made = llm_pb2.ChatStreamResponse(seq=seq, restart=event)
    else:
        assert isinstance(event, llm_pb2.ChatEnd)
        made = llm_pb2.ChatStreamResponse(seq=seq, end=event)
    return made.SerializeToString()


def _model(one: Upstream) -> llm_pb2.LlmModel:
    price = one.price
    made = llm_pb2.LlmModel(name=one.name, provider=one.provider, model=one.model)
    if price is not None:
        made.price.input_nano_usd = price.input
        made.price.output_nano_usd = price.output
        made.price.cached_input_nano_usd = price.cached_input
        made.price.cache_write_nano_usd = price.cache_write
    return made
