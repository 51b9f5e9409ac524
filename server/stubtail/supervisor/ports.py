"""Takes a port for several processes, and tells clearly when somebody else has it."""

import errno
import socket


class PortError(Exception):
    """The port cannot be used; the message names it and the mend."""


def check_free(host: str, port: int) -> None:
    """Refuses a port that somebody listens on.

    A server that binds with SO_REUSEPORT must ask first: the kernel would let it share the port
    with a stranger, and both would get some of the calls.

    Raises:
        PortError: the port is taken or the address is none of this machine's.
    """
    _bind(host, port).close()


def reserve(host: str, port: int) -> tuple[socket.socket, int]:
    """Holds a port without listening on it, so that workers can come and go.

    Args:
        host: the address; a name is looked up.
        port: 0 takes a free one.

    Returns:
        The socket to keep open, and the port.

    Raises:
        PortError: the port is taken or the address is none of this machine's.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise PortError("this system cannot share a port between processes; use --workers 1")
    check_free(host, port)
    held = _bind(host, port, socket.SO_REUSEPORT)
    # From now on it would let others in who have it too, until somebody listens.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return held, int(held.getsockname()[1])


def join(host: str, port: int) -> str:
    """host:port as clients write it, IPv6 addresses in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(host: str, port: int, *options: int) -> socket.socket:
    bare = host.removeprefix("[").removesuffix("]")
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            bare, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise PortError(f"no such address: {host!r}; give one of this machine's") from None
    bound = socket.socket(family, kind)
    try:
        # SO_REUSEADDR lets pass what an earlier server's closed connections still hold (TIME_WAIT).
        for option in (socket.SO_REUSEADDR, *options):
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise PortError(_explain(join(bare, port), error)) from None
    return bound


def _explain(address: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{address} is in use by another process; stop that one or choose another port"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{address} needs rights that this user lacks; choose a port from 1024 on"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address} is no address of this machine; use 127.0.0.1 or 0.0.0.0"
    return f"{address} cannot be used: {error.strerror}"
