"""The thread that keeps an issuer's keys current, against a real HTTP server and a file."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from stubtail.access.jwks import KeySet
from stubtail.access.jwks_refresh import JwksRefresher
from tests.unit.access.signed import ALGORITHMS, Signer, document

SIGNER, OTHER = Signer(), Signer(key_id="k2")


class Issuer:
    """An HTTP server that answers what a test wants."""

    def __init__(self) -> None:
        self.status, self.body, self.asked = 200, document(SIGNER), 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                if issuer.status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{issuer.port}/elsewhere")
                self.end_headers()
                if issuer.status == 200:
                    self.wfile.write(issuer.body)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Answers nobody any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer that publishes one key."""
    issuer = Issuer()
    yield issuer
    issuer.close()


def until(true: Any) -> None:
    """Waits until it is."""
    end_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.mark.parametrize("trouble", [500, 404, 302, "nonsense", "empty"])
def test_old_keys_survive_whatever_an_issuer_answers(issuer: Issuer, trouble: Any) -> None:
    """And when it is well again, its new keys come."""
    keys = KeySet(every_s=300.0, pause_s=0.1)
    refresher = JwksRefresher("corp", issuer.url, ALGORITHMS, keys)
    refresher.start()
    assert keys.find("k1") is not None
    if isinstance(trouble, int):
        issuer.status = trouble
    else:
        issuer.body = b"" if trouble == "empty" else b"<html>"
    asked = issuer.asked
    assert keys.find("k2") is None
    until(lambda: issuer.asked > asked)
    assert keys.find("k1") is not None
    issuer.status, issuer.body = 200, document(OTHER)
    until(lambda: keys.find("k2") is not None)
    assert keys.find("k1") is None
    refresher.close()


def test_an_issuer_that_is_away_at_the_start_is_asked_again(tmp_path: Path) -> None:
    """A server starts without its keys; a file that comes later is found."""
    path = tmp_path / "jwks.json"
    keys = KeySet(every_s=300.0, pause_s=0.1)
    refresher = JwksRefresher("corp", str(path), ALGORITHMS, keys)
    refresher.start()
    assert keys.find("k1") is None
    path.write_bytes(document(SIGNER))
    until(lambda: keys.find("k1") is not None)
    refresher.close()


def test_invented_key_ids_do_not_become_requests(issuer: Issuer) -> None:
    """One in the pause, however many there are."""
    keys = KeySet(every_s=300.0, pause_s=60.0)
    refresher = JwksRefresher("corp", issuer.url, ALGORITHMS, keys)
    refresher.start()
    for index in range(1_000):
        assert keys.find(f"invented{index}") is None
    assert keys.wait_s(time.monotonic()) > 0.0
    assert issuer.asked == 1
    refresher.close()
