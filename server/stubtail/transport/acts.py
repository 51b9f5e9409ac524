"""Administrative acts: what cannot be noted is not done, and whatever is done is noted."""

import asyncio

from stubtail.access.auditor import Auditor
from stubtail.access.credential import Pairs
from stubtail.access.identity import ABOUT, Permit
from stubtail.access.methods import ADMINISTRATIVE
from stubtail.access.refusals import audit_blocked
from stubtail.errors import CallError, Code, server_defect


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


def outcome_of(ended: BaseException) -> CallError:
    """What is noted of an act whose call ended by this.

    CANCELLED where nobody waited for the answer, or the server did not: the act may go on, as half
    of one helps nobody, and the log of the server says what became of it.
    """
    if isinstance(ended, CallError):
        return ended
    if isinstance(ended, asyncio.CancelledError):
        return CallError(Code.CANCELLED, "", "the call ended before the act did")
    return server_defect()


def is_act(permit: Permit) -> bool:
    """Whether what a call does is to be noted."""
    return permit.scope in ADMINISTRATIVE
