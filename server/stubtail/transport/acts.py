"""Administrative acts: what cannot be noted is not done, and whatever is done is noted."""

from stubtail.access.auditor import Auditor, Pairs
from stubtail.access.identity import ABOUT, Permit
from stubtail.access.methods import ADMINISTRATIVE
from stubtail.access.refusals import audit_blocked
from stubtail.errors import CallError


class Act:
    """One act, from before it is done to its record.

    Args:
        audit: where it is noted.
        path: of the method.
        permit: of the caller.
        peer: where the call came from.
        metadata: of the call.

    Raises:
        CallError: UNAVAILABLE where there is no room for another record.
    """

    def __init__(
        self, audit: Auditor, path: str, permit: Permit, peer: str, metadata: Pairs
    ) -> None:
        if not audit.has_room:
            raise audit_blocked()
        self._audit = audit
        self._path = path
        self._permit = permit
        self._peer = peer
        self._metadata = metadata
        self._about: list[str] = []
        ABOUT.set(self._about)  # in the task of the call, whose endpoint tells the model

    def end(self, error: CallError | None) -> None:
        """It has been done, or has failed with `error`."""
        identity = self._permit.identity
        self._audit.act(self._path, identity, self._peer, self._metadata, self._about, error)


def is_act(permit: Permit) -> bool:
    """Whether what a call does is to be noted."""
    return permit.scope in ADMINISTRATIVE
