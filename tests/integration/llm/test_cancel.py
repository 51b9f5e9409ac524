"""Callers that go: the upstream's connection is closed in every phase, and nothing is left."""

import threading
import time

import grpc
import psutil
import pytest

from tests.integration.calls import Code, refused, start
from tests.integration.llm.chats import SERVICE, begin, chat, health, request, stream
from tests.integration.llm.conftest import in_flight, wait_until
from tests.llm_upstream import TEXT, LlmUpstream, Talk
from tests.server_process import ServerProcess

PHASES = ["silent", "endless-head", "stall-before", "comments", "stall-after", "trickle"]
STORM = 60
GONE_S = 10.0  # what a busy machine may take; the timeouts of the calls are far above


def held(upstream: LlmUpstream, user: str) -> Talk:
    """The request of a caller, once it says nothing more."""
    wait_until(lambda: len(upstream.of(user)) == 1, "the upstream was not asked")
    (talk,) = upstream.of(user)
    assert talk.said.wait(GONE_S)
    return talk


@pytest.mark.parametrize("model", PHASES)
def test_a_cancelled_stream_closes_its_upstream(
    llm: grpc.Channel, upstream: LlmUpstream, model: str
) -> None:
    """Waiting for the head, for the first content, and between two words."""
    made = request(f"p/{model}")
    call = begin(llm, made)
    talk = held(upstream, made.end_user)
    assert not talk.gone.is_set()

    call.cancel()

    assert talk.gone.wait(GONE_S)
    assert len(upstream.of(made.end_user)) == 1
    wait_until(lambda: health(llm, f"p/{model}").in_flight == 0, "the slot is held")


def test_a_cancelled_call_closes_its_upstream(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """Chat, while it waits for the answer."""
    made = request("p/silent")
    call = start(llm, SERVICE + "Chat", made)
    talk = held(upstream, made.end_user)

    call.cancel()

    assert talk.gone.wait(GONE_S)


@pytest.mark.parametrize("method", ["Chat", "ChatStream"])
def test_a_cancelled_call_ends_its_connecting(
    llm: grpc.Channel, llm_server: ServerProcess, method: str
) -> None:
    """Before there is a connection: the attempt at one is closed, a minute before its time."""

    def connecting() -> bool:
        found = psutil.Process(llm_server.pid).net_connections("tcp")
        return any(one.status == psutil.CONN_SYN_SENT for one in found)

    made = request("full/ok")
    call = start(llm, SERVICE + "Chat", made) if method == "Chat" else begin(llm, made)
    wait_until(connecting, "it does not connect")

    call.cancel()

    wait_until(lambda: not connecting(), "it connects on")
    wait_until(lambda: health(llm, "full/ok").in_flight == 0, "the slot is held")


@pytest.mark.parametrize("model", ["silent", "stall-after"])
def test_a_deadline_closes_the_upstream(
    llm: grpc.Channel, upstream: LlmUpstream, model: str
) -> None:
    """The deadline of the call bounds every phase; the upstream is not to blame for it."""
    made = request(f"p/{model}@1")
    before = health(llm, f"p/{model}@1").failures  # of other tests

    told = stream(llm, made, timeout=0.5)

    assert told.error is not None
    assert told.error.code == Code.DEADLINE_EXCEEDED
    (talk,) = upstream.of(made.end_user)
    assert talk.gone.wait(GONE_S)
    assert health(llm, f"p/{model}@1").failures == before


def test_a_caller_that_does_not_read_holds_up_nobody(
    llm: grpc.Channel, upstream: LlmUpstream
) -> None:
    """A stream that nobody reads does not stop others, and ends when its caller goes."""
    made = request("p/trickle")
    call = begin(llm, made)
    talk = held(upstream, made.end_user)

    assert chat(llm, request("p/ok")).text == TEXT

    call.cancel()
    assert talk.gone.wait(GONE_S)


def test_a_caller_that_never_reads_is_ended(tight: grpc.Channel, upstream: LlmUpstream) -> None:
    """Neither the provider's slot nor its connection is held for one who takes nothing."""
    made = request("p/flood")
    call = begin(tight, made)
    wait_until(lambda: len(upstream.of(made.end_user)) == 1, "the upstream was not asked")
    (talk,) = upstream.of(made.end_user)

    assert talk.gone.wait(GONE_S)

    wait_until(lambda: health(tight, "p/flood").in_flight == 0, "the slot is held")
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert "the caller took none" in caught.value.details()


def test_storms_of_cancels_leave_nothing(
    llm: grpc.Channel, llm_server: ServerProcess, upstream: LlmUpstream
) -> None:
    """Calls in all phases, cancelled at any moment: no slot, no connection, and answers go on."""
    before = upstream.connections
    calls = []
    for number in range(STORM):
        model = [*PHASES, "ok", "paced", "broken"][number % (len(PHASES) + 3)]
        made = request(f"p/{model}")
        calls.append(begin(llm, made) if number % 3 else start(llm, SERVICE + "Chat", made))
        if number % 7 == 0:
            calls.pop().cancel()
        time.sleep(0.002)

    for call in calls:
        call.cancel()

    wait_until(lambda: in_flight(llm) == 0, "slots are held")
    # Connections that have answered to the end stay open for the next request.
    wait_until(lambda: upstream.connections <= before + STORM // 3, "connections are left")
    assert stream(llm, request("p/ok")).text == TEXT
    assert "Task was destroyed" not in llm_server.output
    assert "never retrieved" not in llm_server.output


def test_the_calls_of_a_provider_are_bounded(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """A provider at its limit is passed by; its slot is free again once its call has gone."""
    made = request("small/silent")
    call = begin(llm, made)
    talk = held(upstream, made.end_user)

    found = refused(llm, SERVICE + "Chat", request("small/ok"))
    assert (found.code, found.reason) == (Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY")
    assert chat(llm, request("ok", order=["small", "q"])).start.provider == "q"

    call.cancel()
    assert talk.gone.wait(GONE_S)
    wait_until(lambda: health(llm, "small/ok").in_flight == 0, "the slot is held")
    wait_until(lambda: health(llm, "small/silent").in_flight == 0, "the slot is held")
    assert chat(llm, request("small/ok")).text == TEXT


def test_parallel_streams_do_not_mix(llm: grpc.Channel) -> None:
    """Many streams at once, each with its own whole answer."""
    texts: list[str] = []

    def one() -> None:
        texts.append(stream(llm, request("p/paced")).text)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert texts == [TEXT * 4] * 20
