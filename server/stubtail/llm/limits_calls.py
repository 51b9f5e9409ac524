"""The limits of calls to language models: what a call may take at most, and who refuses it.

What is set aside is an upper bound: a token has at least one byte, and an answer at most
`max_tokens`. So what callers have taken never gets above a limit, as long as providers keep to
`max_tokens`. An attempt whose usage nobody told takes what was set aside, each attempt once more: a
call of several attempts can take more than that, and what it took counts all the same.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from stubtail.breaker import Refusal
from stubtail.errors import CallError, Code
from stubtail.llm.hooks import Booking, Caller, Request
from stubtail.llm.limits import Allowance, Amount, Booked, Budget, Budgets, Shortage
from stubtail.llm.prices import PriceTable
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2

MESSAGE_TOKENS: Final = 16  # what a template puts around a message
TOKENS_MAX: Final = 2**31 - 1  # of an answer that a request may name
COUNTED: Final = frozenset({llm_pb2.Usage.SOURCE_PROVIDER})  # where the counts are the whole
IMAGE_TOKENS: Final = 3072  # above what providers document for one image in full detail
NAMES: Final = {
    "concurrency": "calls at once",
    "requests_per_minute": "calls a minute",
    "tokens_per_minute": "tokens a minute",
    "nano_usd_per_day": "billionths of a US dollar in 24 hours",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a call may take at most.

    Attributes:
        answer_tokens: of an answer that names no bound of its own.
        bytes_per_token: of a request.
    """

    answer_tokens: int
    bytes_per_token: float

    def tokens(self, request: Request) -> tuple[int, int]:
        """Tokens of the request and of its answer, at most."""
        size = request.ByteSize()
        if isinstance(request, llm_pb2.EmbedRequest):
            return math.ceil(size / self.bytes_per_token) + 2 * len(request.inputs), 0
        images = 0
        for message in request.messages:
            for part in message.parts:
                if part.WhichOneof("content") != "text":
                    images += 1
                    size -= part.ByteSize()
        tokens = math.ceil(size / self.bytes_per_token)
        tokens += MESSAGE_TOKENS * len(request.messages) + IMAGE_TOKENS * images
        return tokens, self._answer_tokens(request.sampling)

    def capped(self, request: llm_pb2.ChatRequest) -> llm_pb2.ChatRequest:
        """The request with a bound on its answer."""
        if request.sampling.HasField("max_tokens"):
            return request
        made = llm_pb2.ChatRequest()
        made.CopyFrom(request)
        made.sampling.max_tokens = self._answer_tokens(request.sampling)
        return made

    def _answer_tokens(self, sampling: llm_pb2.Sampling) -> int:
        """Of the answer, at most; thoughts come on top of it, as they count towards max_tokens."""
        if sampling.HasField("max_tokens"):
            return sampling.max_tokens
        return min(self.answer_tokens + sampling.reasoning_tokens, TOKENS_MAX)


class CallLimits:
    """Limits of callers, tenants and providers; the `limits` of the proxy's hooks.

    Args:
        callers: the budgets of callers.
        providers: what all callers together may take, by the names of providers.
        bounds: what a call may take at most.
        price_of: the dearest price by which a model of that name may be answered; None where the
            settings have none.
        tenants: what all callers of a tenant together may take, by the names of tenants.
    """

    def __init__(
        self,
        callers: Budgets,
        providers: Mapping[str, Allowance],
        bounds: Bounds,
        price_of: Callable[[str], PriceTable | None],
        tenants: Mapping[str, Allowance] | None = None,
    ) -> None:
        self._callers = callers
        self._tenants = {name: Budget(one) for name, one in (tenants or {}).items() if one}
        self._providers = {name: Budget(one) for name, one in providers.items() if one}
        self._bounds = bounds
        self._price_of = price_of
        self.refused: Counter[str] = Counter()

    def admit(self, caller: Caller, request: Request, now_s: float) -> Booking:
        """Sets aside what a call may take.

        Raises:
            CallError: RESOURCE_EXHAUSTED, with the limit and when there is room again.
        """
        mine = self._callers.of(caller.name, now_s, caller.tenant)
        theirs = self._tenants.get(caller.tenant)
        if mine is None and theirs is None:
            return _FREE
        amount = self._amount(request, self._price_of(request.model))
        # Both are asked before either sets anything aside; nothing comes between.
        if mine is not None and (short := mine.shortage(amount, now_s)) is not None:
            self.refused[short.limit] += 1
            raise refusal("caller", caller.name, short)
        if theirs is not None and (short := theirs.shortage(amount, now_s)) is not None:
            self.refused[f"tenant_{short.limit}"] += 1
            raise refusal("tenant", caller.tenant, short)
        booked = [one.book(amount, now_s) for one in (mine, theirs) if one is not None]
        return _Settled([one for one in booked if isinstance(one, Booked)])

    def admit_attempt(
        self, caller: Caller, upstream: Upstream, request: Request, now_s: float
    ) -> Booking | Refusal:
        """Sets aside what an attempt may take of a provider; a Refusal passes it by."""
        del caller  # a provider's limits are for all callers together
        budget = self._providers.get(upstream.provider)
        if budget is None:
            return _FREE
        booked = budget.book(self._amount(request, upstream.price), now_s)
        if isinstance(booked, Shortage):
            self.refused[f"provider_{booked.limit}"] += 1
            return Refusal(throttled=True, wait_s=min(booked.wait_s, 86_400.0))
        return _Settled([booked])

    def _amount(self, request: Request, price: PriceTable | None) -> Amount:
        asked, answered = self._bounds.tokens(request)
        return Amount(asked + answered, dearest(price, asked, answered) if price else 0)


class _Settled:
    """Bookings of one amount by the usage of an answer."""

    __slots__ = ("_booked",)

    def __init__(self, booked: Sequence[Booked]) -> None:
        self._booked = booked

    def settle(self, used: Sequence[llm_pb2.Usage], now_s: float) -> None:
        """As `Booking`: what nobody counted is what was set aside, never below what is known."""
        del now_s  # it counts at the time when it was set aside
        tokens = nano_usd = 0
        for usage in used:
            least = Amount() if usage.source in COUNTED else self._booked[0].amount
            tokens += max(usage.input_tokens + usage.output_tokens, least.tokens)
            nano_usd += max(usage.cost_nano_usd, least.nano_usd)
        for one in self._booked:
            one.settle(Amount(tokens, nano_usd))


class _Free:
    """The booking of a call that nothing limits."""

    def settle(self, used: Sequence[llm_pb2.Usage], now_s: float) -> None:
        """Nothing was set aside."""


_FREE: Final = _Free()


def dearest(price: PriceTable, asked: int, answered: int) -> int:
    """What so many tokens cost at most, nano-dollars: each at the highest price of its side."""
    sides: list[int] = [getattr(price, one.name) for one in fields(price) if one.name != "output"]
    return -(-(asked * max(sides) + answered * price.output) // 1_000_000)


def dearer(one: PriceTable, other: PriceTable) -> PriceTable:
    """A price that is nowhere below either of them."""
    names = [field.name for field in fields(one)]
    return PriceTable(*(max(getattr(one, name), getattr(other, name)) for name in names))


def refusal(kind: str, whose: str, short: Shortage) -> CallError:
    """RESOURCE_EXHAUSTED with the limit of a caller or a tenant, and when to come back.

    The caller's gRPC library is told not to retry by itself: it would hold the call until then.
    """
    who = f"{kind} {whose[:128]!r}" if whose else "callers without a name"
    name = NAMES[short.limit]
    violation = error_details_pb2.QuotaFailure.Violation(
        subject=f"{kind}:{whose[:128]}",
        description=f"{short.allowed:,} {name}",
        quota_metric=f"stubtail.llm/{short.limit}",
        quota_value=short.allowed,
    )
    details: list[Message] = [error_details_pb2.QuotaFailure(violations=[violation])]
    if math.isinf(short.wait_s):
        told = (
            f"this call may take {short.wanted:,} {name}, and {who} may take {short.allowed:,}: "
            "shorten the request or lower max_tokens"
        )
    else:
        delay = Duration()
        delay.FromMicroseconds(math.ceil(short.wait_s * 1e6))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        told = (
            f"{who} may take {short.allowed:,} {name}, and there is no room for another "
            f"{short.wanted:,}; come back in {short.wait_s:.1f} s"
        )
    return CallError(
        Code.RESOURCE_EXHAUSTED,
        "LLM_LIMIT",
        told,
        details=details,
        metadata={"limit": short.limit, "allowed": str(short.allowed)},
        retry_after_s=-1.0,
    )
