"""Embed over real connections: one vector for each text, or an error."""

import grpc
import pytest

from stubtail.v1 import llm_pb2
from tests.integration.calls import Code, call, refused, refused_field
from tests.integration.llm.chats import SERVICE
from tests.integration.llm.test_chat_stream import outcome
from tests.llm_scripts import vector

EMBED = SERVICE + "Embed"
TEXTS = ["a", "bcd", "Gdańsk"]


def embed(channel: grpc.Channel, model: str) -> llm_pb2.EmbedResponse:
    """The answer of Embed."""
    made = llm_pb2.EmbedRequest(model=model, inputs=TEXTS)
    return llm_pb2.EmbedResponse.FromString(call(channel, EMBED, made))


def vectors(reply: llm_pb2.EmbedResponse) -> list[list[float]]:
    """The vectors as lists."""
    return [list(one.values) for one in reply.embeddings]


def test_vectors_keep_the_order_of_the_texts(llm: grpc.Channel) -> None:
    """Though the upstream sends the last one first."""
    reply = embed(llm, "p/vectors")

    assert vectors(reply) == [vector(text) for text in TEXTS]
    assert (reply.provider, reply.model, reply.response_model) == ("p", "vectors", "vectors-2")
    assert (reply.usage.input_tokens, reply.usage.cost_nano_usd) == (7, 14_000)
    assert [outcome(one.outcome) for one in reply.attempts] == ["OK"]
    assert reply.timing.total_us > 0


def test_lists_of_numbers_are_read_too(llm: grpc.Channel) -> None:
    """From providers that know no base64; without counts there is no cost."""
    reply = embed(llm, "p/vector-lists")

    assert vectors(reply) == [vector(text) for text in TEXTS]
    assert reply.usage == llm_pb2.Usage()


def test_another_takes_over(llm: grpc.Channel) -> None:
    """After one that sends too few, and one that fails."""
    reply = embed(llm, "vectors")

    outcomes = [outcome(one.outcome) for one in reply.attempts]
    assert outcomes == ["MALFORMED", "UPSTREAM_ERROR", "OK"]


@pytest.mark.parametrize("model", ["vectors-missing", "ok", "garbage"])
def test_what_is_no_answer_is_an_error(llm: grpc.Channel, model: str) -> None:
    """Too few vectors, a chat, and no JSON."""
    made = llm_pb2.EmbedRequest(
        model=f"p/{model}", inputs=TEXTS, routing=llm_pb2.Routing(max_attempts=1)
    )
    found = refused(llm, EMBED, made)
    assert (found.code, found.metadata["outcome"]) == (Code.UNAVAILABLE, "MALFORMED")


def test_wrong_requests_are_told_by_field(llm: grpc.Channel) -> None:
    """Before anybody is asked."""
    made = llm_pb2.EmbedRequest(model="p/vectors", inputs=["a", ""])
    assert refused_field(llm, EMBED, made)[0] == "inputs"
    made = llm_pb2.EmbedRequest(model="p/vectors", inputs=["a"], dimensions=0)
    assert refused_field(llm, EMBED, made)[0] == "dimensions"
