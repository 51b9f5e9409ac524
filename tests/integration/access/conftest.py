"""Servers with callers of every kind, on both transports."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from stubtail.access.keys import new_key
from tests import model_files
from tests.server_process import ServerProcess
from tests.unit.access.signed import AUDIENCE, ISSUER, Signer, document

SCOPES = ("read", "predict", "detect", "generate", "manage", "feedback", "automation")
Metadata = tuple[tuple[str, str], ...]
# In the folders of tenants: what each multiplies by. Both have a churn, as all have together.
OWN = {"gold/churn": 10.0, "gold/vault": 20.0, "iron/churn": -1.0, "iron/plans": -2.0}


def bearer(credential: str) -> Metadata:
    """The metadata of a call with this credential."""
    return (("authorization", f"Bearer {credential}"),)


@dataclass
class Guarded:
    """A server, the keys of its callers, and who signs its tokens."""

    server: ServerProcess
    channel: grpc.Channel
    keys: dict[str, str]
    signer: Signer
    audit: Path

    def token(self, *scopes: str, **claims: Any) -> Metadata:
        """A good token with these scopes, but for what the claims say."""
        said = " ".join(f"stubtail:{scope}" for scope in scopes)
        return bearer(self.signer.token(scope=said, **claims))


def settings_of(keys: dict[str, str], folder: Path, jwks: Path) -> str:
    """The settings as TOML; fills `keys` with new ones."""
    tenants_own = ["stubtail:predict", "stubtail:read", "stubtail:manage"]
    callers: dict[str, dict[str, Any]] = {
        "all": {"tenant": "*", "scopes": [f"stubtail:{scope}" for scope in SCOPES]},
        "none": {"scopes": []},
        "past": {"scopes": ["stubtail:read"], "expires": "2020-01-31"},
        "churn": {"scopes": ["stubtail:predict:churn*", "stubtail:read:churn*"]},
        "acme": {"tenant": "acme", "scopes": tenants_own},
        "rival": {"tenant": "rival", "scopes": tenants_own},
        "gold": {"tenant": "gold", "scopes": tenants_own},
        "iron": {"tenant": "iron", "scopes": tenants_own},
        "gold-a": {"tenant": "gold", "scopes": ["stubtail:predict:g*"]},
        "slow": {"tenant": "slow", "scopes": ["stubtail:predict"]},
        "stream": {"tenant": "stream", "scopes": ["stubtail:predict"]},
        "single": {"tenant": "single", "scopes": ["stubtail:predict"]},
        "gateway": {"proxy": True, "scopes": ["stubtail:predict", "stubtail:read"]},
    }  # fmt: skip
    lines = [f"[audit]\ndirectory = {json.dumps(str(folder))}"]
    for name, caller in callers.items():
        keys[name], kept = new_key()
        lines.append(f'[access.keys.{name}]\nhashes = ["{kept}"]')
        lines += [f"{field} = {json.dumps(value)}" for field, value in caller.items()]
    lines.append(f"""
[access.issuers.corp]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks_file = {json.dumps(str(jwks))}
refresh_min_ms = 100
tenant_claim = "org"
[access.tenants.acme]
models = ["acme-*"]
[access.tenants.slow]
calls_per_s = 0.01
burst = 3
[access.tenants.single]
concurrency_max = 1
[access.tenants.stream]
calls_per_s = 0.01
burst = 3
""")
    return "\n".join(lines)


@pytest.fixture(scope="session")
def guarded(transport: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server that tests may call; its models are churn, ltv, acme-secret and those of tenants."""
    folder = tmp_path_factory.mktemp("guarded")
    for name in ("churn", "ltv", "acme-secret"):
        model_files.write_model(folder / "models" / name / "1", model_files.affine())
    for name, scale in OWN.items():
        graph = model_files.affine(scale=scale, offset=0.0)
        model_files.write_model(folder / "models" / f"@{name}" / "1", graph)
    (folder / "models" / "@gold" / "broken" / "1").mkdir(parents=True)
    (folder / "models" / "@gold" / "broken" / "1" / "model.onnx").write_bytes(b"no graph")
    signer, keys = Signer(), dict[str, str]()
    jwks = folder / "jwks.json"
    jwks.write_bytes(document(signer))
    config = folder / "stubtail.toml"
    config.write_text(settings_of(keys, folder / "audit", jwks))
    with (
        ServerProcess(folder / "models", transport, "--config", str(config)) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        yield Guarded(server, channel, keys, signer, folder / "audit")
        for key in keys.values():
            assert key not in server.output
    assert "Traceback" not in server.output, server.output
    written = b"".join(path.read_bytes() for path in (folder / "audit").iterdir())
    assert written
    assert not any(key.encode() in written for key in keys.values())


def until(found: Any, seconds: float = 20.0) -> Any:
    """What `found` returns as soon as it is true."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not become true")
