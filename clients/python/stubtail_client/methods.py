"""One argument list for both clients: a function that prepares a call becomes a method of each.

A function takes the arguments that callers give and returns a `Call`: what to send, and what to
make of the reply. It does no I/O. `blocking` makes a method of `Client` from it, `awaiting` one of
`AsyncClient`, with the same arguments, types and documentation. Where a call may take several
messages, the function takes the settings of the client besides, and returns a `Plan`.
"""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_args

from stubtail_client.chat_streams import AsyncChatStream, ChatStream
from stubtail_client.connection import Settings
from stubtail_client.plans import Plan
from stubtail_client.watch_streams import AsyncWatchStream, Opening, WatchStream

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """A call that can be sent.

    Attributes:
        path: of the method.
        message: the request, encoded.
        timeout: seconds; None takes that of the client.
        decode: makes the answer of the reply's bytes; raises StubtailError.
    """

    path: str
    message: bytes
    timeout: float | None
    decode: Callable[[bytes], Result]


def blocking(
    prepare: Callable[Arguments, Call[Result]],
) -> Callable[Concatenate[Any, Arguments], Result]:
    """A method of the sync client."""

    def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        call = prepare(*args, **kwargs)
        return call.decode(self._ask(call.path, call.message, call.timeout))

    return _as_method(method, prepare)


def awaiting(
    prepare: Callable[Arguments, Call[Result]],
) -> Callable[Concatenate[Any, Arguments], Coroutine[Any, Any, Result]]:
    """A method of the async client."""

    async def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        call = prepare(*args, **kwargs)
        return call.decode(await self._ask(call.path, call.message, call.timeout))

    return _as_method(method, prepare)


def blocking_parts(
    prepare: Callable[Concatenate[Settings, Arguments], Plan[Any, Result]],
) -> Callable[Concatenate[Any, Arguments], Result]:
    """A method of the sync client that may send several messages."""

    def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        answer: Result = self._carry_out(prepare(self._settings, *args, **kwargs))
        return answer

    return _as_method(method, prepare)


def awaiting_parts(
    prepare: Callable[Concatenate[Settings, Arguments], Plan[Any, Result]],
) -> Callable[Concatenate[Any, Arguments], Coroutine[Any, Any, Result]]:
    """A method of the async client that may send several messages."""

    async def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        answer: Result = await self._carry_out(prepare(self._settings, *args, **kwargs))
        return answer

    return _as_method(method, prepare)


def streaming(
    prepare: Callable[Arguments, Call[Any]],
) -> Callable[Concatenate[Any, Arguments], ChatStream]:
    """A method of the sync client that gives its answer as it comes."""

    def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> ChatStream:
        call = prepare(*args, **kwargs)
        return ChatStream(self._stream(call.path, call.message, call.timeout))

    return _as_method(method, prepare)


def streaming_async(
    prepare: Callable[Arguments, Call[Any]],
) -> Callable[Concatenate[Any, Arguments], AsyncChatStream]:
    """A method of the async client that gives its answer as it comes."""

    def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> AsyncChatStream:
        call = prepare(*args, **kwargs)
        return AsyncChatStream(self._stream(call.path, call.message, call.timeout))

    return _as_method(method, prepare)


def exchanging(
    prepare: Callable[Arguments, Opening],
) -> Callable[Concatenate[Any, Arguments], WatchStream]:
    """A method of the sync client that opens a stream both ways."""

    def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> WatchStream:
        opening = prepare(*args, **kwargs)
        return WatchStream(partial(self._exchange, opening.path, opening.timeout), opening)

    return _as_method(method, prepare)


def exchanging_async(
    prepare: Callable[Arguments, Opening],
) -> Callable[Concatenate[Any, Arguments], AsyncWatchStream]:
    """A method of the async client that opens a stream both ways."""

    def method(self: Any, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> AsyncWatchStream:
        opening = prepare(*args, **kwargs)
        return AsyncWatchStream(partial(self._exchange, opening.path, opening.timeout), opening)

    return _as_method(method, prepare)


def _as_method(method: Method, prepare: Callable[..., Any]) -> Method:
    """With the name, the documentation and the arguments of the function that prepares it."""
    answer = inspect.signature(method).return_annotation
    update_wrapper(method, prepare)
    given = inspect.signature(prepare)
    if isinstance(answer, TypeVar):
        *_, answer = get_args(given.return_annotation)
    taken = [one for one in given.parameters.values() if one.annotation is not Settings]
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    signature = inspect.Signature([first, *taken], return_annotation=answer)
    vars(method)["__signature__"] = signature
    return method
