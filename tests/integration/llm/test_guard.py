"""Limits, cache and redaction on a real server: what providers get, where callers are stopped."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from stubtail.access.keys import new_key
from stubtail.v1 import llm_pb2
from tests.integration.calls import call, refusal, start
from tests.integration.conftest import UNBOUNDED, defects
from tests.integration.llm.chats import SERVICE, begin, chat, request, stream
from tests.integration.llm.conftest import wait_until
from tests.llm_upstream import TEXT, LlmUpstream
from tests.server_process import ServerProcess

CALLS = 1000
MINUTE_S = 55.0
ALLOWED = 100
COST = 7 * 500 + 4 * 100 + 5 * 1500  # of one answer of the script `ok`, nano-dollars


def serve(
    models: Path, transport: str, folder: Path, text: str, told: list[str], *, pages: bool = True
) -> Iterator[grpc.Channel]:
    """A channel to a server with these settings."""
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    with ServerProcess(models, transport, "--config", str(file)) as process:
        with grpc.insecure_channel(process.address, UNBOUNDED) as channel:
            yield channel
        told.append(process.http("/metrics")[1] if pages else "")
    assert not defects(process.output)
    assert "jane@example.com" not in process.output + told[-1]


@pytest.fixture
def told() -> list[str]:
    """The metrics of the last server of a test, once it has ended."""
    return []


def providers(upstream: LlmUpstream, *models: str) -> str:
    """One provider, with prices."""
    lines = ["[llm.providers.p]", f'base_url = "{upstream.base_url}"']
    lines += [f"models = {json.dumps(models)}", "concurrency_max = 5000", "[llm]"]
    lines += ["calls_max = 5000"]
    for model in models:
        lines += [f'[llm.prices."p/{model}"]', "input = 0.5", "output = 1.5", "cached_input = 0.1"]
    return "\n".join(lines) + "\n"


@pytest.fixture
def guarded(
    transport: str, llm_models: Path, upstream: LlmUpstream, tmp_path: Path, told: list[str]
) -> Iterator[grpc.Channel]:
    """A server with a cache, redaction, and a limit on calls."""
    text = providers(upstream, "ok", "cut", "vectors") + (
        f"[llm_limits]\nrequests_per_minute = {ALLOWED}\n[llm_cache]\nenabled = true\n"
        "[llm_privacy]\nredact_emails = true\n"
    )
    yield from serve(llm_models, transport, tmp_path, text, told)
    (pages,) = told
    for line in (
        'stubtail_llm_refused_total{limit="requests_per_minute"}',
        'stubtail_llm_cache_total{result="hit"} 2.0',
        "stubtail_llm_cache_answers 2.0",
    ):
        assert line in pages, line
    assert 'stubtail_llm_redacted_total{kind="email"}' in pages


@pytest.fixture
def priced(
    llm_models: Path, upstream: LlmUpstream, tmp_path: Path, told: list[str]
) -> Iterator[grpc.Channel]:
    """A server with a limit on money: of twenty answers, and what is set aside for one."""
    text = providers(upstream, "ok") + "[llm_limits]\nusd_per_day = 0.001\n"
    yield from serve(llm_models, "native", tmp_path, text, told)


def cached(model: str, text: str) -> llm_pb2.ChatRequest:
    """A chat that wants the cache."""
    made = request(model, "jane@example.com")
    made.messages[0].text = text
    made.cache.use = True
    return made


def test_calls_are_edited_kept_and_stopped_at_the_limit(
    guarded: grpc.Channel, upstream: LlmUpstream
) -> None:
    """What a provider gets, what it is not asked again, and 1,000 calls at once."""
    before, began_s = len(upstream.talks), time.monotonic()
    first = chat(guarded, cached("p/ok", "I am jane@example.com"))
    second = stream(guarded, cached("p/ok", "I am jane@example.com"))
    assert (first.text, second.text) == (TEXT, TEXT)
    assert first.end.cache == llm_pb2.CACHE_STATUS_MISS
    assert second.end is not None
    assert second.end.cache == llm_pb2.CACHE_STATUS_HIT
    assert (first.end.usage.cost_nano_usd, second.end.usage.cost_nano_usd) == (COST, 0)
    (talk,) = upstream.talks[before:]
    assert talk.body["messages"][0]["content"] == "I am [EMAIL]"
    assert talk.body["user"] == "[EMAIL]"

    broken = [stream(guarded, cached("p/cut", "Hello")) for _ in range(2)]
    assert [one.error is not None for one in broken] == [True, True]
    assert len(upstream.talks) - before >= 3, "an answer that broke off was kept"

    vectors = llm_pb2.EmbedRequest(model="p/vectors", inputs=["a", "b"])
    vectors.cache.use = True
    replies = [
        llm_pb2.EmbedResponse.FromString(call(guarded, SERVICE + "Embed", vectors))
        for _ in range(2)
    ]
    hits = [one.cache for one in replies]
    assert hits == [llm_pb2.CACHE_STATUS_MISS, llm_pb2.CACHE_STATUS_HIT]
    assert replies[0].embeddings == replies[1].embeddings

    answered, refused = at_once(guarded, request("p/ok"))
    assert len(refused) == CALLS - len(answered)
    if time.monotonic() - began_s < MINUTE_S:  # a machine that needs longer begins another minute
        assert len(answered) == ALLOWED - 6
    one = refused[0]
    assert (one.code, one.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LLM_LIMIT")
    assert one.quota
    assert one.retry_s is not None
    assert 0 < one.retry_s <= 61
    assert "calls a minute" in one.message


def test_money_ends_at_the_limit_and_not_above(priced: grpc.Channel) -> None:
    """1,000 calls at once, then one by one: what was spent never gets above, and nearly there."""
    made = request("p/ok")
    made.sampling.max_tokens = 5
    answered, refused = at_once(priced, made)
    spent = sum(one.end.usage.cost_nano_usd for one in answered)
    assert refused
    while True:
        try:
            spent += chat(priced, made).end.usage.cost_nano_usd
        except grpc.RpcError as error:
            last = refusal(error)
            break
    limit = 1_000_000
    set_aside = 500 * (made.ByteSize() + 16) + 5 * 1500
    assert limit - set_aside < spent <= limit
    assert last.reason == "LLM_LIMIT"
    assert "24 hours" in last.message


def at_once(
    channel: grpc.Channel, made: llm_pb2.ChatRequest
) -> tuple[list[llm_pb2.ChatResponse], list[Any]]:
    """Many calls at the same time: the answers and the refusals."""
    calls = [start(channel, SERVICE + "Chat", made, timeout=60) for _ in range(CALLS)]
    answered, refused = [], []
    for one in calls:
        try:
            answered.append(llm_pb2.ChatResponse.FromString(one.result()))
        except grpc.RpcError as error:
            refused.append(refusal(error))
    return answered, refused


@pytest.fixture
def keyed(
    llm_models: Path, upstream: LlmUpstream, tmp_path: Path, told: list[str]
) -> Iterator[tuple[grpc.Channel, dict[str, str]]]:
    """A server whose callers show keys, and those keys."""
    keys: dict[str, str] = {}
    text = providers(upstream, "ok", "trickle") + "[llm_cache]\nenabled = true\n"
    text += '[llm_limits]\nrequests_per_minute = 2\n[llm_limits.callers."key:batch"]\n'
    text += 'requests_per_minute = 5\n[llm_limits.callers."key:few"]\nconcurrency = 3\n'
    for name in ("web", "batch", "few"):
        keys[name], kept = new_key()
        text += f'[access.keys.{name}]\nhashes = ["{kept}"]\nscopes = ["stubtail:generate"]\n'
    text += "[llm_limits.tenants.acme]\nrequests_per_minute = 3\n"
    for name in ("acme1", "acme2"):
        keys[name], kept = new_key()
        text += f'[access.keys.{name}]\nhashes = ["{kept}"]\nscopes = ["stubtail:generate"]\n'
        text += 'tenant = "acme"\n'
    keys["other"], kept = new_key()
    text += f'[access.keys.other]\nhashes = ["{kept}"]\nscopes = ["stubtail:generate:p/other"]\n'
    for channel in serve(llm_models, "native", tmp_path, text, told, pages=False):
        yield channel, keys


def test_callers_are_told_apart_by_their_keys(
    keyed: tuple[grpc.Channel, dict[str, str]], upstream: LlmUpstream
) -> None:
    """Each has limits and a cache of its own, and only asks for models that it may ask for."""
    channel, keys = keyed
    before = len(upstream.talks)

    def ask(name: str) -> Any:
        made = request("p/ok", "same")
        made.cache.use = True
        metadata = (("authorization", f"Bearer {keys[name]}"),)
        try:
            return chat(channel, made, metadata=metadata).end.cache
        except grpc.RpcError as error:
            return refusal(error).reason

    hit, miss = llm_pb2.CACHE_STATUS_HIT, llm_pb2.CACHE_STATUS_MISS
    assert [ask("web") for _ in range(4)] == [miss, hit, "LLM_LIMIT", "LLM_LIMIT"]
    assert [ask("batch") for _ in range(6)] == [miss, hit, hit, hit, hit, "LLM_LIMIT"]
    assert ask("other") == "SCOPE_MISSING"
    assert len(upstream.talks) - before == 2


def test_the_callers_of_a_tenant_share_its_limit(
    keyed: tuple[grpc.Channel, dict[str, str]],
) -> None:
    """Each may make two calls a minute by its own limit, and both together three."""
    channel, keys = keyed

    def ask(name: str) -> str:
        metadata = (("authorization", f"Bearer {keys[name]}"),)
        try:
            chat(channel, request("p/ok"), metadata=metadata)
        except grpc.RpcError as error:
            return refusal(error).quota[0]
        return "answered"

    names = ("acme1", "acme1", "acme1", "acme2", "acme2")
    answered = ["answered", "answered", "caller:key:acme1", "answered", "tenant:acme"]
    assert [ask(name) for name in names] == answered


def test_a_caller_who_goes_gives_its_place_back(
    keyed: tuple[grpc.Channel, dict[str, str]],
) -> None:
    """Whatever comes of streams, no more and no fewer are open at a time than may be."""
    channel, keys = keyed
    metadata = (("authorization", f"Bearer {keys['few']}"),)
    refused: list[str] = []

    def ask() -> Any:
        """A stream that has begun, or None where it was refused."""
        one = begin(channel, request("p/trickle"), metadata=metadata, timeout=60)
        try:
            next(one)
        except grpc.RpcError as error:
            refused.append(refusal(error).metadata["limit"])
            return None
        return one

    for _ in range(5):
        opened: list[Any] = []

        def fill(opened: list[Any] = opened) -> bool:
            opened += filter(None, [ask()])
            return len(opened) == 3

        wait_until(fill, "a place is not given back", 30)
        assert ask() is None
        for one in opened:
            one.cancel()
    assert set(refused) == {"concurrency"}
