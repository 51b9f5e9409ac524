"""What stands around calls, as the settings ask for it."""

from pathlib import Path

import pytest

from stubtail.config import ConfigError, Flag, Settings, load, with_local
from stubtail.config.llm_local import ALIASES
from stubtail.errors import CallError
from stubtail.llm.guard import Guard
from stubtail.llm.hooks import Caller
from stubtail.v1 import llm_pb2

FILE = """
[llm.providers.cheap]
base_url = "http://127.0.0.1:1/v1"
models = ["small", "large"]
[llm.providers.dear]
base_url = "http://127.0.0.1:1/v1"
models = ["large"]
[llm.aliases.fast]
targets = ["cheap/small"]
fallback = "best"
[llm.aliases.best]
targets = ["cheap/large", "dear/large"]
[llm.prices."cheap/small"]
input = 1
output = 1
[llm.prices."cheap/large"]
input = 2
output = 5
[llm.prices."dear/large"]
input = 10
output = 4
cache_write = 12
"""


def settings(text: str, folder: Path) -> Settings:
    """Settings of a file that says this on top."""
    file = folder / "settings.toml"
    file.write_text(FILE + text, encoding="utf-8")
    return load(file, environ={})


def chat(model: str, text: str = "x") -> llm_pb2.ChatRequest:
    """A chat of one message."""
    message = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text=text)
    return llm_pb2.ChatRequest(model=model, messages=[message])


def test_nothing_is_there_that_nobody_asked_for(tmp_path: Path) -> None:
    """No hook costs a call anything."""
    hooks = Guard(settings("", tmp_path), lambda: 0.0).hooks()
    assert (hooks.edit, hooks.limits, hooks.cache) == (None, None, None)


def test_money_is_set_aside_by_the_dearest_price_that_may_be_met(tmp_path: Path) -> None:
    """An alias with a fallback may end at its dearest; each side of a price by itself."""
    limited = settings("[llm_limits]\nusd_per_day = 1000\nanswer_tokens = 100\n", tmp_path)
    limits = Guard(limited, lambda: 0.0).limits
    assert limits is not None
    for model, asked, answered in (
        ("cheap/small", 1000, 1000),
        ("fast", 12_000, 5000),
        ("best", 12_000, 5000),
        ("large", 12_000, 5000),
        ("cheap/large", 2000, 5000),
    ):
        request = chat(model)
        amount = limits._amount(request, limits._price_of(model))
        tokens = request.ByteSize() + 16
        assert amount.nano_usd == tokens * asked + 100 * answered, model


def test_answers_are_bounded_where_tokens_are_limited(tmp_path: Path) -> None:
    """What is set aside for an answer is what the provider is told."""
    for text, capped in (
        ("[llm_limits]\nrequests_per_minute = 5\n", False),
        ("[llm_limits]\ntokens_per_minute = 50000\nanswer_tokens = 77\n", True),
        ("[llm_limits]\nanswer_tokens = 77\n[llm_limits.providers.dear]\nusd_per_day=1\n", True),
    ):
        edit = Guard(settings(text, tmp_path), lambda: 0.0).hooks().edit
        sampling = edit(chat("fast")).sampling if edit else llm_pb2.Sampling()
        assert (sampling.max_tokens == 77) == capped


def test_one_caller_has_limits_of_its_own(tmp_path: Path) -> None:
    """By name, in place of those of everybody."""
    text = "[llm_limits]\nrequests_per_minute = 1\n[llm_limits.callers.batch]\nconcurrency = 3\n"
    limits = Guard(settings(text, tmp_path), lambda: 0.0).limits
    assert limits is not None
    for _ in range(3):
        limits.admit(Caller("batch"), chat("fast"), 0.0)
    limits.admit(Caller("web"), chat("fast"), 0.0)
    for name in ("batch", "web"):
        with pytest.raises(CallError):
            limits.admit(Caller(name), chat("fast"), 0.0)


def test_a_tenant_has_limits_for_all_its_callers(tmp_path: Path) -> None:
    """Also where no single caller has any; answers are bounded then, too."""
    text = "[llm_limits]\nanswer_tokens = 10\n[llm_limits.tenants.acme]\ntokens_per_minute = 100\n"
    guard = Guard(settings(text, tmp_path), lambda: 0.0)
    assert guard.hooks().edit is not None
    limits = guard.limits
    assert limits is not None
    for name in ("alice", "bob"):
        limits.admit(Caller(name, tenant="acme"), chat("cheap/small"), 0.0)
    with pytest.raises(CallError) as caught:
        limits.admit(Caller("carol", tenant="acme"), chat("cheap/small"), 0.0)
    assert caught.value.reason == "LLM_LIMIT"
    limits.admit(Caller("carol", tenant="other"), chat("cheap/small"), 0.0)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[llm_limits.providers.nobody]\nconcurrency = 1\n", "there is no provider nobody"),
        ("[llm_cache]\nbytes_max = 2000\nentry_bytes_max = 3000\n", "must fit into all of it"),
        (
            (
                '[llm.providers.free]\nbase_url = "http://a/v1"\nmodels = ["m"]\n'
                "[llm_limits]\nusd_per_day = 1\n"
            ),
            "free/m needs a price",
        ),
    ],
)
def test_settings_that_contradict_each_other(text: str, part: str, tmp_path: Path) -> None:
    """Are refused before anything starts."""
    with pytest.raises(ConfigError) as caught:
        settings(text, tmp_path)
    assert part in "\n".join(map(str, caught.value.problems))


def test_local_models_join_what_the_settings_name(tmp_path: Path) -> None:
    """Nothing that somebody has named is replaced; money can be limited, as they are free."""
    flags = [
        Flag("--set", "llm_local.enabled", "true"),
        Flag("--set", "llm_limits.usd_per_day", "1"),
    ]
    file = tmp_path / "settings.toml"
    file.write_text(FILE, encoding="utf-8")
    found = load(file, flags, environ={})
    llm = with_local(found.llm, found.llm_local)
    assert llm.aliases["fast"].targets == ("cheap/small",)
    assert llm.aliases["embeddings"].targets == (ALIASES["embeddings"],)
    assert set(llm.providers) == {"cheap", "dear", "builtin", "builtin-embeddings"}
    assert with_local(Settings().llm, Settings().llm_local) is not None
    assert not with_local(Settings().llm, Settings().llm_local).providers
