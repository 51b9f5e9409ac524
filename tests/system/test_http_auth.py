"""The HTTP port of real servers, alone and of several workers: the same credential opens both."""

import http.client
from pathlib import Path

import pytest

from stubtail.access.keys import new_key
from tests.system.conftest import StartServer
from tests.system.test_startup import start_and_fail


def metrics(address: str, credential: str = "") -> tuple[int, str]:
    """Status and text of /metrics."""
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        headers = {"Authorization": credential} if credential else {}
        connection.request("GET", "/metrics", headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_metrics_ask_and_probes_do_not(
    serve: StartServer, models: Path, tmp_path: Path, workers: str
) -> None:
    """With `always`, /metrics needs the key on this machine as well; probes stay open."""
    key, kept = new_key()
    config = tmp_path / "stubtail.toml"
    config.write_text(
        f'[access.keys.scraper]\nhashes = ["{kept}"]\nscopes = ["stubtail:read"]\n'
        '[server]\nhttp_auth = "always"\n'
    )
    server = serve(models, "native", "--workers", workers, "--config", str(config))
    assert server.http("/healthz")[0] == 200
    assert server.http("/readyz")[0] == 200
    assert metrics(server.http_address)[0] == 401
    assert metrics(server.http_address, f"Bearer {key[:-1]}x")[0] == 401
    status, text = metrics(server.http_address, f"Bearer {key}")
    assert status == 200
    assert "stubtail_" in text
    assert key not in server.output


def test_a_port_for_everybody_needs_a_decision(models: Path) -> None:
    """Metrics on an address that others reach, without access rules, are a mistake."""
    code, output = start_and_fail("--models", str(models), "--set", "server.http_host=0.0.0.0")
    assert code == 2
    assert "server.http_auth=never" in output
