"""Which methods of the event loop the native front serves itself, without the Unix socket."""

from collections.abc import Sequence
from typing import Any

from stubtail.access.guard import Guard
from stubtail.endpoints.method import ServerStream, Unary


def directs(methods: Sequence[Any], guard: Guard | None) -> list[Unary | ServerStream]:
    """Those that ask for it, and with an audit log all unary ones that need a credential.

    What is forwarded comes from the socket, so its record could not say from where. Open methods
    are denied to nobody; streams in both directions are beyond the front.

    Args:
        methods: of the server.
        guard: None where everybody may do everything.
    """

    def is_direct(method: Unary | ServerStream) -> bool:
        if guard is None or guard.audit is None or isinstance(method, ServerStream):
            return method.direct
        return method.direct or not guard.is_open(method.path)

    return [one for one in methods if isinstance(one, Unary | ServerStream) and is_direct(one)]
