"""Tells files that rest from files that are still being written, by watching their state."""

from collections.abc import Callable, Collection, Iterator, Mapping

from stubtail.models.layout import Found, Scan
from stubtail.models.policy import Fingerprint

_Key = tuple[str, str]  # model and version


class Settling:
    """Holds back versions whose files changed a moment ago: they may be half written.

    A version that is known keeps its old fingerprint meanwhile; a new one is not there yet. Times
    of change are not used: tools that copy set them to what they were elsewhere.

    Args:
        settle_s: how long files must rest.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._accepted: dict[_Key, Fingerprint] = {}
        self._pending: dict[_Key, tuple[Fingerprint, float]] = {}
        self._unsettled: dict[str, set[str]] = {}  # the same by model: each is asked about

    def pending(self, name: str) -> Collection[str]:
        """The versions of a model whose files changed a moment ago."""
        return self._unsettled.get(name, ())

    def observe(
        self, scan: Scan, now: float, *, at_once: Callable[[str], bool] = lambda _: False
    ) -> tuple[dict[str, dict[str, Found]], float | None]:
        """What of a scan can be acted on.

        Args:
            scan: of a folder that could be read.
            now: monotonic seconds.
            at_once: the models to take as they are, as at the start or when an operator asks.

        Returns:
            The settled models, and in how many seconds to look again (None: nothing is pending).
        """
        settled: dict[str, dict[str, Found]] = {name: {} for name in scan.models}
        accepted = {key: mark for key, mark in self._accepted.items() if scan.skipped(key[0])}
        pending: dict[_Key, tuple[Fingerprint, float]] = {}
        for key, found in _each(scan.models):
            old = self._accepted.get(key)
            fingerprint: Fingerprint | None = found.fingerprint
            if fingerprint != old and not at_once(key[0]):
                seen, since = self._pending.get(key, (None, now))
                since = since if seen == found.fingerprint else now
                if now - since < self._settle_s:
                    pending[key] = (found.fingerprint, since)
                    fingerprint = old
            if fingerprint is not None:
                accepted[key] = fingerprint
                settled[key[0]][key[1]] = Found(found.path, fingerprint)
        self._accepted, self._pending, self._unsettled = accepted, pending, {}
        for name, version in pending:
            self._unsettled.setdefault(name, set()).add(version)
        waits = [since + self._settle_s - now for _, since in pending.values()]
        return settled, min(waits, default=None)


def _each(models: Mapping[str, Mapping[str, Found]]) -> Iterator[tuple[_Key, Found]]:
    for name, versions in models.items():
        for version, found in versions.items():
            yield (name, version), found
