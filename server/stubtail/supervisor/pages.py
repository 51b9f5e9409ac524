"""The monitoring pages of a supervisor: those of all workers as one."""

import http.client
import re
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

from stubtail.monitoring.http import HTML, INDEX, TEXT, Page, PageMaker

WORKER_TIMEOUT_S: Final = 2.0  # a hung worker must not hide the others from a scrape
PAGE_BYTES_MAX: Final = 64 * 1024 * 1024
_FAMILY: Final = re.compile(r"# (HELP|TYPE|UNIT) (\S+)")

# A metric of the supervisor itself: name without _total, "counter" or "gauge", help, and the value
# of each worker.
Family = tuple[str, str, str, Mapping[int, float]]


def supervisor_pages(
    workers: Callable[[], Mapping[int, Path]], families: Callable[[], list[Family]]
) -> dict[str, PageMaker]:
    """The pages.

    Args:
        workers: the Unix sockets of the workers that are ready, by number.
        families: the supervisor's own metrics.
    """

    def metrics(accept: str) -> Page:
        fetched = {worker: _fetch(path, "/metrics", accept) for worker, path in workers().items()}
        good = {worker: page for worker, page in fetched.items() if page.status == HTTPStatus.OK}
        content_type = next((page.content_type for page in good.values()), TEXT)
        is_open = content_type.startswith("application/openmetrics-text")
        texts = {worker: page.body.decode() for worker, page in good.items()}
        own = exposition(families(), suffix_counters=not is_open)
        merged = merge(texts) + own + ("# EOF\n" if is_open else "")
        return Page(HTTPStatus.OK, content_type, merged.encode())

    def ready(_: str) -> Page:
        found = [_fetch(path, "/readyz", "") for path in workers().values()]
        if any(page.status == HTTPStatus.OK for page in found):
            return Page(HTTPStatus.OK, TEXT, b"ready\n")
        reason = next((page.body for page in found), b"no worker is ready\n")
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, TEXT, reason)

    return {
        "/": lambda _: Page(HTTPStatus.OK, HTML, INDEX),
        "/metrics": metrics,
        "/readyz": ready,
        # Workers that hang are the supervisor's business: it lives as long as it answers.
        "/healthz": lambda _: Page(HTTPStatus.OK, TEXT, b"alive\n"),
    }


def merge(texts: Mapping[int, str]) -> str:
    """One exposition of several: each sample with the label `worker`, grouped by family.

    The lines are our own, so names have neither spaces nor braces and a family's lines are
    together.

    Args:
        texts: Prometheus or OpenMetrics text, by worker.
    """
    heads: dict[str, dict[str, str]] = {}
    samples: dict[str, list[str]] = {}
    for worker, text in texts.items():
        family = ""
        for line in text.splitlines():
            if found := _FAMILY.match(line):
                family = found[2]
                heads.setdefault(family, {}).setdefault(found[1], line)
            elif line and not line.startswith("#"):
                samples.setdefault(family, []).append(_with_worker(line, worker))
    lines: list[str] = []
    for family, head in heads.items():
        lines += [*head.values(), *samples.get(family, ())]
    return "".join(f"{line}\n" for line in lines)


def exposition(families: list[Family], *, suffix_counters: bool) -> str:
    """Families with one sample per worker as text.

    Args:
        families: what to tell.
        suffix_counters: whether a counter's family is called `_total` too, as in the older format.
    """
    lines: list[str] = []
    for name, kind, about, values in families:
        sample = f"{name}_total" if kind == "counter" else name
        family = sample if suffix_counters else name
        lines += [f"# HELP {family} {about}", f"# TYPE {family} {kind}"]
        lines += [f'{sample}{{worker="{worker}"}} {value}' for worker, value in values.items()]
    return "".join(f"{line}\n" for line in lines)


def _with_worker(line: str, worker: int) -> str:
    end = min(at for at in (line.find("{"), line.find(" "), len(line)) if at >= 0)
    name, rest = line[:end], line[end:]
    rest = rest.removeprefix("{}")
    label = f'worker="{worker}"'
    return f"{name}{{{label},{rest[1:]}" if rest.startswith("{") else f"{name}{{{label}}}{rest}"


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("worker", timeout=WORKER_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        """Connects to the path."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WORKER_TIMEOUT_S)
        self.sock.connect(str(self._path))


def _fetch(path: Path, page: str, accept: str) -> Page:
    """A worker's page; 502 when it does not come in time."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", page, headers={"Accept": accept} if accept else {})
        reply = connection.getresponse()
        body = reply.read(PAGE_BYTES_MAX)
        content_type = reply.headers.get("Content-Type", TEXT)
        return Page(HTTPStatus(reply.status), content_type, body)
    except (OSError, ValueError, http.client.HTTPException):
        return Page(HTTPStatus.BAD_GATEWAY, TEXT, b"the worker does not answer\n")
    finally:
        connection.close()
