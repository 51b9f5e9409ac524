"""The monitoring pages of one server process."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from stubtail.monitoring.http import HTML, INDEX, TEXT, Page, PageMaker

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def server_pages(
    registry: "CollectorRegistry", dead: Callable[[], str], unready: Callable[[], str]
) -> dict[str, PageMaker]:
    """The pages of a server.

    Args:
        registry: the metrics.
        dead: why the server should be killed; "" while it lives.
        unready: why no calls should be sent here; "" while it serves.
    """
    return {
        "/": lambda _: Page(HTTPStatus.OK, HTML, INDEX),
        "/metrics": lambda accept: metrics_page(registry, accept),
        "/healthz": lambda _: probe_page("alive", dead()),
        "/readyz": lambda _: probe_page("ready", unready()),
    }


def metrics_page(registry: "CollectorRegistry", accept: str) -> Page:
    """The metrics in the form that `accept` asks for."""
    # The supervisor imports this package too, and has no use for a tenth of a second of imports.
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

    encode, content_type = choose_encoder(accept)
    return Page(HTTPStatus.OK, content_type, encode(registry))


def probe_page(good: str, problem: str) -> Page:
    """200 with one word, or 503 with the reason."""
    if problem:
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, TEXT, f"{problem}\n".encode())
    return Page(HTTPStatus.OK, TEXT, f"{good}\n".encode())
