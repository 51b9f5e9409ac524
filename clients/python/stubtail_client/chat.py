"""The methods `chat` and `chat_stream` of both clients."""

from collections.abc import AsyncGenerator, Awaitable, Generator
from types import TracebackType
from typing import Protocol, Self, Unpack

from stubtail_client.chat_answers import ChatAnswer, ChatPiece
from stubtail_client.chat_wire import (
    CHAT_TIMEOUT_S,
    ChatOptions,
    Collected,
    MessagesInput,
    decode_chat,
    encode_chat,
)
from stubtail_client.connection import CHAT_PATH, CHAT_STREAM_PATH
from stubtail_client.errors import StubtailError


class Streams(Protocol):
    """What `Chats` needs of a client."""

    def _ask(self, path: str, message: bytes, timeout: float | None) -> bytes: ...
    def _stream(
        self, path: str, message: bytes, timeout: float
    ) -> Generator[bytes, None, None]: ...


class StreamsAsync(Protocol):
    """What `ChatsAsync` needs of a client."""

    def _ask(self, path: str, message: bytes, timeout: float | None) -> Awaitable[bytes]: ...
    def _stream(self, path: str, message: bytes, timeout: float) -> AsyncGenerator[bytes, None]: ...


class ChatStream:
    """An answer as it is written: iterate over its pieces; then `answer` is the whole.

    Leaving the loop early, or `close`, cancels the call. A stream that breaks off raises, always:
    a loop that ends by itself has seen the whole answer. The exception's `partial` is what came.
    """

    def __init__(self, messages: Generator[bytes, None, None]) -> None:
        self._messages = messages
        self._collected = Collected()
        self._pieces = self._read()

    @property
    def answer(self) -> ChatAnswer:
        """What has come so far; see its `complete`."""
        return self._collected.answer()

    def close(self) -> None:
        """Cancels the call, unless it has ended."""
        self._pieces.close()
        self._messages.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatPiece:
        return next(self._pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> Generator[ChatPiece, None, None]:
        try:
            for payload in self._messages:
                piece = self._collected.add(payload)
                if piece is not None:
                    yield piece
            self._collected.finished()
        except StubtailError as error:
            error.partial = self._collected.answer()
            raise
        finally:
            self._messages.close()


class AsyncChatStream:
    """The twin of `ChatStream` for `async for` and `async with`."""

    def __init__(self, messages: AsyncGenerator[bytes, None]) -> None:
        self._messages = messages
        self._collected = Collected()
        self._pieces = self._read()

    @property
    def answer(self) -> ChatAnswer:
        """What has come so far; see its `complete`."""
        return self._collected.answer()

    async def aclose(self) -> None:
        """Cancels the call, unless it has ended."""
        await self._pieces.aclose()
        await self._messages.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatPiece:
        return await anext(self._pieces)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _read(self) -> AsyncGenerator[ChatPiece, None]:
        try:
            async for payload in self._messages:
                piece = self._collected.add(payload)
                if piece is not None:
                    yield piece
            self._collected.finished()
        except StubtailError as error:
            error.partial = self._collected.answer()
            raise
        finally:
            await self._messages.aclose()


class Chats:
    """Adds `chat` and `chat_stream` to the sync client."""

    def chat(
        self: Streams,
        model: str,
        messages: MessagesInput,
        *,
        timeout: float = CHAT_TIMEOUT_S,
        **options: Unpack[ChatOptions],
    ) -> ChatAnswer:
        """Asks a language model, and waits for the whole answer.

        Args:
            model: an alias of the server's settings, "provider/model", or a model's name.
            messages: what the user says, or dicts with `role` and `content`.
            timeout: how long the call may take, in seconds.
            **options: what is left out is left to the provider.

                system: instructions, before the messages.
                temperature, top_p, max_tokens, seed, reasoning_effort, stop: of the sampling.
                tools: dicts with `name`, `description` and `parameters`, a JSON schema.
                json_schema: the answer is JSON of this schema.
                only, ignore, order: names of providers or "provider/model".
                strategy: how providers are ordered, such as "lowest_cost".
                allow_fallback: whether others are asked when the first fails; True by default.
                max_attempts: how often the server asks, all providers together.
                end_user: a stable name of the person, for the provider's abuse checks.

        Raises:
            InvalidArgument: an argument is wrong, or the provider refused the request.
            Overloaded: the providers are asked too often; `retry_after_s` says when to come back.
            Unavailable: no provider gave an answer.
            StubtailError: as `score`.
        """
        return decode_chat(self._ask(CHAT_PATH, encode_chat(model, messages, options), timeout))

    def chat_stream(
        self: Streams,
        model: str,
        messages: MessagesInput,
        *,
        timeout: float = CHAT_TIMEOUT_S,
        **options: Unpack[ChatOptions],
    ) -> ChatStream:
        """Asks a language model, and gives the answer as it is written; arguments of `chat`.

        The loop over it raises StubtailError where the answer breaks off, stalls or fails, with
        what came in `partial`. A loop that ends by itself has seen the whole answer.
        """
        request = encode_chat(model, messages, options)
        return ChatStream(self._stream(CHAT_STREAM_PATH, request, timeout))


class ChatsAsync:
    """Adds `chat` and `chat_stream` to the async client."""

    async def chat(
        self: StreamsAsync,
        model: str,
        messages: MessagesInput,
        *,
        timeout: float = CHAT_TIMEOUT_S,  # noqa: ASYNC109 - gRPC sends it to the server
        **options: Unpack[ChatOptions],
    ) -> ChatAnswer:
        """Asks a language model, and waits for the whole answer; see `Client.chat`."""
        request = encode_chat(model, messages, options)
        return decode_chat(await self._ask(CHAT_PATH, request, timeout))

    def chat_stream(
        self: StreamsAsync,
        model: str,
        messages: MessagesInput,
        *,
        timeout: float = CHAT_TIMEOUT_S,
        **options: Unpack[ChatOptions],
    ) -> AsyncChatStream:
        """Asks a language model; the answer as it is written, see `Client.chat_stream`."""
        request = encode_chat(model, messages, options)
        return AsyncChatStream(self._stream(CHAT_STREAM_PATH, request, timeout))
