"""Who takes note of denials and of administrative acts, as the guard sees it."""

from collections.abc import Sequence
from typing import Protocol

from stubtail.access.credential import Pairs
from stubtail.access.identity import Identity
from stubtail.errors import CallError


class Auditor(Protocol):
    """Takes note of who did what; never waits."""

    @property
    def has_room(self) -> bool:
        """Whether an act could be noted now."""

    def denied(
        self, error: CallError, path: str, identity: Identity | None, peer: str, metadata: Pairs
    ) -> None:
        """A call was denied."""

    def act(
        self,
        path: str,
        identity: Identity,
        peer: str,
        metadata: Pairs,
        models: Sequence[str],
        error: CallError | None,
    ) -> None:
        """Somebody administered models."""
