"""The HTTP port as the settings want it: who may read it, and whether it speaks TLS."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stubtail.config import Settings, asks_on_http, http_scheme, is_loopback
from stubtail.monitoring.door import Door
from stubtail.monitoring.http import Monitoring, MonitoringError
from stubtail.monitoring.page import PageMaker

if TYPE_CHECKING:
    from stubtail.access.guard import Guard
    from stubtail.access.part import AccessPart


def http_port(
    settings: Settings,
    pages: Mapping[str, PageMaker],
    address: tuple[str, int] | Path,
    guard: "Guard | None",
) -> Monitoring:
    """The port, not started yet.

    Args:
        settings: of this process.
        pages: what it shows.
        address: where it listens; a Unix socket, of a worker, takes neither door nor TLS.
        guard: knows callers; None where access rules are off.

    Raises:
        MonitoringError: the certificate cannot be used.
    """
    if isinstance(address, Path):
        return Monitoring(pages, address)
    host, tls = settings.server.http_host, None
    if http_scheme(settings) == "https":
        from stubtail.monitoring.tls import HttpTls  # noqa: PLC0415  # ssl is not for everybody

        try:
            tls = HttpTls(Path(settings.tls.cert_file), Path(settings.tls.key_file))
        except OSError as error:
            reason = f"the HTTP port cannot use the certificate of tls.cert_file: {error}"
            raise MonitoringError(reason) from error
    door = Door(guard if asks_on_http(settings) else None, host, is_local=is_loopback(host))
    return Monitoring(pages, address, door, tls)


def http_access(settings: Settings) -> "AccessPart | None":
    """The access rules of a process that has no gRPC port: None where its HTTP port needs none."""
    if not asks_on_http(settings):
        return None
    from stubtail.access.part import AccessPart  # noqa: PLC0415  # brings protobuf's messages

    return AccessPart(settings.access, time.monotonic)


def start_access(access: "AccessPart | None") -> None:
    """Begins to follow the keys of callers, where there are rules.

    Raises:
        MonitoringError: the file of callers cannot be used.
    """
    if access is None:
        return
    try:
        access.start()
    except OSError as error:
        raise MonitoringError(str(error)) from None
