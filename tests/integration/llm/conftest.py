"""Servers with providers that fail on purpose, and the proof that nothing of a call is left."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from stubtail.v1 import llm_pb2
from tests import model_files
from tests.integration.calls import call
from tests.integration.conftest import UNBOUNDED, defects
from tests.integration.llm.chats import SERVICE
from tests.llm_anthropic import ANTHROPIC
from tests.llm_scripts import SCRIPTS
from tests.llm_upstream import LlmUpstream
from tests.server_process import ServerProcess

COPIES = 8  # of models whose state a test changes: each test has its own
SECRETS = ("SECRET-PROMPT", "SECRET-KEY", "SECRET-ANSWER", "Grey")
PATIENT = {
    "breaker_failures_max": 10_000,
    "breaker_attempts_min": 10_000,
    "connect_timeout_ms": 60_000,  # what is closed before has been cancelled
}
TIGHT = {
    "breaker_failures_max": 3,
    "breaker_open_ms": 300,
    "breaker_open_max_ms": 300,
    "total_timeout_ms": 3000,
    "stall_timeout_ms": 1000,
    "caller_timeout_ms": 500,
    "calls_max": 20,
}


def wait_until(holds: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
    """Waits for something that comes soon, and fails where it does not."""
    end_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.005)


def in_flight(channel: grpc.Channel) -> int:
    """The calls that upstreams are answering, by the server's own count."""
    payload = call(channel, SERVICE + "GetProviderHealth", b"")
    upstreams = llm_pb2.GetProviderHealthResponse.FromString(payload).upstreams
    return sum(one.in_flight for one in upstreams)


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue of callers is full: whoever else connects waits for ever."""
    with socket.socket() as listening, socket.socket() as only:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        only.connect(listening.getsockname())
        yield int(listening.getsockname()[1])


def write_settings(path: Path, upstream: LlmUpstream, full: int = 1, **settings: int) -> Path:
    """Settings with the providers `p`, `q` and some that cannot be reached, and aliases."""
    names = [*SCRIPTS, *(f"{name}@{copy}" for name in SCRIPTS for copy in range(COPIES))]
    lines = ["[llm]", *(f"{name} = {value}" for name, value in settings.items())]
    addresses = {
        "p": (upstream.base_url, names),
        "q": (upstream.base_url, ["ok", "ok@1", "ok@2", "paced", "broken", "throttled@7"]),
        "nobody": ("http://127.0.0.1:1/v1", ["ok"]),
        "full": (f"http://127.0.0.1:{full}/v1", ["ok"]),
        "tls": (f"https://127.0.0.1:{upstream.port}/v1", ["ok"]),
    }
    for name, (url, models) in addresses.items():
        lines += [
            f"[llm.providers.{name}]",
            f'base_url = "{url}"',
            f"models = {json.dumps(models)}",
        ]
    lines += [
        "concurrency_max = 2000",
        "[llm.providers.small]",
        f'base_url = "{upstream.base_url}"',
    ]
    lines += ['models = ["silent", "ok"]', "concurrency_max = 1"]
    key = path.with_name("key")
    key.write_text("sk-SECRET-KEY\n", encoding="ascii")
    lines += ["[llm.providers.keyed]", f'base_url = "{upstream.base_url}"', 'models = ["ok"]']
    lines += [f"api_key_file = {json.dumps(str(key))}"]
    lines += ["[llm.providers.claude]", f'base_url = "{upstream.base_url}"', 'kind = "anthropic"']
    lines += [f"models = {json.dumps(list(ANTHROPIC))}", "max_tokens = 777"]
    lines += [f"api_key_file = {json.dumps(str(key))}"]
    lines += ["[llm.providers.strict]", f'base_url = "{upstream.base_url}"', 'models = ["ok"]']
    lines += ['refuses = ["sampling.seed", "messages.name"]']
    lines += ["[llm.aliases.hedged]", 'targets = ["p/silent", "q/ok"]', "hedge_after_ms = 50"]
    lines += ["[llm.aliases.outgrown]", 'targets = ["claude/outgrown", "p/broken"]']
    lines += ['context_fallback = "fast"']
    lines += ["[llm.aliases.refused]", 'targets = ["claude/refuses", "p/broken"]']
    lines += ['content_fallback = "fast"']
    lines += ['[llm.prices."claude/says"]', "input = 3", "output = 15", "cached_input = 0.3"]
    lines += ["cache_write = 3.75"]
    for name in names:
        lines += [f'[llm.aliases."after {name}"]', f'targets = ["p/{name}", "q/ok"]']
    lines += ["[llm.aliases.fast]", 'targets = ["p/ok"]']
    lines += ["[llm.aliases.unreachable]", 'targets = ["nobody/ok", "tls/ok", "q/ok"]']
    lines += ["[llm.aliases.chain]", 'targets = ["p/broken"]', 'fallback = "after cut"']
    lines += ["[llm.aliases.vectors]", 'targets = ["p/vectors-missing", "p/broken", "p/vectors"]']
    lines += ['[llm.prices."p/vectors"]', "input = 2"]
    lines += ['[llm.prices."p/ok"]', "input = 0.5", "output = 1.5", "cached_input = 0.1"]
    lines += ['[llm.prices."p/partial-usage"]', "input = 1", "output = 1"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def upstream() -> Iterator[LlmUpstream]:
    """The provider."""
    with LlmUpstream({**SCRIPTS, **ANTHROPIC}) as serving:
        yield serving


@pytest.fixture(scope="session")
def llm_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small model."""
    folder = tmp_path_factory.mktemp("llm-models")
    model_files.write_model(folder / "affine" / "1", model_files.affine())
    return folder


@pytest.fixture(scope="session")
def llm_server(
    transport: str,
    llm_models: Path,
    upstream: LlmUpstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess]:
    """A server whose breakers never open, so that tests do not know of each other."""
    path = tmp_path_factory.mktemp("llm") / "a.toml"
    with full_port() as full:
        yield from _serve(llm_models, transport, write_settings(path, upstream, full, **PATIENT))


@pytest.fixture(scope="session")
def tight_server(
    transport: str,
    llm_models: Path,
    upstream: LlmUpstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess]:
    """A server with breakers that open early, and little time."""
    path = tmp_path_factory.mktemp("llm") / "b.toml"
    with full_port() as full:
        yield from _serve(llm_models, transport, write_settings(path, upstream, full, **TIGHT))


def _serve(models: Path, transport: str, file: Path) -> Iterator[ServerProcess]:
    with ServerProcess(models, transport, "--config", str(file)) as process:
        yield process
        pages = process.http("/metrics")[1]
    assert not defects(process.output)
    told = process.output + pages
    assert not [secret for secret in SECRETS if secret in told], told


@pytest.fixture
def llm(llm_server: ServerProcess, upstream: LlmUpstream) -> Iterator[grpc.Channel]:
    """A channel to `llm_server`; after the test no slot and no connection is held by a call."""
    yield from _channel(llm_server, upstream)


@pytest.fixture
def tight(tight_server: ServerProcess, upstream: LlmUpstream) -> Iterator[grpc.Channel]:
    """A channel to `tight_server`; after the test no slot is held by a call."""
    yield from _channel(tight_server, upstream)


def _channel(server: ServerProcess, upstream: LlmUpstream) -> Iterator[grpc.Channel]:
    before = len(upstream.talks)
    with grpc.insecure_channel(server.address, UNBOUNDED) as channel:
        yield channel
        wait_until(lambda: in_flight(channel) == 0, "slots are held")
        wait_until(
            lambda: all(
                talk.said.is_set() or talk.gone.is_set() for talk in upstream.talks[before:]
            ),
            "upstream calls go on",
        )
