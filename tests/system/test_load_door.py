"""The load harness at servers that ask who calls: keys, tokens, and TLS with certificates."""

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from stubtail.access.keys import new_key
from stubtail_bench.__main__ import main
from tests.system.conftest import StartServer
from tests.system.test_tls import Pki


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The key of a caller, and beside it `stubtail.toml` that knows its hash."""
    key, kept = new_key()
    (tmp_path / "stubtail.toml").write_text(
        f'[access.keys.load]\nhashes = ["{kept}"]\nscopes = ["stubtail:predict", "stubtail:read"]\n'
    )
    path = tmp_path / "key.txt"
    path.write_text(key + "\n")
    return path


def loaded(tmp_path: Path, address: str, *options: str) -> dict[str, Any]:
    """The only run of a closed load; the command must succeed."""
    path = tmp_path / "load.json"
    more = ("--model", "affine", "--mode", "closed", "--seconds", "0.3", "--warm-up", "0.1")
    assert main(["load", address, "--json", str(path), *more, *options]) == 0
    (run,) = json.loads(path.read_text())["runs"]
    return dict(run)


def test_a_key_goes_with_each_call(
    serve: StartServer,
    models: Path,
    tmp_path: Path,
    key_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On all connections, from its file; and without it the command says what is missing."""
    server = serve(models, "native", "--config", str(tmp_path / "stubtail.toml"))
    run = loaded(tmp_path, server.address, "--api-key-file", str(key_file), "--connections", "2")
    assert set(run["statuses"]) == {"OK"}
    assert main(["load", server.address, "--model", "affine"]) == 1
    assert "UNAUTHENTICATED" in capsys.readouterr().err


def test_tls_with_certificates_and_a_key(
    serve: StartServer, models: Path, tmp_path: Path, key_file: Path
) -> None:
    """Several processes, each with connections of its own."""
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    (tmp_path / "ca.pem").write_bytes(pki.authority.cert_pem.bytes())
    own = pki.authority.issue_cert("load.example")
    (tmp_path / "own.pem").write_bytes(b"".join(one.bytes() for one in own.cert_chain_pems))
    (tmp_path / "own.key").write_bytes(own.private_key_pem.bytes())
    mutual = ("--set", f"tls.client_ca_file={tmp_path / 'ca.pem'}")
    config = ("--config", str(tmp_path / "stubtail.toml"))
    server = serve(models, "auto", *pki.options, *mutual, *config)
    shown = [f"--{name}={tmp_path / file}" for name, file in
             (("ca", "ca.pem"), ("cert", "own.pem"), ("key", "own.key"))]  # fmt: skip
    shown += ["--api-key-file", str(key_file)]
    run = loaded(tmp_path, server.address, *shown, "--processes", "2")
    assert set(run["statuses"]) == {"OK"}
