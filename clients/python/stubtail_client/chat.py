"""Language models: the methods `chat`, `chat_stream`, `embed` and two more of both clients."""

from collections.abc import Sequence
from typing import Unpack

from stubtail_client.chat_answers import ChatAnswer
from stubtail_client.chat_messages import MessagesInput
from stubtail_client.chat_streams import AsyncChatStream, ChatStream
from stubtail_client.chat_wire import (
    CHAT_TIMEOUT_S,
    ChatOptions,
    decode_chat,
    encode_chat,
)
from stubtail_client.connection import (
    CHAT_PATH,
    CHAT_STREAM_PATH,
    EMBED_PATH,
    LANGUAGE_MODELS_PATH,
    PROVIDERS_PATH,
)
from stubtail_client.embed_wire import (
    Embeddings,
    EmbedOptions,
    LanguageModels,
    ProviderHealth,
    decode_embed,
    decode_language_models,
    decode_providers,
    encode_embed,
    encode_providers,
)
from stubtail_client.methods import Call, awaiting, blocking, streaming, streaming_async

__all__ = ["AsyncChatStream", "ChatStream", "Chats", "ChatsAsync"]


def chat(
    model: str,
    messages: MessagesInput,
    *,
    timeout: float = CHAT_TIMEOUT_S,
    **options: Unpack[ChatOptions],
) -> Call[ChatAnswer]:
    """Asks a language model, and waits for the whole answer.

    Args:
        model: an alias of the server's settings, "provider/model", or a model's name.
        messages: what the user says, or dicts with `role` and `content`. The content is text, or a
            list of parts: texts, `{"image_url": ..}` and `{"image": bytes}`. `answer.message()`
            is the dict of an answer, and `{"role": "tool", "tool_call_id": .., "content": ..}`
            gives the model the result of a tool.
        timeout: how long the call may take, in seconds.
        **options: what is left out is left to the provider.

            system: instructions, before the messages.
            images: of the user, with `messages` as text: bytes, or addresses that providers fetch.
            temperature, top_p, max_tokens, seed, stop: of the sampling, as are
                frequency_penalty, presence_penalty, reasoning_effort and reasoning_tokens.
            top_logprobs: how many tokens to tell in the place of each, in `answer.logprobs`.
            tools: dicts with `name`, `description` and `parameters`, a JSON schema.
            tool_choice: "auto", "none", "required", or the name of a tool.
            parallel_tool_calls: whether one answer may call several tools.
            json_schema: the answer is JSON of this schema.
            only, ignore, order: names of providers or "provider/model".
            strategy: how providers are ordered, such as "lowest_cost".
            allow_fallback: whether others are asked when the first fails; True by default.
            max_attempts: how often the server asks, all providers together.
            hedge_after_ms: ask a second provider where the first is silent for so long.
            allow_restart: whether a stream that breaks off may begin anew; `piece.restart` says it.
            cache: whether a kept answer will do: True, or the seconds that it may be old.
            end_user: a stable name of the person, for the provider's abuse checks.

    Raises:
        InvalidArgument: an argument is wrong, or the provider refused the request.
        Overloaded: the providers are asked too often, or a limit of the caller is met;
            `retry_after_s` says when to come back.
        Unavailable: no provider gave an answer.
        StubtailError: as `score`.
    """
    return Call(CHAT_PATH, encode_chat(model, messages, options), timeout, decode_chat)


def chat_stream(
    model: str,
    messages: MessagesInput,
    *,
    timeout: float = CHAT_TIMEOUT_S,
    **options: Unpack[ChatOptions],
) -> Call[ChatAnswer]:
    """Asks a language model, and gives the answer as it is written; arguments of `chat`.

    The loop over it raises StubtailError where the answer breaks off, stalls or fails, with
    what came in `partial`. A loop that ends by itself has seen the whole answer.
    """
    return Call(CHAT_STREAM_PATH, encode_chat(model, messages, options), timeout, decode_chat)


def embed(
    model: str,
    texts: str | Sequence[str],
    *,
    timeout: float = CHAT_TIMEOUT_S,
    **options: Unpack[EmbedOptions],
) -> Call[Embeddings]:
    """The vectors of texts, all by one model.

    Args:
        model: an alias of the server's settings, "provider/model", or a model's name.
        texts: 1 to 2,048, none empty; one text gives one vector.
        timeout: how long the call may take, in seconds.
        **options: dimensions: the length of the vectors, where the model can choose; and only,
            ignore, order, strategy, allow_fallback, max_attempts, cache, end_user, as for `chat`.

    Returns:
        `vectors`, numpy float32 [N, D] in the order of the texts, and who made them.

    Raises:
        StubtailError: as `chat`.
    """
    return Call(EMBED_PATH, encode_embed(model, texts, options), timeout, decode_embed)


def language_models(*, timeout: float | None = None) -> Call[LanguageModels]:
    """The language models that can be asked, with their prices, and the aliases of the settings.

    Raises:
        Unimplemented: the server has no providers.
        StubtailError: as `score`.
    """
    return Call(LANGUAGE_MODELS_PATH, b"", timeout, decode_language_models)


def providers(provider: str = "", *, timeout: float | None = None) -> Call[list[ProviderHealth]]:
    """How the providers of language models are doing, as the process that answers sees them.

    Args:
        provider: only this one; all by default.
        timeout: seconds.

    Raises:
        NotFound: no provider has that name.
        StubtailError: as `score`.
    """
    return Call(PROVIDERS_PATH, encode_providers(provider), timeout, decode_providers)


class Chats:
    """Adds these methods to the sync client."""

    chat = blocking(chat)
    chat_stream = streaming(chat_stream)
    embed = blocking(embed)
    language_models = blocking(language_models)
    providers = blocking(providers)


class ChatsAsync:
    """Adds them to the async client."""

    chat = awaiting(chat)
    chat_stream = streaming_async(chat_stream)
    embed = awaiting(embed)
    language_models = awaiting(language_models)
    providers = awaiting(providers)
