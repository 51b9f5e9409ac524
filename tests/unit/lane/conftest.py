"""Keeps the log of failures that tests cause out of their output."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Failed runs are logged with their traceback, hundreds of them here."""
    log = logging.getLogger("stubtail.lane")
    log.disabled = True
    yield
    log.disabled = False
