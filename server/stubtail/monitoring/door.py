"""Who may read a page of the HTTP port: the rules of the gRPC port, where others reach it."""

import time
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from stubtail.access.credential import CREDENTIAL_KEY
from stubtail.models.keys import ALL
from stubtail.monitoring.page import TEXT, Page

if TYPE_CHECKING:  # what brings protobuf, which a supervisor without access rules never needs
    from stubtail.access.guard import Guard

# What load balancers and people look at first. It tells no name and no number.
OPEN_PATHS: Final = frozenset({"/", "/healthz", "/readyz"})
SCOPE: Final = "read"


class Door:
    """Lets a request in or answers it; any thread may ask.

    Args:
        guard: knows callers; None lets everybody in.
        host: the name or address that the port is bound to.
        is_local: whether only this machine reaches the port. Then a request must name it by an
            address, as `localhost` or by `host`: a page in a browser here can be made to call us
            by another name, and would be let in by the address that it comes from.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        guard: "Guard | None",
        host: str,
        *,
        is_local: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = guard
        self._host = host
        self._is_local = is_local
        self._clock = clock

    def refusal(self, path: str, host: str, authorization: str) -> Page | None:
        """The answer to a request that is not let in; None lets it in.

        Args:
            path: of the page, without its query.
            host: the header of that name; "" without.
            authorization: likewise.
        """
        if self._is_local and not self._is_ours(host):
            body = b"call this port by its address or as localhost\n"
            return Page(HTTPStatus.MISDIRECTED_REQUEST, TEXT, body)
        if self._guard is None or path in OPEN_PATHS:
            return None
        from stubtail.errors import CallError, Code  # noqa: PLC0415  # see the import of Guard

        try:
            permit = self._guard.permit(self._guard.identify(authorization, self._clock()), SCOPE)
        except CallError as error:
            said = ((CREDENTIAL_KEY, authorization),)
            self._guard.note(error, f"http:{path}", "http", said)
            if error.code is Code.UNAUTHENTICATED:
                challenge = (("WWW-Authenticate", 'Bearer realm="stubtail"'),)
                body = f"{error.message}\n".encode()
                return Page(HTTPStatus.UNAUTHORIZED, TEXT, body, challenge)
            is_denied = error.code is Code.PERMISSION_DENIED
            status = HTTPStatus.FORBIDDEN if is_denied else HTTPStatus.SERVICE_UNAVAILABLE
            return Page(status, TEXT, f"{error.message}\n".encode())
        if not permit.rules(ALL):
            # The pages tell of all models, and with tenants some of them are others' own.
            body = b"these pages tell of every tenant: only its operator may read them\n"
            return Page(HTTPStatus.FORBIDDEN, TEXT, body)
        return None

    def _is_ours(self, host: str) -> bool:
        name = host.strip().lower()
        name = name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
        if name in {"", "localhost", self._host.lower()}:
            return True
        try:
            ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True
