"""Tests of the pages of one server, without their port."""

from http import HTTPStatus

import pytest

from stubtail.metrics import Recorder
from stubtail.metrics.collector import build_registry
from stubtail.monitoring import server_pages
from stubtail.monitoring.page import TEXT
from stubtail.monitoring.pages import metrics_page, probe_page

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("", "text/plain"), ("*/*", "text/plain"), (OPENMETRICS, "application/openmetrics-text")],
)
def test_metrics_come_as_asked_for(accept, content_type):
    """OpenMetrics for who asks, the older text for everybody else."""
    page = metrics_page(build_registry(Recorder(), lambda: 0), accept)

    assert page.status == HTTPStatus.OK
    assert page.content_type.startswith(content_type)
    assert page.body.endswith(b"# EOF\n") == (content_type != "text/plain")


def test_probes_tell_the_reason():
    """503 with the reason, or 200."""
    assert probe_page("ready", "draining")[:3] == (503, TEXT, b"draining\n")
    assert probe_page("ready", "").status == HTTPStatus.OK


def test_probes_ask_each_time():
    """Liveness and readiness are asked at each request and do not depend on each other."""
    state = {"dead": "", "unready": "loading"}
    registry = build_registry(Recorder(), lambda: 0)
    pages = server_pages(registry, lambda: state["dead"], lambda: state["unready"])

    assert pages["/readyz"]("").status == HTTPStatus.SERVICE_UNAVAILABLE
    assert pages["/healthz"]("").status == HTTPStatus.OK

    state.update(dead="silent", unready="")

    assert pages["/readyz"]("").status == HTTPStatus.OK
    assert pages["/healthz"]("").body == b"silent\n"


def test_index_names_every_page():
    """The first page links to all others."""
    pages = server_pages(build_registry(Recorder(), lambda: 0), lambda: "", lambda: "")

    body = pages["/"]("").body.decode()

    assert all(f'href="{path}"' in body for path in pages if path != "/")
