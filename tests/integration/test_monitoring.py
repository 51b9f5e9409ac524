"""Tests of the HTTP port: pages, bounds, bad peers, ports in use, Unix sockets, merged workers."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from stubtail.metrics import Recorder
from stubtail.metrics.collector import build_registry
from stubtail.monitoring import Monitoring, MonitoringError, Page, PageMaker, server_pages
from stubtail.monitoring import http as bounds
from stubtail.supervisor.pages import Family, supervisor_pages

LOCAL = ("127.0.0.1", 0)


def fail(accept: str) -> Page:
    """A page with a defect."""
    raise RuntimeError(accept)


def pages() -> dict[str, PageMaker]:
    """The pages of a server that is well, and the broken one."""
    registry = build_registry(Recorder(), lambda: 0)
    return server_pages(registry, lambda: "", lambda: "") | {"/broken": fail}


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server."""
    monitoring = Monitoring(pages(), LOCAL)
    monitoring.start()
    yield int(monitoring.address.rpartition(":")[2])
    monitoring.close()


def get(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and body of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def test_pages_are_served(port):
    """Every page answers, with or without a query; others are 404, and defects of ours 500."""
    assert get(port, "/healthz") == (200, "alive\n")
    assert get(port, "/readyz?verbose=1") == (200, "ready\n")
    assert "process_resident_memory_bytes" in get(port, "/metrics")[1]
    assert "/metrics" in get(port, "/")[1]
    assert get(port, "/etc/passwd")[0] == HTTPStatus.NOT_FOUND
    assert get(port, "/healthz", "HEAD") == (200, "")


def test_defects_of_a_page_stay_inside(port, caplog):
    """A page that fails answers 500 without its cause, and the port lives on."""
    status, body = get(port, "/broken", Accept="secret")

    assert (status, body) == (500, "failed; see the log\n")
    assert "secret" in caplog.text
    assert get(port, "/healthz")[0] == HTTPStatus.OK


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"\x00" * 20_000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000,
        b"GET /" + b"x" * 100_000,
        b"nonsense\r\n\r\n",
    ],
    ids=["nothing", "zeros", "headers", "path", "nonsense"],
)
def test_bad_requests_are_survived(port, request_bytes):
    """Garbage and oversized requests cost nobody else anything."""
    # It may hang up before it has read everything.
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=5) as peer,
    ):
        peer.sendall(request_bytes)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65536):
            pass

    assert get(port, "/healthz")[0] == HTTPStatus.OK


def test_slow_requests_end(port, monkeypatch):
    """A request that drips in has one deadline for all of it."""
    monkeypatch.setattr(bounds, "REQUEST_SECONDS_MAX", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        began = time.monotonic()
        peer.sendall(b"GET /")
        assert peer.recv(100) == b""

    assert time.monotonic() - began < 3


def test_connections_are_bounded(port):
    """When sixteen connections are open, the next is closed at once; afterwards all is well."""
    held = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(16)]
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            assert peer.recv(1) == b""
    finally:
        for peer in held:
            peer.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionError, http.client.HTTPException):
            if get(port, "/healthz")[0] == HTTPStatus.OK:
                return
        time.sleep(0.01)
    pytest.fail("the port did not recover")


def test_port_in_use_is_told(port):
    """The message names the address and the mend."""
    with pytest.raises(MonitoringError, match=rf"127\.0\.0\.1:{port} cannot be used.*--http-port"):
        Monitoring({}, ("127.0.0.1", port)).start()


def test_unknown_host_is_told():
    """A host that cannot be found is a clear error too."""
    with pytest.raises(MonitoringError, match=r"no\.such\.host\.invalid"):
        Monitoring({}, ("no.such.host.invalid", 0)).start()


def test_close_before_start_does_nothing():
    """Closing what never started is no error."""
    Monitoring({}, LOCAL).close()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[dict[int, Path]]:
    """Two workers on Unix sockets: the first takes calls, the second drains."""
    started = []
    for number, unready in enumerate(("", "draining")):
        registry = build_registry(Recorder(), lambda: 0)
        worker_pages = server_pages(registry, lambda: "", partial(str, unready))
        monitoring = Monitoring(worker_pages, tmp_path / f"{number}.sock")
        monitoring.start()
        started.append(monitoring)
    yield {number: Path(monitoring.address) for number, monitoring in enumerate(started)}
    for monitoring in started:
        monitoring.close()
    assert not list(tmp_path.iterdir())


def own_families() -> list[Family]:
    """The supervisor's own metrics."""
    return [("stubtail_worker_restarts", "counter", "Ends.", {0: 1.0, 1: 0.0})]


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_supervisor_merges_its_workers(workers, accept):
    """One scrape has every worker's samples under its label, readable by Prometheus's parser."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
    from prometheus_client.parser import text_string_to_metric_families as parse_text

    page = supervisor_pages(lambda: workers, own_families)["/metrics"](accept)

    families = {f.name: f for f in (parse_open if accept else parse_text)(page.body.decode())}
    memory = families["process_resident_memory_bytes"].samples
    assert [sample.labels["worker"] for sample in memory] == ["0", "1"]
    assert families["stubtail_worker_restarts"].samples[0].value == 1


def test_supervisor_is_ready_while_one_worker_is(workers):
    """One worker that takes calls is enough; without any the reason of one is told."""
    only_second = {1: workers[1]}

    assert supervisor_pages(lambda: workers, own_families)["/readyz"]("").status == 200
    page = supervisor_pages(lambda: only_second, own_families)["/readyz"]("")
    assert (page.status, page.body) == (503, b"draining\n")
    page = supervisor_pages(dict, own_families)["/readyz"]("")
    assert (page.status, page.body) == (503, b"no worker is ready\n")


def test_dead_worker_does_not_hide_the_others(workers, tmp_path):
    """A worker that does not answer is missing in the metrics, and nothing else is."""
    found = supervisor_pages(lambda: {**workers, 2: tmp_path / "gone.sock"}, own_families)

    text = found["/metrics"]("").body.decode()

    assert 'process_resident_memory_bytes{worker="0"}' in text
    assert 'worker="2"' not in text


def test_threads_end(port):
    """A request's thread ends with it."""
    before = threading.active_count()
    for _ in range(10):
        get(port, "/healthz")
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)

    assert threading.active_count() <= before
