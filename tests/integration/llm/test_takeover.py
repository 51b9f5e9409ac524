"""Hedges and restarts over real connections."""

import grpc
import pytest

from stubtail.v1 import llm_pb2
from tests.integration.llm.chats import begin, chat, request, stream
from tests.integration.llm.conftest import wait_until
from tests.integration.llm.test_chat_stream import complete, outcomes
from tests.llm_upstream import TEXT, LlmUpstream

GONE_S = 10.0


@pytest.mark.parametrize("how", ["alias", "call"])
def test_a_hedge_answers_and_the_slow_one_is_closed(
    llm: grpc.Channel, upstream: LlmUpstream, how: str
) -> None:
    """The alias asks for it, or the call does."""
    made = request("hedged") if how == "alias" else request("after silent@2", hedge_after_ms=50)

    end = complete(stream(llm, made))

    assert outcomes(end) == ["SUPERSEDED", "OK"]
    assert [one.hedge for one in end.attempts] == [False, True]
    silent, _ = upstream.of(made.end_user)
    assert silent.gone.wait(GONE_S)
    assert chat(llm, request("hedged")).text == TEXT


def test_a_call_can_do_without_a_hedge(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """0 switches it off, and tools do: two models must not act."""
    switched_off = request("hedged", hedge_after_ms=0, first_token_timeout_ms=300)
    with_tools = request("hedged", first_token_timeout_ms=300)
    with_tools.tools.add(name="look")
    for made in (switched_off, with_tools):
        assert outcomes(complete(stream(llm, made))) == ["NO_FIRST_TOKEN", "OK"]


def test_a_cancelled_hedge_leaves_nothing(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """Both connections are closed; the fixture looks for slots."""
    made = request("silent", order=["p"], hedge_after_ms=10)
    call = begin(llm, made)
    wait_until(lambda: len(upstream.of(made.end_user)) == 2, "there is no hedge")
    call.cancel()
    assert all(talk.gone.wait(GONE_S) for talk in upstream.of(made.end_user))


def test_a_restart_is_told(llm: grpc.Channel) -> None:
    """What came is void, and the whole answer follows."""
    messages = list(begin(llm, request("after cut@5", allow_restart=True)))

    kinds = [message.WhichOneof("event") for message in messages]
    at = kinds.index("restart")
    assert (kinds[0], kinds[-1], kinds.count("start")) == ("start", "end", 1)
    assert messages[at].restart.outcome == llm_pb2.ATTEMPT_OUTCOME_BROKEN_OFF
    assert messages[at].restart.start.provider == "q"
    assert "".join(one.delta.text for one in messages[at:]) == TEXT
    assert [message.seq for message in messages] == list(range(len(messages)))
