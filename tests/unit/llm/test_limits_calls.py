"""Limits of calls: 1,000 at once end at the limit, and refusals say what to do."""

import asyncio
import random
from typing import Any

import pytest
from google.rpc import error_details_pb2, status_pb2

from stubtail.breaker import Refusal
from stubtail.errors import DETAILS_KEY, CallError, Code
from stubtail.llm.hooks import Caller
from stubtail.llm.limits import Allowance, Budgets
from stubtail.llm.limits_calls import Bounds, CallLimits, dearest
from stubtail.llm.prices import PriceTable
from stubtail.v1 import llm_pb2

PRICE = PriceTable.of_dollars(1.0, 2.0, 0.5, 1.0)  # dollars a million tokens
ALICE = Caller("alice")
BOUNDS = Bounds(answer_tokens=100, bytes_per_token=1.0)


def limits(default: Allowance, providers: Any = None, **callers: Allowance) -> CallLimits:
    """Limits with one price for everything."""
    return CallLimits(Budgets(callers, default, 100), providers or {}, BOUNDS, lambda _: PRICE)


def chat(text: str = "Hello", **sampling: Any) -> llm_pb2.ChatRequest:
    """A chat of one message."""
    message = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text=text)
    return llm_pb2.ChatRequest(
        model="fast", messages=[message], sampling=llm_pb2.Sampling(**sampling)
    )


def used(input_tokens: int, output_tokens: int) -> llm_pb2.Usage:
    """What a provider counted."""
    return llm_pb2.Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_nano_usd=PRICE.cost(input_tokens, output_tokens, 0),
        source=llm_pb2.Usage.SOURCE_PROVIDER,
    )


def details(error: CallError) -> dict[str, Any]:
    """The details of an error by their type's last name."""
    trailing = dict(error.trailing_metadata)
    packed = trailing[DETAILS_KEY]
    assert isinstance(packed, bytes)
    found = {}
    for one in status_pb2.Status.FromString(packed).details:
        kind = getattr(error_details_pb2, one.TypeName().rpartition(".")[2])
        made = kind()
        one.Unpack(made)
        found[kind.__name__] = made
    return found


async def many(calls: int, limit: CallLimits, seed: int) -> tuple[int, int, int]:
    """Calls at the same time that take what they set aside, or less.

    How many were admitted, how many tokens they took, and what that cost.
    """
    draw = random.Random(seed)
    admitted = tokens = cost = 0

    async def one() -> None:
        nonlocal admitted, tokens, cost
        await asyncio.sleep(0)
        request = chat("x" * draw.randint(1, 50), max_tokens=draw.randint(1, 50))
        try:
            booking = limit.admit(ALICE, request, 10.0)
        except CallError:
            return
        asked, answered = BOUNDS.tokens(request)
        for _ in range(draw.randint(0, 3)):
            await asyncio.sleep(0)
        usage = used(draw.randint(0, asked), draw.randint(0, answered))
        booking.settle([usage], 11.0)
        admitted += 1
        tokens += usage.input_tokens + usage.output_tokens
        cost += usage.cost_nano_usd

    await asyncio.gather(*(one() for _ in range(calls)))
    return admitted, tokens, cost


@pytest.mark.parametrize("seed", range(5))
async def test_a_thousand_calls_at_once_never_get_above_a_limit(seed: int) -> None:
    """Whatever they set aside and take: requests, tokens and money each stay within the limit."""
    allowance = Allowance(requests_per_minute=400, tokens_per_minute=10_000, nano_usd_per_day=10**7)
    limit = limits(Allowance(), alice=allowance)
    admitted, tokens, cost = await many(1000, limit, seed)
    assert 0 < admitted <= 400
    assert tokens <= 10_000
    assert cost <= 10**7
    assert sum(limit.refused.values()) == 1000 - admitted


async def test_a_thousand_calls_at_once_end_exactly_at_the_limit() -> None:
    """Each takes all that it set aside: the last admitted one fills the limit to the brim."""
    request = chat(max_tokens=10)
    asked, answered = BOUNDS.tokens(request)
    each, cost = asked + answered, dearest(PRICE, asked, answered)
    for allowance in (
        Allowance(requests_per_minute=137),
        Allowance(tokens_per_minute=137 * each),
        Allowance(nano_usd_per_day=137 * cost),
        Allowance(concurrency=137),
    ):
        limit = limits(allowance)

        async def one(limit: CallLimits = limit) -> int:
            await asyncio.sleep(0)
            try:
                limit.admit(ALICE, request, 10.0)
            except CallError:
                return 0
            return 1

        assert sum(await asyncio.gather(*(one() for _ in range(1000)))) == 137


def test_a_refusal_says_which_limit_and_when() -> None:
    """QuotaFailure, RetryInfo, and no retry by the caller's gRPC library."""
    limit = limits(Allowance(requests_per_minute=1))
    limit.admit(ALICE, chat(), 10.0)
    with pytest.raises(CallError) as caught:
        limit.admit(ALICE, chat(), 20.0)
    error = caught.value
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "LLM_LIMIT")
    assert "'alice' may take 1 calls a minute" in error.message
    assert ("grpc-retry-pushback-ms", "-1000") in error.trailing_metadata
    found = details(error)
    (violation,) = found["QuotaFailure"].violations
    assert violation.subject == "caller:alice"
    assert violation.quota_metric == "stubtail.llm/requests_per_minute"
    assert violation.quota_value == 1
    assert found["RetryInfo"].retry_delay.ToMilliseconds() == 51_000
    assert found["ErrorInfo"].metadata["limit"] == "requests_per_minute"


def test_a_call_that_never_fits_is_told_so() -> None:
    """There is no time to wait for; the caller has to change the call."""
    limit = limits(Allowance(tokens_per_minute=50))
    with pytest.raises(CallError) as caught:
        limit.admit(ALICE, chat(max_tokens=1000), 0.0)
    assert "lower max_tokens" in caught.value.message
    assert "RetryInfo" not in details(caught.value)
    limit.admit(ALICE, chat(max_tokens=1), 0.0)


def test_what_nobody_counted_stays_set_aside() -> None:
    """A broken answer may be charged for: its bound keeps counting; a failed one is given back."""
    request = chat(max_tokens=50)
    each = sum(BOUNDS.tokens(request))
    limit = limits(Allowance(tokens_per_minute=2 * each))
    broken = llm_pb2.Usage(source=llm_pb2.Usage.SOURCE_PARTIAL, output_tokens=1)
    limit.admit(ALICE, request, 0.0).settle([broken], 1.0)
    limit.admit(ALICE, request, 0.0).settle([], 1.0)
    limit.admit(ALICE, request, 0.0).settle([llm_pb2.Usage()], 1.0)
    with pytest.raises(CallError):
        limit.admit(ALICE, request, 0.0)


def test_each_attempt_counts() -> None:
    """By its counts, or by what was set aside, whichever is known to be needed."""
    request = chat(max_tokens=50)
    each = sum(BOUNDS.tokens(request))
    partial = llm_pb2.Usage.SOURCE_PARTIAL
    for attempts, tokens in (
        ([used(300, 90)] * 2, 780),
        ([llm_pb2.Usage(source=partial), used(30, 9)], each + 39),
        ([llm_pb2.Usage(source=partial)] * 3, 3 * each),
        ([llm_pb2.Usage(source=partial, input_tokens=500, output_tokens=7)], 507),
    ):
        limit = limits(Allowance(tokens_per_minute=10_000, nano_usd_per_day=10**9))
        limit.admit(ALICE, request, 0.0).settle(attempts, 1.0)
        budget = limit._callers.of("alice", 1.0)
        assert budget is not None
        assert budget.used(1.0)[1] == tokens


class Fake:
    """As much of an upstream as limits look at."""

    provider = "p"
    price = PRICE


def test_a_provider_at_its_limit_is_passed_by() -> None:
    """Whoever asks; the callers themselves are not refused for it."""
    limit = limits(Allowance(), {"p": Allowance(requests_per_minute=2)})
    upstream: Any = Fake()
    limit.admit(ALICE, chat(), 0.0)
    for name in ("alice", "bob"):
        booking = limit.admit_attempt(Caller(name), upstream, chat(), 0.0)
        assert not isinstance(booking, Refusal)
    refused = limit.admit_attempt(ALICE, upstream, chat(), 0.0)
    assert isinstance(refused, Refusal)
    assert refused.throttled
    assert refused.wait_s == 61.0
    other: Any = Fake()
    other.provider = "q"
    assert not isinstance(limit.admit_attempt(ALICE, other, chat(), 0.0), Refusal)


def test_the_bound_of_a_request() -> None:
    """All of its bytes, a share for each message and image, and the longest answer."""
    request = chat("ü" * 100)
    assert BOUNDS.tokens(request) == (request.ByteSize() + 16, 100)
    part = llm_pb2.ContentPart(image=llm_pb2.InlineData(mime_type="image/png", data=b"x" * 10**6))
    image = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, parts=[part])
    asked, _ = BOUNDS.tokens(llm_pb2.ChatRequest(model="m", messages=[image]))
    assert 3072 < asked < 3200
    vectors = llm_pb2.EmbedRequest(model="m", inputs=["abc", "d"])
    assert BOUNDS.tokens(vectors) == (vectors.ByteSize() + 4, 0)
    capped = BOUNDS.capped(chat())
    assert capped.sampling.max_tokens == 100
    assert BOUNDS.capped(chat(max_tokens=7)).sampling.max_tokens == 7
    thinks = chat(reasoning_tokens=2000)  # they count towards max_tokens, which must be above them
    assert BOUNDS.capped(thinks).sampling.max_tokens == 2100
    assert BOUNDS.tokens(thinks)[1] == 2100


def test_the_callers_of_a_tenant_share_its_limit() -> None:
    """However many names they have; and a call that either limit forbids takes of neither."""
    each, together = Allowance(requests_per_minute=2), Allowance(tokens_per_minute=450)
    acme = {"acme": together}
    limit = CallLimits(Budgets({}, each, 100), {}, BOUNDS, lambda _: PRICE, acme)
    first, second = Caller("alice", tenant="acme"), Caller("bob", tenant="acme")
    asked = chat(max_tokens=180)
    bookings = [limit.admit(one, asked, 0.0) for one in (first, second)]
    with pytest.raises(CallError) as caught:
        limit.admit(Caller("carol", tenant="acme"), asked, 0.0)
    assert "tenant 'acme' may take 450 tokens" in caught.value.message
    (violation,) = details(caught.value)["QuotaFailure"].violations
    assert violation.subject == "tenant:acme"
    assert limit.refused == {"tenant_tokens_per_minute": 1}
    limit.admit(Caller("carol", tenant="other"), asked, 0.0)
    limit.admit(Caller("carol"), asked, 0.0)
    # What they really took makes room for others, and the refused call took nothing.
    for booking in bookings:
        booking.settle([used(10, 10)], 1.0)
    limit.admit(Caller("carol", tenant="acme"), asked, 1.0)
    limit.admit(first, chat(max_tokens=10), 1.0)
    with pytest.raises(CallError, match="caller 'alice'"):
        limit.admit(first, chat(max_tokens=10), 1.0)
    limit.admit(Caller("dave", tenant="acme"), chat(max_tokens=10), 1.0)
