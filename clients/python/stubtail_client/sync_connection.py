"""One channel of the sync client."""

from typing import Any

import grpc

from stubtail_client import connection

_CORE_READY = grpc.ChannelConnectivity.READY.value[0]


class SyncConnection:
    """One channel with a connection of its own, and the methods that are called on it."""

    def __init__(
        self, settings: connection.Settings, credentials: grpc.ChannelCredentials | None
    ) -> None:
        self.channel = _open_channel(settings, credentials)
        self.methods = {path: self.channel.unary_unary(path) for path in connection.PATHS}

    def is_ready(self) -> bool:
        """Whether the connection stands; True where this version of grpc does not tell.

        The public way, `subscribe`, starts a thread that hangs the interpreter if it exits within
        the next 0.2 s, which is what a script does after an error. The private one just answers.
        """
        core = getattr(self.channel, "_channel", None)
        check = getattr(core, "check_connectivity_state", None)
        try:
            return check is None or check(False) == _CORE_READY
        except ValueError:
            return True  # closed meanwhile


def _open_channel(
    settings: connection.Settings, credentials: grpc.ChannelCredentials | None
) -> Any:
    """A channel, as Any: stubs of grpc, where installed, demand arguments that grpc does not."""
    arguments = settings.channel_arguments()
    if credentials is None:
        return grpc.insecure_channel(settings.server, arguments)
    return grpc.secure_channel(settings.server, credentials, arguments)
