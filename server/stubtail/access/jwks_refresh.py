"""Keeps the keys of one issuer current: a thread that reads a URL or a file, seldom enough."""

import logging
import ssl
import time
import urllib.request
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from stubtail.access.jwks import DOCUMENT_BYTES_MAX, KeySet, parse_keys

log = logging.getLogger("stubtail.access")

TIMEOUT_S: Final = 5.0
LOOK_S: Final = 0.25  # how soon it notices that a key is wanted
FIRST_WAIT_S: Final = 5.0  # a start waits so long for the first keys


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Keys come from where the settings say, not from where that place says."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follows none: the answer with the redirect becomes an HTTPError."""


class JwksRefresher:
    """Asks for keys when they are old or when one is unknown; a failure leaves what there is.

    Args:
        name: of the issuer, for the log.
        source: an https URL, or the path of a file.
        algorithms: that the issuer signs with.
        keys: where they go; decides when to ask.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        source: str,
        algorithms: Collection[str],
        keys: KeySet,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._source = source
        self._algorithms = algorithms
        self._keys = keys
        self._clock = clock
        self._stop = Event()
        self._first = Event()
        self._told = ""
        self._thread = Thread(target=self._run, name=f"jwks-{name}", daemon=True)

    def start(self) -> None:
        """Starts, and waits a moment for the first keys; a server starts without them, too."""
        self._thread.start()
        self._first.wait(FIRST_WAIT_S)

    def close(self) -> None:
        """Stops; a request on its way ends by its own timeout, unheard."""
        self._stop.set()

    def _run(self) -> None:
        while True:
            wait_s = self._keys.wait_s(self._clock())
            if wait_s > 0.0:
                # A key may be wanted meanwhile, which shortens the wait.
                if self._stop.wait(min(wait_s, LOOK_S)):
                    return
                continue
            self._keys.asked(self._clock())
            self._ask()
            self._first.set()

    def _ask(self) -> None:
        try:
            self._keys.replace(parse_keys(self._read(), self._algorithms))
        except (OSError, ValueError) as error:  # URLError is an OSError
            problem = str(error)[:200]
            if problem != self._told:
                fields = {"issuer": self._name, "source": self._source, "problem": problem}
                log.warning("keys of an issuer kept", extra=fields)
            self._told = problem
            return
        if self._told:
            log.info("keys of an issuer are there again", extra={"issuer": self._name})
        self._told = ""

    def _read(self) -> bytes:
        if not self._source.startswith(("https://", "http://")):
            with Path(self._source).open("rb") as file:
                return file.read(DOCUMENT_BYTES_MAX + 1)
        opener = urllib.request.build_opener(
            _NoRedirect(),
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        )
        with opener.open(self._source, timeout=TIMEOUT_S) as reply:
            return bytes(reply.read(DOCUMENT_BYTES_MAX + 1))
