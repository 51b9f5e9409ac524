"""TLS and mutual TLS by real clients: who gets in, what is told, and exchange of certificates."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
import trustme

from stubtail_client import Client
from stubtail_client.cli.run import main
from tests.load import INFER, request_bytes
from tests.server_process import ServerProcess
from tests.system.conftest import StartServer
from tests.system.test_startup import start_and_fail

ROWS = request_bytes("affine", np.array([[1, 2, 3]], np.float32))
OPTIONS = [("grpc.use_local_subchannel_pool", 1)]


@dataclass
class Pki:
    """An authority and the files of a server that it vouches for."""

    folder: Path
    authority: trustme.CA

    @property
    def options(self) -> tuple[str, ...]:
        """The server's options for TLS."""
        cert, key = self.folder / "server.pem", self.folder / "server.key"
        return ("--set", f"tls.cert_file={cert}", "--set", f"tls.key_file={key}")

    def issue(self) -> None:
        """A new certificate for the server, both files put in their places in one step each."""
        issued = self.authority.issue_cert("localhost", "127.0.0.1")
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        for name, data in (("key", issued.private_key_pem.bytes()), ("pem", chain)):
            part = self.folder / f"server.{name}.part"
            part.write_bytes(data)
            part.replace(self.folder / f"server.{name}")

    def credentials(self, caller: trustme.LeafCert | None = None) -> grpc.ChannelCredentials:
        """What a caller needs to trust the server, and to be trusted."""
        root = self.authority.cert_pem.bytes()
        if caller is None:
            return grpc.ssl_channel_credentials(root)
        chain = b"".join(blob.bytes() for blob in caller.cert_chain_pems)
        return grpc.ssl_channel_credentials(root, caller.private_key_pem.bytes(), chain)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Files of a server's certificate."""
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    return pki


@pytest.fixture
def start(serve: StartServer, models: Path, pki: Pki) -> Callable[..., ServerProcess]:
    """Starts a server with TLS."""
    return lambda *options: serve(models, "auto", *pki.options, *options)


async def ask(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.StatusCode:
    """How one call on a connection of its own ends."""
    if credentials is None:
        channel = grpc.aio.insecure_channel(address, OPTIONS)
    else:
        channel = grpc.aio.secure_channel(address, credentials, OPTIONS)
    async with channel:
        call = channel.unary_unary(INFER)(ROWS, timeout=10)
        return await call.code()


def serial(address: str, pki: Pki) -> str:
    """The serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    pki.authority.configure_trust(context)
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        certificate = wrapped.getpeercert()
        assert certificate is not None
        return str(certificate["serialNumber"])


async def test_only_tls_gets_in(start: Callable[..., ServerProcess], pki: Pki) -> None:
    """Who trusts the authority is answered; plain text, another authority and old TLS are not."""
    server = start()
    assert await ask(server.address, pki.credentials()) is grpc.StatusCode.OK
    assert await ask(server.address, None) is grpc.StatusCode.UNAVAILABLE
    stranger = Pki(pki.folder, trustme.CA())
    assert await ask(server.address, stranger.credentials()) is grpc.StatusCode.UNAVAILABLE

    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    host, _, port = server.address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        await asyncio.to_thread(old.wrap_socket, plain)
    server.wait_for_output('"reason": "the native front has no TLS"')
    server.wait_for_output('"tls": "server"')


@pytest.mark.parametrize("mutual", [False, True])
def test_the_client_and_its_command_speak_tls(
    start: Callable[..., ServerProcess], pki: Pki, tmp_path: Path, mutual: bool
) -> None:
    """With credentials in Python, with files on the command line; without them it says so."""
    (tmp_path / "ca.pem").write_bytes(pki.authority.cert_pem.bytes())
    caller = pki.authority.issue_cert("team-a.example")
    (tmp_path / "us.pem").write_bytes(caller.cert_chain_pems[0].bytes())
    (tmp_path / "us.key").write_bytes(caller.private_key_pem.bytes())
    ca, cert, key = (str(tmp_path / name) for name in ("ca.pem", "us.pem", "us.key"))
    server = start(*(("--set", f"tls.client_ca_file={ca}") if mutual else ()))
    with Client(
        server.address, timeout=10, credentials=pki.credentials(caller if mutual else None)
    ) as client:
        found = client.score("affine", np.ones((2, 3))).probabilities
        assert found is not None
        assert np.array_equal(found, np.full((2, 3), 3))

    options = ["health", "--server", server.address, "--ca", ca]
    assert main([*options, "--cert", cert, "--key", key]) == 0
    assert main(options) == (3 if mutual else 0)
    assert main([*options, "--cert", cert]) == 2
    assert main(["health", "--server", server.address]) == 3


async def test_mutual_tls_asks_for_a_certificate(
    start: Callable[..., ServerProcess], pki: Pki, tmp_path: Path
) -> None:
    """Callers of the named authority get in; those without or with another certificate do not."""
    callers = trustme.CA()
    (tmp_path / "callers.pem").write_bytes(callers.cert_pem.bytes())
    server = start("--set", f"tls.client_ca_file={tmp_path / 'callers.pem'}")
    known, unknown = callers.issue_cert("team-a.example"), trustme.CA().issue_cert("b.example")
    assert await ask(server.address, pki.credentials(known)) is grpc.StatusCode.OK
    assert await ask(server.address, pki.credentials(unknown)) is grpc.StatusCode.UNAVAILABLE
    assert await ask(server.address, pki.credentials()) is grpc.StatusCode.UNAVAILABLE
    server.wait_for_output('"tls": "mutual"')


async def test_certificates_are_exchanged_under_load(
    start: Callable[..., ServerProcess], pki: Pki
) -> None:
    """Standing connections go on, new ones see the new certificate, and no call fails."""
    server = start("--set", "tls.reload_ms=0")
    ends: list[grpc.StatusCode] = []
    stopping = asyncio.Event()

    async def standing(channel: grpc.aio.Channel) -> None:
        while not stopping.is_set():
            ends.append(await channel.unary_unary(INFER)(ROWS, timeout=10).code())

    async def coming() -> None:
        while not stopping.is_set():
            ends.append(await ask(server.address, pki.credentials()))

    async with grpc.aio.secure_channel(server.address, pki.credentials(), OPTIONS) as channel:
        load = [asyncio.create_task(standing(channel)), asyncio.create_task(coming())]
        seen = [await asyncio.to_thread(serial, server.address, pki)]
        for _ in range(5):
            pki.issue()
            seen.append(await asyncio.to_thread(serial, server.address, pki))
        stopping.set()
        await asyncio.gather(*load)
    assert len(set(seen)) == len(seen), "each new connection sees the newest certificate"
    assert set(ends) == {grpc.StatusCode.OK}
    server.wait_for_output("certificate exchanged", count=5)


async def test_files_that_do_not_fit_together_change_nothing(
    start: Callable[..., ServerProcess], pki: Pki
) -> None:
    """A key of another certificate, or half a file: the old pair serves on, and it is told once."""
    server = start("--set", "tls.reload_ms=0")
    before = await asyncio.to_thread(serial, server.address, pki)
    key = trustme.CA().issue_cert("localhost").private_key_pem.bytes()
    for broken in (key, key[: len(key) // 2], b""):
        (pki.folder / "server.key").write_bytes(broken)
        assert await asyncio.to_thread(serial, server.address, pki) == before
        assert await ask(server.address, pki.credentials()) is grpc.StatusCode.OK
    server.wait_for_output("certificate kept")
    pki.issue()
    assert await asyncio.to_thread(serial, server.address, pki) != before


def test_files_that_cannot_be_used_at_the_start(pki: Pki, models: Path) -> None:
    """Exit code 1 and one line that names the file and what it must be."""
    free = ("--models", str(models), "--port", "0", "--http-port", "0")
    (pki.folder / "server.key").write_text("no key")
    code, output = start_and_fail(*free, *pki.options)
    assert code == 1, output
    assert f"{pki.folder / 'server.key'}: " in output
    assert "they must be a PEM certificate and its key, without a password" in output
    (pki.folder / "server.key").unlink()
    code, output = start_and_fail(*free, *pki.options)
    assert code == 1, output
    assert f"{pki.folder / 'server.key'}: cannot be read: No such file or directory" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--set", "tls.cert_file=a.pem"), "TLS needs both, a certificate and its key"),
        (("--set", "tls.client_ca_file=a.pem"), "only to a server that has one"),
        (("--host", "0.0.0.0"), "others can reach 0.0.0.0: give a certificate and its key"),
        (("--host", "::"), "others can reach ::"),
    ],
)
def test_settings_that_contradict_each_other(options: tuple[str, ...], told: str) -> None:
    """Exit code 2, the keys, and the rule between them."""
    code, output = start_and_fail(*options)
    assert code == 2, output
    assert told in output


def test_native_with_a_certificate_is_a_contradiction(pki: Pki) -> None:
    """Nobody is served plain text who asked for TLS."""
    code, output = start_and_fail("--transport", "native", *pki.options)
    assert code == 2, output
    assert "the native transport has no TLS; use auto or grpcio" in output


async def test_plain_text_on_an_open_address_is_a_decision(
    serve: StartServer, models: Path
) -> None:
    """With the setting it is served, and logged as a warning."""
    server = serve(models, "auto", "--host", "0.0.0.0", "--set", "tls.plain_text=true")
    port = server.address.rpartition(":")[2]
    assert await ask(f"127.0.0.1:{port}", None) is grpc.StatusCode.OK
    server.wait_for_output('"event": "plain text on an open address"')


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers need fork")
async def test_workers_share_a_port_with_tls(start: Callable[..., ServerProcess], pki: Pki) -> None:
    """Several processes, one certificate."""
    server = start("--workers", "2")
    for _ in range(8):
        assert await ask(server.address, pki.credentials()) is grpc.StatusCode.OK
