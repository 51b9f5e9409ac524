"""An answer of a language model as it is written, for `for` and for `async for`."""

from collections.abc import AsyncGenerator, Generator
from typing import Self

from stubtail_client.chat_answers import ChatAnswer, ChatPiece
from stubtail_client.chat_wire import Collected
from stubtail_client.closing import Closes, ClosesAsync
from stubtail_client.errors import StubtailError


class ChatStream(Closes):
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


class AsyncChatStream(ClosesAsync):
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
