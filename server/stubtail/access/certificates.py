"""Who a client certificate stands for: URI names as SPIFFE has them; pure."""

import re
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

URI_CHARACTERS_MAX: Final = 2048  # the SPIFFE standard's own bound
_URI: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([A-Za-z0-9._-]+)(/[A-Za-z0-9._/-]*)?")

Owner = TypeVar("Owner")


def parse_uri_pattern(text: str) -> tuple[str, bool]:
    """The text that a URI has to be, and whether more segments of a path may follow.

    Raises:
        ValueError: it is no pattern, or its * stands elsewhere than in place of the last segments.
    """
    rest, star, tail = text.partition("*")
    if tail or (star and not rest.endswith("/")) or not _URI.fullmatch(rest):
        raise ValueError(f"{text[:80]!r} is no name like spiffe://domain/path or spiffe://domain/*")
    if star and rest.count("/") < 3:
        raise ValueError(f"{text[:80]!r}: the * stands after the trust domain and a /")
    return rest, bool(star)


class CertificateNames(Generic[Owner]):
    """The owners of certificates, by the URI names in them.

    Args:
        entries: patterns with their owners; the longest that fits decides.
    """

    def __init__(self, entries: Iterable[tuple[str, Owner]]) -> None:
        self._exact: dict[str, Owner] = {}
        self._below: list[tuple[str, Owner]] = []
        for pattern, owner in entries:
            rest, open_end = parse_uri_pattern(pattern)
            if open_end:
                self._below.append((rest, owner))
            else:
                self._exact[rest] = owner
        self._below.sort(key=lambda entry: -len(entry[0]))

    def find(self, uris: Iterable[bytes]) -> tuple[str, Owner] | None:
        """The name and the owner of a certificate; None where no name is known.

        A certificate with several URI names is no SPIFFE certificate: it stands for nobody.
        """
        names = list(uris)
        if len(names) != 1 or len(names[0]) > URI_CHARACTERS_MAX:
            return None
        try:
            name = names[0].decode("ascii")
        except UnicodeDecodeError:
            return None
        if not _URI.fullmatch(name) or any(part in (".", "..") for part in name.split("/")):
            return None
        if name in self._exact:
            return name, self._exact[name]
        for prefix, owner in self._below:
            if name.startswith(prefix) and len(name) > len(prefix):
                return name, owner
        return None
