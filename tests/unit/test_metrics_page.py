"""Pins that the page of the server tells of every metric."""

import re
from pathlib import Path

from prometheus_client import generate_latest

from stubtail.metrics import Recorder
from stubtail.metrics.collector import build_registry


def test_the_page_of_the_server_names_every_metric() -> None:
    """server/README.md, by the names that a scrape has."""
    page = (Path(__file__).parents[2] / "server" / "README.md").read_text(encoding="utf-8")
    text = generate_latest(build_registry(Recorder(1, float), int)).decode()
    names = re.findall(r"^# TYPE (stubtail_\w+)", text, re.MULTILINE)
    assert set(re.findall(r"`(stubtail_\w+)`", page)) >= set(names) > set()
