"""An answer of the HTTP port, and what makes one."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, NamedTuple

TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"


class Page(NamedTuple):
    """An answer; `headers` come besides those that every answer has."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


# Makes a page for a request with this Accept header.
PageMaker = Callable[[str], Page]
