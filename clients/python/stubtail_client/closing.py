"""What is closed in the end, also by `with` and by `async with`."""

from types import TracebackType
from typing import Self


class Closes:
    """Has `close`; `with` calls it."""

    def close(self) -> None:
        """Ends it. May be called twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class ClosesAsync:
    """Has `aclose`; `async with` calls it."""

    async def aclose(self) -> None:
        """Ends it. May be called twice."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
