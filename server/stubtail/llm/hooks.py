"""What stands around a call: limits, a cache, an edit of the request, and spans for tracing.

The proxy asks each of them where it is there, always in this order: edit, span, call booking,
cache, and an attempt booking for each attempt. A booking is settled exactly once, however a call
ends.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from stubtail.breaker import Refusal
from stubtail.errors import CallError
from stubtail.llm.events import Event
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2

Request = llm_pb2.ChatRequest | llm_pb2.EmbedRequest
Edited = TypeVar("Edited", llm_pb2.ChatRequest, llm_pb2.EmbedRequest)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        name: whom limits and caches keep apart; empty where callers are not told apart.
        traceparent: the W3C header of that name, where the call brought one.
        tenant: whom the caller belongs to; caches and budgets of tenants are apart as well.
    """

    name: str = ""
    traceparent: str = ""
    tenant: str = ""


NOBODY = Caller()


class Booking(Protocol):
    """What has been set aside for a call or an attempt."""

    def settle(self, used: Sequence[llm_pb2.Usage], now_s: float) -> None:
        """Replaces what was set aside by what each attempt used; empty means that nothing was.

        A usage whose source is PARTIAL or UNSPECIFIED holds no counts that can be relied on: the
        answer began, so that the provider may well charge for it.
        """


class Limits(Protocol):
    """Who may use how much. Both methods decide and book in one step, without waiting."""

    def admit(self, caller: Caller, request: Request, now_s: float) -> Booking:
        """Sets aside what a call may take; raises CallError where a limit of the caller is met."""

    def admit_attempt(
        self, caller: Caller, upstream: Upstream, request: Request, now_s: float
    ) -> Booking | Refusal:
        """Sets aside what an attempt may take of an upstream; a Refusal passes the upstream by."""


class Cache(Protocol):
    """Answers that are known already. Whatever raises is not kept."""

    async def chat(
        self,
        caller: Caller,
        request: llm_pb2.ChatRequest,
        ask: Callable[[], Awaitable[llm_pb2.ChatResponse]],
    ) -> llm_pb2.ChatResponse:
        """A whole answer; `ask` gets it from a provider."""

    def stream(
        self,
        caller: Caller,
        request: llm_pb2.ChatRequest,
        ask: Callable[[], AsyncGenerator[Event, None]],
    ) -> AsyncGenerator[Event, None]:
        """The events of an answer; `ask` gets them from a provider."""

    async def embed(
        self,
        caller: Caller,
        request: llm_pb2.EmbedRequest,
        ask: Callable[[], Awaitable[llm_pb2.EmbedResponse]],
    ) -> llm_pb2.EmbedResponse:
        """Vectors; `ask` gets them from a provider."""


class Span(Protocol):
    """One call, as a tracer sees it."""

    def headers(self) -> Mapping[str, str]:
        """Headers for the provider, such as traceparent."""

    def attempt(self, upstream: Upstream, attempt: llm_pb2.Attempt) -> None:
        """An attempt has ended."""

    def end(self, end: llm_pb2.ChatEnd | None, error: CallError | None) -> None:
        """The call has ended; without either its caller has gone."""


class Edit(Protocol):
    """Changes requests before anybody is asked: a redaction."""

    def __call__(self, request: Edited) -> Edited:
        """The request to send; raises CallError where it must not be sent at all."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Everything that stands around calls; None where there is nothing."""

    edit: Edit | None = None
    limits: Limits | None = None
    cache: Cache | None = None
    begin_span: Callable[[str, Caller, Request], Span] | None = None


NO_HOOKS = Hooks()
