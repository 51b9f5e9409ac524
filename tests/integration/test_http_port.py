"""The HTTP port where others reach it: who gets in, TLS, and that there is nothing to write."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from stubtail.access.keys import KeyHash, new_key
from stubtail.config import ConfigError, Flag, Settings, load
from stubtail.http_port import http_access, http_port
from stubtail.metrics import Recorder
from stubtail.metrics.collector import build_registry
from stubtail.monitoring import MonitoringError, server_pages

METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
PATHS = ("/", "/metrics", "/healthz", "/readyz", "/nothing")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[trustme.CA, Path]:
    """An authority and a folder with server.pem and server.key."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    write_certificate(authority, folder)
    return authority, folder


def write_certificate(authority: trustme.CA, folder: Path) -> None:
    """A new certificate for this machine."""
    made = authority.issue_cert("127.0.0.1", "localhost")
    made.private_key_pem.write_to_path(folder / "server.key")
    (folder / "server.pem").write_bytes(b"".join(c.bytes() for c in made.cert_chain_pems))


def pages():
    """The pages of a server that is well."""
    return server_pages(build_registry(Recorder(), lambda: 0), lambda: "", lambda: "")


def settings_with(folder: Path, *lines: str, **flags: str) -> Settings:
    """Settings from a file."""
    file = folder / "stubtail.toml"
    file.write_text("\n".join(lines))
    given = [Flag("--set", key.replace("__", "."), text) for key, text in flags.items()]
    return load(file, given, {})


def get(port: int, path: str, method: str = "GET", tls: ssl.SSLContext | None = None, **headers):
    """Status, headers and body of an answer."""
    if tls is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=tls)
    try:
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read().decode()
    finally:
        connection.close()


@pytest.fixture
def local(tmp_path) -> Iterator[int]:
    """The port as it is by default."""
    monitoring = http_port(settings_with(tmp_path), pages(), ("127.0.0.1", 0), None)
    monitoring.start()
    yield int(monitoring.address.rpartition(":")[2])
    monitoring.close()


@pytest.mark.parametrize("method", METHODS)
def test_nothing_can_be_written(local, method):
    """No page takes anything: whatever the method, the path and the origin, the answer is 405."""
    for path in PATHS:
        status, headers, _ = get(local, path, method, Origin="http://evil.example")
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_no_page_acts():
    """The pages are these: one that acts needs a scope and a same-origin token, and a test."""
    assert set(pages()) == {"/", "/metrics", "/healthz", "/readyz"}


def test_pages_can_do_nothing_in_a_browser(local):
    """No script, no frame, no guess at the type, and no other origin is told it may read."""
    _, headers, _ = get(local, "/", Origin="http://evil.example")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8501", 200),
        ("127.0.0.1:8501", 200),
        ("[::1]:8501", 200),
        ("", 200),
        ("evil.example", 421),
        ("evil.example:8501", 421),
        ("localhost.evil.example", 421),
        ("[evil", 421),
        ("\x00\xff", 421),
    ],
)
def test_a_local_port_is_called_by_a_local_name(local, host, status):
    """A page in a browser here cannot read it under a name that its owner points here."""
    with socket.create_connection(("127.0.0.1", local), timeout=10) as peer:
        peer.sendall(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
        assert peer.recv(12).split()[1] == str(status).encode()


def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A client that trusts the authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


def tls_flags(folder: Path) -> dict[str, str]:
    """The settings of the certificate."""
    return {"tls__cert_file": f"{folder}/server.pem", "tls__key_file": f"{folder}/server.key"}


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """The port of these settings, wherever they want it, on this machine's address."""
    access = http_access(settings)
    guard = access.guard if access is not None else None
    monitoring = http_port(settings, pages(), ("127.0.0.1", 0), guard)
    monitoring.start()
    try:
        yield int(monitoring.address.rpartition(":")[2])
    finally:
        monitoring.close()


def exposed(folder: Path, *lines: str, **flags: str) -> Settings:
    """A port that others reach, with one caller."""
    return settings_with(folder, "[server]", 'http_host = "0.0.0.0"', *lines, **flags)


def caller(kept: KeyHash, *scopes: str, tenant: str = "") -> list[str]:
    """A caller with a key."""
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    return [
        "[access.keys.scraper]",
        f'hashes = ["{kept}"]',
        f"scopes = [{listed}]",
        f'tenant = "{tenant}"',
    ]


def test_metrics_need_a_key_with_the_scope_read(certificate, tmp_path):
    """None, wrong, right without the scope, right: 401, 401, 403, 200; probes are open."""
    authority, folder = certificate
    key, kept = new_key()
    other, _ = new_key()
    weak, weak_kept = new_key()
    lines = [
        *caller(kept, "stubtail:read"),
        *(line.replace("scraper", "weak") for line in caller(weak_kept, "stubtail:predict")),
    ]
    tls = client_tls(authority)
    with serving(exposed(tmp_path, *lines, **tls_flags(folder))) as port:
        for path in ("/", "/healthz", "/readyz"):
            assert get(port, path, tls=tls)[0] == 200
        status, headers, body = get(port, "/metrics", tls=tls)
        assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="stubtail"')
        assert "process_" not in body
        for wrong in ("", "Basic YTpi", f"Bearer {other}", key, "Bearer \xe9"):
            status, _, body = get(port, "/metrics", tls=tls, Authorization=wrong)
            assert status == 401, wrong
            assert other not in body
        status, _, body = get(port, "/metrics", tls=tls, Authorization=f"Bearer {weak}")
        assert (status, "stubtail:read" in body) == (403, True)
        status, _, body = get(port, "/metrics", tls=tls, Authorization=f"Bearer {key}")
        assert (status, "process_resident_memory_bytes" in body) == (200, True)
        # What is not there is told to nobody who does not get in.
        assert get(port, "/secret", tls=tls)[0] == 401


@pytest.mark.parametrize("own", ["acme-*", "*"])
def test_pages_of_all_tenants_are_the_operator_s(certificate, tmp_path, own):
    """With tenants, a tenant's own key does not show the numbers of the others."""
    authority, folder = certificate
    theirs, kept = new_key()
    operator, operator_kept = new_key()
    lines = [
        *caller(kept, "stubtail:read", tenant="acme"),
        *(
            line.replace("scraper", "ops")
            for line in caller(operator_kept, "stubtail:read", tenant="*")
        ),
        "[access.tenants.acme]",
        f'models = ["{own}"]',
    ]
    tls = client_tls(authority)
    with serving(exposed(tmp_path, *lines, **tls_flags(folder))) as port:
        assert get(port, "/metrics", tls=tls, Authorization=f"Bearer {theirs}")[0] == 403
        assert get(port, "/metrics", tls=tls, Authorization=f"Bearer {operator}")[0] == 200


def test_tls_is_exchanged_and_nothing_else_is_spoken(certificate, tmp_path):
    """A new certificate counts from the next connection on, half a one does not; no plain text."""
    authority, folder = certificate
    _, kept = new_key()
    settings = exposed(tmp_path, *caller(kept, "stubtail:read"), **tls_flags(folder))
    with serving(settings) as port:
        tls = client_tls(authority)
        assert get(port, "/healthz", tls=tls)[0] == 200
        write_certificate(authority, folder)
        assert get(port, "/healthz", tls=tls)[0] == 200
        good = (folder / "server.pem").read_bytes()
        (folder / "server.pem").write_bytes(good[:100])
        assert get(port, "/healthz", tls=tls)[0] == 200, "the old one goes on"
        (folder / "server.pem").write_bytes(good)
        with pytest.raises(ssl.SSLError):
            get(port, "/healthz", tls=client_tls(trustme.CA()))
        with pytest.raises((http.client.HTTPException, OSError)):
            get(port, "/healthz")


@pytest.mark.parametrize(
    ("lines", "flags", "told"),
    [
        (["[server]", 'http_host = "0.0.0.0"'], {}, "no caller is configured"),
        (["[server]", 'http_auth = "always"'], {}, "no caller is configured"),
    ],
)
def test_an_open_port_needs_callers(tmp_path, lines, flags, told):
    """A port that others reach without a caller, or in plain text with one, is a mistake."""
    with pytest.raises(ConfigError, match=told):
        settings_with(tmp_path, *lines, **flags)


def test_credentials_never_travel_in_plain_text_unnoticed(tmp_path):
    """Without TLS the operator has to say that something else protects them."""
    _, kept = new_key()
    with pytest.raises(ConfigError, match="would travel in plain text"):
        exposed(tmp_path, *caller(kept, "stubtail:read"))
    settings = exposed(tmp_path, *caller(kept, "stubtail:read"), tls__plain_text="true")
    with serving(settings) as port:
        assert get(port, "/metrics")[0] == 401


def test_a_closed_network_can_do_without(tmp_path):
    """http_auth = never opens the pages, as the operator said so."""
    settings = settings_with(tmp_path, "[server]", 'http_host = "0.0.0.0"', 'http_auth = "never"')
    with serving(settings) as port:
        assert get(port, "/metrics")[0] == 200


def test_a_wrong_certificate_is_told(certificate, tmp_path):
    """The start fails with the setting's name."""
    _, folder = certificate
    _, kept = new_key()
    flags = tls_flags(folder) | {"tls__cert_file": str(tmp_path / "none.pem")}
    settings = exposed(tmp_path, *caller(kept, "stubtail:read"), **flags)
    with pytest.raises(MonitoringError, match=r"tls\.cert_file"):
        http_port(settings, pages(), ("127.0.0.1", 0), None)
