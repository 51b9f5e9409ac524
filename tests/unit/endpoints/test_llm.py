"""LlmService: messages put together by hand are what protobuf makes; who is told of what."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.access.identity import CALL
from stubtail.access.keys import new_key
from stubtail.access.part import AccessPart
from stubtail.config import LlmSettings, Secret, load
from stubtail.config.llm import AliasSettings, ProviderSettings
from stubtail.endpoints.llm import SERVICE, LlmEndpoint, _message, _text
from stubtail.llm.proxy import Proxy
from stubtail.v1 import llm_pb2


@given(st.integers(0, 2**32 - 1), st.text(min_size=1, max_size=400))
def test_a_text_is_a_delta(seq: int, text: str):
    """With any number and any text, long ones and those outside ASCII too."""
    delta = llm_pb2.ChatDelta(text=text)
    expected = llm_pb2.ChatStreamResponse(seq=seq, delta=delta)
    assert llm_pb2.ChatStreamResponse.FromString(_text(seq, text)) == expected
    assert llm_pb2.ChatStreamResponse.FromString(_message(seq, delta)) == expected


def told(folder: Path, scope: str, tenant: str) -> tuple[set[str], list[llm_pb2.UpstreamHealth]]:
    """The names that a caller with this scope is told of, and how they are doing."""
    key, kept = new_key()
    file = folder / "stubtail.toml"
    file.write_text(
        f'[access.keys.web]\nhashes = ["{kept}"]\nscopes = ["{scope}"]\ntenant = "{tenant}"\n'
        '[access.tenants.acme]\nmodels = ["*"]\n'
    )
    guard = AccessPart(load(file, (), {}).access, lambda: 0.0).guard
    assert guard is not None
    provider = ProviderSettings(base_url="http://127.0.0.1:9", models=("small", "large"))
    aliases = {"fast": AliasSettings(targets=("p/small",))}
    settings = LlmSettings(providers={"p": provider}, aliases=aliases)
    proxy = Proxy(settings, {"p": Secret("")}, "test")
    for upstream in proxy.upstreams:
        upstream.lease(0.0)
    endpoint = LlmEndpoint(proxy, 1.0)

    async def ask() -> tuple[bytes, bytes]:
        CALL.set(guard.admit(f"Bearer {key}", SERVICE + "ListModels", 0.0))
        return await endpoint.list_models(b""), await endpoint.health(b"")

    listed, health = asyncio.run(ask())
    reply = llm_pb2.LlmServiceListModelsResponse.FromString(listed)
    names = {one.name for one in reply.models} | {one.name for one in reply.aliases}
    return names, list(llm_pb2.GetProviderHealthResponse.FromString(health).upstreams)


@pytest.mark.parametrize(
    ("scope", "listed", "models"),
    [
        ("stubtail:read", {"p/small", "p/large", "fast"}, ["small", "large"]),
        ("stubtail:read:fast", {"fast"}, []),
        ("stubtail:read:large", {"p/large"}, ["large"]),
        ("stubtail:read:p/sm*", {"p/small"}, ["small"]),
    ],
)
def test_who_may_read_some_models_is_told_of_those(
    tmp_path: Path, scope: str, listed: set[str], models: list[str]
) -> None:
    """By the name of the model alone or with its provider."""
    names, health = told(tmp_path, scope, "*")
    assert names == listed
    assert [one.model for one in health] == models


def test_the_numbers_of_calls_are_the_operator_s(tmp_path: Path) -> None:
    """A tenant could count the others' calls by them."""
    operators, theirs = (told(tmp_path, "stubtail:read", who)[1] for who in ("*", "acme"))
    assert [(one.in_flight, one.attempts) for one in operators] == [(1, 1)] * 2
    assert [(one.model, one.breaker) for one in theirs] == [
        (one.model, one.breaker) for one in operators
    ]
    assert not any(
        one.in_flight or one.attempts or one.failures or one.HasField("first_token_us")
        for one in theirs
    )
