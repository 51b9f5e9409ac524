"""Tests of the settings of language model providers: tables of tables, and keys nobody sees."""

import pickle
from pathlib import Path

import pytest

from stubtail.config import (
    ConfigError,
    Flag,
    ProviderSettings,
    Secret,
    Settings,
    from_document,
    load,
    provider_keys,
    to_document,
    to_toml,
)
from stubtail.config.rules import tables_of

GOOD = """
[llm]
strategy = "weighted"
[llm.providers.groq]
base_url = "https://groq.example/v1"
models = ["llama-3.1-8b", "openai/gpt-oss-20b"]
api_key_env = "GROQ_KEY"
[llm.providers.local]
base_url = "http://127.0.0.1:8080/v1"
models = ["llama-3.1-8b"]
weight = 2
[llm.aliases.fast]
targets = ["groq/llama-3.1-8b", "local/llama-3.1-8b"]
fallback = "slow"
[llm.aliases.slow]
targets = ["local/llama-3.1-8b"]
[llm.prices."groq/llama-3.1-8b"]
input = 0.05
output = 0.08
"""
ENVIRON = {"GROQ_KEY": "gsk-secret-key"}


def write(folder: Path, text: str) -> Path:
    """A settings file with this text."""
    path = folder / "stubtail.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """What `load` complains of, without the name of the file."""
    file = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ=ENVIRON if environ is None else environ)
    return [one.removeprefix(f"file {file}: ") for one in caught.value.problems]


def test_providers_are_data(tmp_path):
    """Names of people's own, with dots and slashes where a model has them."""
    llm = load(write(tmp_path, GOOD), environ=ENVIRON).llm

    assert llm.providers["groq"].models == ("llama-3.1-8b", "openai/gpt-oss-20b")
    assert llm.providers["local"].weight == 2.0
    assert llm.prices["groq/llama-3.1-8b"].output == 0.08
    assert llm.aliases["fast"].fallback == "slow"


def test_without_providers_there_are_none():
    """The defaults have empty tables."""
    assert load(environ={}).llm.providers == {}


def test_every_default_of_an_entry_is_allowed():
    """A default keeps its own rule and has a meaning and a reason, as in sections."""
    for table in tables_of(Settings):
        for setting in table.settings("NAME"):
            assert setting.check(setting.default) == setting.default, setting.key
            assert setting.rule.about, setting.key
            assert setting.rule.why, setting.key


def test_printed_settings_read_back(tmp_path):
    """And survive the handover to a worker."""
    settings = load(write(tmp_path, GOOD), environ=ENVIRON)

    assert load(write(tmp_path, to_toml(settings)), environ=ENVIRON) == settings
    assert from_document(Settings, to_document(settings)) == settings
    assert "# [llm.providers.NAME]" in to_toml(Settings())
    assert load(write(tmp_path, to_toml(Settings())), environ={}) == Settings()


def test_entries_from_the_command_line(tmp_path):
    """`--set` reaches into tables; lists are separated by commas."""
    flags = [
        Flag("--set a", "llm.providers.x.base_url", "http://h/v1"),
        Flag("--set b", "llm.providers.x.models", "a, b"),
    ]
    assert load(flags=flags, environ={}).llm.providers["x"].models == ("a", "b")


def test_all_problems_are_told_at_once(tmp_path):
    """Wrong names, wrong types and wrong references, each with its key."""
    text = """
[llm.providers.groq]
base_url = "ftp://x"
models = "one"
key = "gsk-secret-key"
[llm.providers.empty]
[llm.providers."a/b"]
base_url = "https://user:password@host/v1"
models = [3]
[llm.aliases.one]
targets = ["groq/nothing"]
fallback = "two"
[llm.aliases.two]
fallback = "one"
[llm.prices."x/y"]
input = -1
"""
    found = problems(tmp_path, text)

    assert [one.partition(": ")[0] for one in found] == [
        "llm.providers.groq.models",
        "llm.providers.groq.key",
        "llm.providers.empty",
        "llm.providers.a/b.models",
        "llm.prices.x/y.input",
        "llm.providers.groq.base_url",
        "llm.providers.a/b.base_url",
        "llm.providers.a/b.base_url",
        "llm.aliases.one.targets",
        "llm.aliases.one.fallback",
        "default of llm.aliases.two.targets",
        "llm.aliases.two.fallback",
    ]
    assert "[llm.providers.NAME] takes base_url, kind, models" in found[1]
    assert "gsk-secret" not in str(found)
    assert "password@" not in str(found)


def test_aliases_and_fields_that_are_not_there(tmp_path):
    """Fallbacks must be other aliases that exist; what a provider refuses must be a field."""
    text = """
[llm.aliases.fast]
targets = ["groq/llama-3.1-8b"]
context_fallback = "large"
content_fallback = "fast"
[llm.providers.groq]
base_url = "https://groq.example/v1"
models = ["llama-3.1-8b"]
refuses = ["sampling.seed", "model"]
"""
    told = "\n".join(problems(tmp_path, text))
    assert "there is no alias large" in told
    assert "must be another alias" in told
    assert "'model' must be a field such as" in told


def test_times_that_contradict_each_other(tmp_path):
    """The first time between probes is not the longest."""
    (problem,) = problems(tmp_path, "[llm]\nbreaker_open_ms = 90000\n")
    assert "the first time (90000) must not be above the longest (60000)" in problem


def test_keys_come_from_the_environment_or_a_file(tmp_path):
    """The environment wins; a provider without either has no key."""
    file = tmp_path / "key"
    file.write_text("from-file\n", encoding="ascii")
    text = GOOD.replace('"GROQ_KEY"', f'"GROQ_KEY"\napi_key_file = "{file}"')
    settings = load(write(tmp_path, text), environ={})

    assert provider_keys(settings, {})["groq"].reveal() == "from-file"
    assert provider_keys(settings, ENVIRON)["groq"].reveal() == "gsk-secret-key"
    assert not provider_keys(settings, {})["local"]


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), (b"", "like a key"), (b"a\nb", "like a key"), (b"\xff", "a key")],
)
def test_keys_that_cannot_be_read_are_told(tmp_path, content, told):
    """Without what was in the file."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    text = GOOD.replace('api_key_env = "GROQ_KEY"', f'api_key_file = "{file}"')
    (problem,) = problems(tmp_path, text)
    assert problem.startswith("llm.providers.groq.api_key_file: ")
    assert told in problem


def test_a_missing_variable_is_told(tmp_path):
    """At the start, not at the first call."""
    (problem,) = problems(tmp_path, GOOD, {})
    assert problem == (
        "llm.providers.groq.api_key_env: the environment variable GROQ_KEY is not set"
    )


def test_secrets_show_themselves_to_nobody():
    """Not to print, not to format, not to pickle."""
    secret = Secret("gsk-secret-key")
    shown = f"{secret} {secret!r} {[secret]} {ProviderSettings(api_key_env='X')}"
    assert "gsk" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
