"""Callers known by their certificates, and nginx with mutual TLS before a guarded server."""

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme
from cryptography import x509

from stubtail.access.keys import new_key
from stubtail_client import AsyncClient, Client, Credentials, PermissionDenied, Unauthenticated
from stubtail_client.cli.run import main
from tests.server_process import ROOT, ServerProcess
from tests.spiffe import write_certificate
from tests.system.conftest import StartServer
from tests.system.test_nginx import NGINX, wait_for
from tests.system.test_tls import Pki

WEB = "spiffe://example.org/ns/shop/sa/web"
ROWS = np.ones((1, 3))
UNKNOWN = {
    "wrong": "CREDENTIAL_INVALID",
    "both": "CREDENTIAL_INVALID",
    "dns": "CREDENTIAL_MISSING",  # a name of another kind says nothing, whatever it looks like
}


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Files of a server, and the authority of everybody."""
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    (tmp_path / "ca.pem").write_bytes(pki.authority.cert_pem.bytes())
    return pki


def guarded(pki: Pki) -> tuple[str, str]:
    """The settings of a server with a caller by certificate and one by key; and the key."""
    key, kept = new_key()
    config = pki.folder / "stubtail.toml"
    config.write_text(
        f"""
[access.certificates.web]
uri = "{WEB}"
scopes = ["stubtail:predict:affine"]
[access.certificates.jobs]
uri = "spiffe://example.org/ns/jobs/*"
scopes = ["stubtail:read"]
[access.keys.script]
hashes = ["{kept}"]
scopes = ["stubtail:read"]
[tls]
client_ca_file = {json.dumps(str(pki.folder / "ca.pem"))}
reload_ms = 0
"""
    )
    return str(config), key


def credentials(pki: Pki, stem: str, **more: Any) -> Credentials:
    """Ours, by files."""
    folder = pki.folder
    return Credentials(
        ca=folder / "ca.pem", cert=folder / f"{stem}.pem", key=folder / f"{stem}.key", **more
    )


@pytest.fixture
def server(serve: StartServer, models: Path, pki: Pki) -> tuple[ServerProcess, str]:
    """A guarded server with mutual TLS, and the key of its caller."""
    config, key = guarded(pki)
    return serve(models, "auto", *pki.options, "--config", config), key


def test_a_certificate_is_an_identity(server: tuple[ServerProcess, str], pki: Pki) -> None:
    """By its only URI name, compared exactly; a key that comes with it goes before it."""
    process, key = server
    write_certificate(pki.authority, pki.folder, "web", WEB)
    write_certificate(pki.authority, pki.folder, "job", "spiffe://example.org/ns/jobs/nightly")
    write_certificate(pki.authority, pki.folder, "wrong", "spiffe://example.org/ns/shop/sa/webs")
    write_certificate(pki.authority, pki.folder, "both", WEB, "spiffe://example.org/ns/jobs/a")
    write_certificate(pki.authority, pki.folder, "dns", WEB, kind=x509.DNSName)
    with Client(process.address, timeout=10, credentials=credentials(pki, "web")) as client:
        found = client.score("affine", ROWS).probabilities
        assert found is not None
        assert np.array_equal(found, np.full((1, 3), 3))
        with pytest.raises(PermissionDenied) as denied:
            client.models()
        assert denied.value.metadata["scope"] == "stubtail:read"
    with Client(process.address, timeout=10, credentials=credentials(pki, "job")) as client:
        assert client.models()
    for stem, reason in UNKNOWN.items():
        with (
            Client(process.address, timeout=10, credentials=credentials(pki, stem)) as client,
            pytest.raises(Unauthenticated) as unknown,
        ):
            client.score("affine", ROWS)
        assert unknown.value.reason == reason
    with Client(
        process.address, timeout=10, credentials=credentials(pki, "web", api_key=key)
    ) as client:
        assert client.models()


def test_the_command_shows_certificates_and_keys(
    server: tuple[ServerProcess, str], pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    """From files alone; what is missing is told."""
    process, key = server
    write_certificate(pki.authority, pki.folder, "web", WEB)
    (pki.folder / "key.txt").write_text(key + "\n")
    files = [f"--{name}={pki.folder / file}" for name, file in
             (("ca", "ca.pem"), ("cert", "web.pem"), ("key", "web.key"))]  # fmt: skip
    command = ["models", "--server", process.address, *files]
    assert main(command) == 1
    assert "stubtail:read" in capsys.readouterr().err
    assert main([*command, f"--api-key-file={pki.folder / 'key.txt'}"]) == 0
    assert main([*command, f"--token-file={pki.folder / 'none.txt'}"]) == 2


async def test_every_certificate_is_exchanged_under_load(
    server: tuple[ServerProcess, str], pki: Pki
) -> None:
    """The server's and the callers' own; standing and new connections, and no call fails."""
    process, _ = server
    write_certificate(pki.authority, pki.folder, "web", WEB)
    stopping = asyncio.Event()
    answered = [0, 0]

    async def standing() -> None:
        async with AsyncClient(
            process.address, timeout=20, credentials=credentials(pki, "web")
        ) as client:
            while not stopping.is_set():
                await client.score("affine", ROWS)
                answered[0] += 1

    async def coming() -> None:
        while not stopping.is_set():
            async with AsyncClient(
                process.address, timeout=20, credentials=credentials(pki, "web")
            ) as client:
                await client.score("affine", ROWS)
                answered[1] += 1

    load = [asyncio.create_task(work()) for work in (standing, standing, coming)]
    for _ in range(4):
        before = list(answered)
        pki.issue()
        write_certificate(pki.authority, pki.folder, "web", WEB)
        while not all(new > old + 1 for new, old in zip(answered, before, strict=True)):
            await asyncio.sleep(0.01)
            assert not any(task.done() for task in load), load
    stopping.set()
    await asyncio.gather(*load)
    process.wait_for_output("certificate exchanged", count=4)


@pytest.fixture
def proxied(serve: StartServer, models: Path, pki: Pki) -> Iterator[tuple[str, str, Path]]:
    """The recipe with mutual TLS before a guarded server on the native transport."""
    import socket

    key, kept = new_key()
    config = pki.folder / "stubtail.toml"
    config.write_text(f'[access.keys.web]\nhashes = ["{kept}"]\nscopes = ["stubtail:predict"]\n')
    server = serve(models, "native", "--config", str(config))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    recipe = (ROOT / "server" / "recipes" / "nginx.conf").read_text(encoding="utf-8")
    recipe = recipe.replace("listen 8443", f"listen 127.0.0.1:{port}")
    recipe = recipe.replace("server 127.0.0.1:8500", f"server {server.address}")
    recipe = recipe.replace("# ssl_client_certificate callers.pem", "ssl_client_certificate ca.pem")
    recipe = recipe.replace("# ssl_verify_client on", "ssl_verify_client on")
    (pki.folder / "nginx.conf").write_text(recipe, encoding="utf-8")
    command = [str(NGINX), "-p", str(pki.folder), "-c", "nginx.conf", "-g", "daemon off;"]
    with (pki.folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, cwd=pki.folder)
    try:
        wait_for(port, process, pki.folder)
        yield f"localhost:{port}", key, pki.folder
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.skipif(shutil.which(str(NGINX)) is None, reason="needs nginx (Debian: nginx-light)")
def test_nginx_asks_for_certificates_and_passes_keys_on(
    proxied: tuple[str, str, Path], pki: Pki
) -> None:
    """Both are needed; and nginx gets new certificates under load without a failed call."""
    address, key, folder = proxied
    write_certificate(pki.authority, folder, "web", WEB)
    with (
        Client(address, timeout=10, credentials=credentials(pki, "web")) as client,
        pytest.raises(Unauthenticated) as unknown,
    ):
        client.score("affine", ROWS)
    assert unknown.value.reason == "CREDENTIAL_MISSING"
    stopping, failures, answered = threading.Event(), list[Exception](), [0]

    def work() -> None:
        shown = credentials(pki, "web", api_key=key)
        try:
            with Client(address, timeout=20, credentials=shown) as client:
                while not stopping.is_set():
                    client.score("affine", ROWS)
                    answered[0] += 1
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        pki.issue()
        command = [str(NGINX), "-p", str(folder), "-c", "nginx.conf", "-s", "reload"]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        before = answered[0]
        while answered[0] < before + 30 and not failures:
            stopping.wait(0.01)
    stopping.set()
    for thread in threads:
        thread.join(30)
    assert not failures, failures
