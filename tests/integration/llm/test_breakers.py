"""Breakers, and the server's own limits, over real connections."""

import grpc

from stubtail.v1 import llm_pb2
from tests.integration.calls import Code, refused
from tests.integration.llm.chats import SERVICE, begin, chat, health, request, stream
from tests.integration.llm.conftest import wait_until
from tests.integration.llm.test_chat_stream import finish, outcomes
from tests.llm_upstream import TEXT, LlmUpstream

CHAT = SERVICE + "Chat"
CLOSED, OPEN = llm_pb2.BREAKER_STATE_CLOSED, llm_pb2.BREAKER_STATE_OPEN
HALF_OPEN = llm_pb2.BREAKER_STATE_HALF_OPEN


def test_a_breaker_opens_and_closes(
    tight: grpc.Channel, upstream: LlmUpstream, transport: str
) -> None:
    """Failures open it; callers are told when to come back; a probe that works closes it."""
    name = "ok@1" if transport == "native" else "ok@2"
    upstream.failing.add(name)
    found = refused(tight, CHAT, request(f"p/{name}"))
    assert (found.reason, found.metadata["attempts"]) == ("UPSTREAM_FAILED", "3")

    assert health(tight, f"p/{name}").breaker in {OPEN, HALF_OPEN}
    upstream.failing.discard(name)
    wait_until(lambda: health(tight, f"p/{name}").breaker == HALF_OPEN, "no probe is due")

    assert chat(tight, request(f"p/{name}")).text == TEXT
    assert health(tight, f"p/{name}").breaker == CLOSED


def test_an_open_breaker_is_passed_by(
    tight: grpc.Channel, upstream: LlmUpstream, transport: str
) -> None:
    """While it is open nobody asks: another upstream answers, or the call is refused at once."""
    name = "broken@3" if transport == "native" else "broken@4"
    upstream.failing.add(name)
    refused(tight, CHAT, request(f"p/{name}"))
    # The time between probes is short here, so that a refusal needs a probe that holds the place.
    wait_until(lambda: health(tight, f"p/{name}").breaker == HALF_OPEN, "no probe is due")
    upstream.failing.discard(name)
    asked = len(upstream.talks)

    reply = chat(tight, request(f"after {name}"))

    assert reply.text == TEXT
    assert [talk.model for talk in upstream.talks[asked:]] == [name, "ok"]
    assert outcomes(reply.end) == ["UPSTREAM_ERROR", "OK"]
    assert health(tight, f"p/{name}").breaker in {OPEN, HALF_OPEN}


def test_one_probe_at_a_time(tight: grpc.Channel, upstream: LlmUpstream, transport: str) -> None:
    """A probe that has not ended keeps all others away; one that is cancelled frees its place."""
    name = "silent@1" if transport == "native" else "silent@2"
    upstream.failing.add(name)
    refused(tight, CHAT, request(f"p/{name}"))
    upstream.failing.discard(name)
    wait_until(lambda: health(tight, f"p/{name}").breaker == HALF_OPEN, "no probe is due")

    made = request(f"p/{name}")
    probe = begin(tight, made)
    wait_until(lambda: len(upstream.of(made.end_user)) == 1, "the probe was not sent")
    found = refused(tight, CHAT, request(f"p/{name}"))
    assert (found.code, found.reason) == (Code.UNAVAILABLE, "BREAKER_OPEN")
    assert found.retry_s is not None

    probe.cancel()
    wait_until(lambda: health(tight, f"p/{name}").in_flight == 0, "the probe holds its slot")
    upstream.failing.add(name)
    assert refused(tight, CHAT, request(f"p/{name}", max_attempts=1)).reason == "UPSTREAM_FAILED"
    upstream.failing.discard(name)


def test_refusals_and_cancels_do_not_open_breakers(tight: grpc.Channel) -> None:
    """What is the caller's doing says nothing about the provider."""
    for _ in range(8):
        assert refused(tight, CHAT, request("p/too-long@5")).reason == "UPSTREAM_REFUSED"
        stream(tight, request("p/stall-before@5"), timeout=0.1)

    assert health(tight, "p/too-long@5").breaker == CLOSED
    assert health(tight, "p/stall-before@5").breaker == CLOSED


def test_the_server_bounds_the_time_of_an_answer(tight: grpc.Channel) -> None:
    """A trickle defeats every other timer; what came of it is told as incomplete."""
    told = stream(tight, request("p/trickle"))

    assert told.error is not None
    assert (told.error.code, told.error.reason) == (Code.DEADLINE_EXCEEDED, "ANSWER_TOO_SLOW")
    assert finish(told.end) == "DEADLINE"
    assert told.text.startswith("word word ")
    assert health(tight, "p/trickle").breaker == CLOSED


def test_the_server_bounds_its_calls(tight: grpc.Channel, upstream: LlmUpstream) -> None:
    """Beyond the bound calls are refused at once, and told when to come back."""
    made = [request("p/silent@7") for _ in range(20)]
    calls = [begin(tight, one) for one in made]
    wait_until(lambda: all(upstream.of(one.end_user) for one in made), "not all were asked")

    found = refused(tight, CHAT, request("p/ok"))

    assert (found.code, found.reason) == (Code.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
    for call in calls:
        call.cancel()


def test_a_breaker_closes_by_a_stream(
    tight: grpc.Channel, upstream: LlmUpstream, transport: str
) -> None:
    """The probe may be a stream, too: its first content is enough to let others in."""
    name = "trickle@1" if transport == "native" else "trickle@2"
    upstream.failing.add(name)
    refused(tight, CHAT, request(f"p/{name}"))
    upstream.failing.discard(name)
    wait_until(lambda: health(tight, f"p/{name}").breaker == HALF_OPEN, "no probe is due")

    call = begin(tight, request(f"p/{name}"))
    wait_until(lambda: health(tight, f"p/{name}").breaker == CLOSED, "it does not close")

    assert health(tight, f"p/{name}").in_flight == 1
    call.cancel()
