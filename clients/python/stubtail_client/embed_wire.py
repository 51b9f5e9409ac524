"""Vectors, the language models of a server and their providers: bytes in and out, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from stubtail.v1 import llm_pb2
from stubtail_client.chat_answers import Attempt, ChatUsage
from stubtail_client.chat_wire import Strategy, cache_control, routing_of, usage_of
from stubtail_client.errors import invalid_rows, malformed_reply
from stubtail_client.options import checked_model

NANO = 1e9


class EmbedOptions(TypedDict, total=False):
    """The arguments of `embed` by name; `Client.embed` describes them."""

    dimensions: int
    only: Sequence[str]
    ignore: Sequence[str]
    order: Sequence[str]
    strategy: Strategy
    allow_fallback: bool
    max_attempts: int
    cache: bool | float
    end_user: str


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors of texts.

    Attributes:
        vectors: numpy float32 [N, D], in the order of the texts.
        provider, model: who made them.
        usage: tokens and cost.
        attempts: every try of the server; none where they came from its cache.
        cached: whether they did.
    """

    vectors: NDArray[np.float32]
    provider: str
    model: str
    usage: ChatUsage
    attempts: list[Attempt]
    cached: bool

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.vectors[index]
        return vector


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """One model of one provider; prices in US dollars a million tokens, None where unknown."""

    name: str
    provider: str
    model: str
    input_usd: float | None
    output_usd: float | None
    cached_input_usd: float | None


@dataclass(frozen=True, slots=True)
class LanguageModels:
    """What can be asked: models, and aliases with what they stand for."""

    models: list[LanguageModel]
    aliases: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How one model of one provider is doing.

    Attributes:
        breaker: "closed", "open" or "half_open".
        throttled: whether the provider asked for patience.
        available_in_s: until it is asked again; 0 where it is now.
        in_flight: calls that it is answering.
        first_token_s: its recent time to the first content; None before the first answer.
        attempts, failures: since the start of the process.
    """

    provider: str
    model: str
    breaker: str
    throttled: bool
    available_in_s: float
    in_flight: int
    first_token_s: float | None
    attempts: int
    failures: int


def encode_embed(model: str, texts: str | Sequence[str], options: EmbedOptions) -> bytes:
    """An EmbedRequest.

    Raises:
        InvalidArgument: an argument cannot be sent.
    """
    given: dict[str, Any] = dict(options)
    unknown = given.keys() - EmbedOptions.__annotations__.keys()
    if unknown:
        raise invalid_rows(min(unknown), "is no option of embed")
    try:
        request = llm_pb2.EmbedRequest(
            model=checked_model(model),
            inputs=[texts] if isinstance(texts, str) else list(texts),
            dimensions=given.get("dimensions"),
            routing=routing_of(given),
            end_user=given.get("end_user", ""),
            cache=cache_control(given.get("cache")),
        )
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise invalid_rows("embed", f"an argument cannot be sent: {error}") from error
    return request.SerializeToString()


def decode_embed(payload: bytes) -> Embeddings:
    """The vectors in an EmbedResponse; raises Internal where there are none."""
    method = "LlmService.Embed"
    try:
        reply = llm_pb2.EmbedResponse.FromString(payload)
        vectors = np.array([one.values for one in reply.embeddings], np.float32)
    except (DecodeError, ValueError) as error:
        raise malformed_reply(method) from error
    if vectors.ndim != 2 or not vectors.size:
        raise malformed_reply(method)
    return Embeddings(
        vectors=vectors,
        provider=reply.provider,
        model=reply.model,
        usage=usage_of(reply.usage),
        attempts=[Attempt.of(one) for one in reply.attempts],
        cached=reply.cache == llm_pb2.CACHE_STATUS_HIT,
    )


def decode_language_models(payload: bytes) -> LanguageModels:
    """What a ListModels reply tells; raises Internal where it is none."""
    try:
        reply = llm_pb2.LlmServiceListModelsResponse.FromString(payload)
    except DecodeError as error:
        raise malformed_reply("LlmService.ListModels") from error
    models = [
        LanguageModel(
            one.name,
            one.provider,
            one.model,
            *(
                getattr(one.price, f"{kind}_nano_usd") / NANO if one.HasField("price") else None
                for kind in ("input", "output", "cached_input")
            ),
        )
        for one in reply.models
    ]
    return LanguageModels(models, {one.name: list(one.targets) for one in reply.aliases})


def encode_providers(provider: str) -> bytes:
    """A GetProviderHealthRequest; raises InvalidArgument where the name cannot be sent."""
    try:
        return llm_pb2.GetProviderHealthRequest(provider=provider).SerializeToString()
    except (TypeError, ValueError) as error:
        raise invalid_rows("provider", f"is no name: {error}") from error


def decode_providers(payload: bytes) -> list[ProviderHealth]:
    """What a GetProviderHealth reply tells; raises Internal where it is none."""
    try:
        reply = llm_pb2.GetProviderHealthResponse.FromString(payload)
    except DecodeError as error:
        raise malformed_reply("LlmService.GetProviderHealth") from error
    return [
        ProviderHealth(
            provider=one.provider,
            model=one.model,
            breaker=llm_pb2.BreakerState.Name(one.breaker).removeprefix("BREAKER_STATE_").lower(),
            throttled=one.throttled,
            available_in_s=one.available_in_ms / 1e3,
            in_flight=one.in_flight,
            first_token_s=one.first_token_us / 1e6 if one.HasField("first_token_us") else None,
            attempts=one.attempts,
            failures=one.failures,
        )
        for one in reply.upstreams
    ]
