"""Chat over real connections: whole answers, what is refused, models and health."""

import grpc
import pytest

from stubtail.v1 import llm_pb2
from tests.integration.calls import Code, call, refused, refused_field
from tests.integration.llm.chats import SERVICE, chat, health, request
from tests.integration.llm.test_chat_stream import outcome, patience
from tests.llm_upstream import TEXT, LlmUpstream

CHAT = SERVICE + "Chat"
FAULTS = [
    ("broken", "UPSTREAM_ERROR", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("throttled", "THROTTLED", Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY"),
    ("bad-key", "AUTH_FAILED", Code.INTERNAL, "PROVIDER_AUTH"),
    ("too-long", "CONTEXT_TOO_LONG", Code.INVALID_ARGUMENT, "UPSTREAM_REFUSED"),
    ("garbage", "MALFORMED", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("silent", "NO_FIRST_TOKEN", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("reset-before", "BROKEN_OFF", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("cut", "BROKEN_OFF", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("done-early", "MALFORMED", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
    ("error-json", "THROTTLED", Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY"),
    ("error-finish", "UPSTREAM_ERROR", Code.UNAVAILABLE, "UPSTREAM_FAILED"),
]


def test_a_whole_answer(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """Text, who answered, and what it took."""
    made = request("p/ok")

    reply = chat(llm, made)

    assert (reply.text, reply.start.provider, reply.start.attempt) == (TEXT, "p", 1)
    assert reply.end.finish_reason == llm_pb2.FINISH_REASON_STOP
    assert reply.end.usage.cost_nano_usd == 7 * 500 + 4 * 100 + 5 * 1500
    (talk,) = upstream.of(made.end_user)
    assert "stream" not in talk.body


def test_tools_and_thoughts(llm: grpc.Channel) -> None:
    """Calls of tools are whole; thoughts stand beside the text."""
    (tool,) = chat(llm, request("p/tools")).tool_calls
    assert (tool.id, tool.name, tool.arguments_json) == ("c0", "look", '{"at": "sea"}')
    reply = chat(llm, request("p/thinking"))
    assert (reply.text, reply.reasoning) == ("Yes", "Hm.")


@pytest.mark.parametrize(("model", "ended", "code", "reason"), FAULTS)
def test_faults_have_a_status(
    llm: grpc.Channel, model: str, ended: str, code: grpc.StatusCode, reason: str
) -> None:
    """No fault is an answer."""
    found = refused(llm, CHAT, request(f"p/{model}@3", max_attempts=1, **patience(model)))

    assert (found.code, found.reason) == (code, reason)
    assert found.metadata["outcome"] == ended
    assert "SECRET" not in found.message + str(found.metadata)


@pytest.mark.parametrize(("model", "ended"), [fault[:2] for fault in FAULTS])
def test_faults_fail_over(llm: grpc.Channel, model: str, ended: str) -> None:
    """Another upstream answers, whenever the fault shows."""
    reply = chat(llm, request(f"after {model}@4", **patience(model)))

    assert reply.text == TEXT
    assert [outcome(one.outcome) for one in reply.end.attempts] == [ended, "OK"]


def test_throttling_is_remembered(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """Until the time that the provider named nobody asks it; callers are told when to come back."""
    first = refused(llm, CHAT, request("p/throttled@5"))
    made = request("p/throttled@5")
    again = refused(llm, CHAT, made)

    for found in (first, again):
        assert (found.code, found.reason) == (Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY")
        assert found.retry_s is not None
        assert 20 < found.retry_s <= 30
    assert upstream.of(made.end_user) == []
    told = health(llm, "p/throttled@5")
    assert told.throttled
    assert 20_000 < told.available_in_ms <= 30_000
    assert told.breaker == llm_pb2.BREAKER_STATE_CLOSED
    assert (told.attempts, told.failures) == (1, 1)


def test_wishes_choose_the_upstream(llm: grpc.Channel) -> None:
    """A plain name, a pin, an order, and what is left out."""
    assert chat(llm, request("ok")).start.provider == "p"
    assert chat(llm, request("ok", order=["q"])).start.provider == "q"
    assert chat(llm, request("ok", only=["keyed", "q"], ignore=["q/ok"])).start.provider == "keyed"
    alone = request("after broken@6", allow_fallback=False, max_attempts=1)
    assert refused(llm, CHAT, alone).reason == "UPSTREAM_FAILED"
    none = refused(llm, CHAT, request("p/ok", ignore=["p"]))
    assert (none.code, none.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")


def test_unknown_models_are_not_found(llm: grpc.Channel) -> None:
    """A name that nothing has, and a provider that is none."""
    found = refused(llm, CHAT, request("p/nothing"))
    assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    made = llm_pb2.GetProviderHealthRequest(provider="nobody-knows")
    assert refused(llm, SERVICE + "GetProviderHealth", made).code == Code.NOT_FOUND


def test_wrong_requests_are_told_by_field(llm: grpc.Channel, upstream: LlmUpstream) -> None:
    """A wrong field is named before any provider is asked, on both methods' one check."""
    made = request("p/ok")
    made.sampling.temperature = 3
    assert refused_field(llm, CHAT, made) == ("sampling.temperature", "must be 0.0 to 2.0")
    made = request("p/ok")
    del made.messages[:]
    assert refused_field(llm, CHAT, made)[0] == "messages"
    assert upstream.of(made.end_user) == []


def test_models_are_listed_with_prices(llm: grpc.Channel) -> None:
    """Every model of every provider, aliases, and prices where there are some."""
    payload = call(llm, SERVICE + "ListModels", b"")
    reply = llm_pb2.LlmServiceListModelsResponse.FromString(payload)

    models = {one.name: one for one in reply.models}
    assert models["p/ok"].price.output_nano_usd == 1_500_000_000
    assert not models["q/ok"].HasField("price")
    aliases = {one.name: one for one in reply.aliases}
    assert list(aliases["chain"].targets) == ["p/broken"]
    assert aliases["chain"].fallback == "after cut"
