"""The life of one worker process: start, serve until told to stop, drain, end."""

import asyncio
import logging
import signal
from collections.abc import Callable
from importlib.util import find_spec
from typing import cast

from stubtail.app import App
from stubtail.config import Settings, is_loopback
from stubtail.logs import Logs
from stubtail.models.verifier import Verifier
from stubtail.monitoring.http import MonitoringError
from stubtail.options import transport_of
from stubtail.supervisor.control import Control

log = logging.getLogger("stubtail")


def run_worker(settings: Settings, control: Control, verifier: Verifier | None) -> int:
    """Serves until a signal or the control says stop; returns the exit code.

    Args:
        settings: all of them.
        control: whoever started this process.
        verifier: checks models elsewhere; None checks them here.
    """
    logs = Logs(settings.log, worker=control.worker)
    logs.start()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(settings, control, logs, verifier))
    finally:
        logs.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415 - optional: not on every platform

    return cast("Callable[[], asyncio.AbstractEventLoop]", uvloop.new_event_loop)


async def _serve(
    settings: Settings, control: Control, logs: Logs, verifier: Verifier | None
) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    control.start(lambda: _set_from_thread(loop, stop))
    app = App(settings, control, logs, verifier)
    try:
        started = await _start(app, stop)
    except (OSError, MonitoringError) as error:
        control.failed(str(error))
        await app.aclose()
        return 1
    if started:
        _tell(settings, app.address)
        await stop.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        # A second signal ends the process at once: KeyboardInterrupt would wait for the pool.
        signal.signal(number, signal.SIG_DFL)
    if started:
        await app.drain()
    await app.aclose()
    log.info("stopped", extra={"calls_answered": app.recorder.calls_answered()})
    return 0


async def _start(app: App, stop: asyncio.Event) -> bool:
    """Starts the app; False where it is to stop before that is done: checks may take minutes."""
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        await starting
        return True
    app.stop_checks()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    return False


def _tell(settings: Settings, address: str) -> None:
    """Logs where calls are taken, and how safe that is."""
    server, tls = settings.server, settings.tls
    transport = transport_of(settings)
    log.info("serving", extra={"address": address, "transport": transport, "tls": tls.mode})
    if tls.cert_file and server.transport == "auto":
        log.info("transport is grpcio", extra={"reason": "the native front has no TLS"})
    if not tls.cert_file and not is_loopback(server.host):
        mend = "keep strangers out with a proxy or a closed network, or set tls.cert_file"
        log.warning("plain text on an open address", extra={"address": address, "mend": mend})


def _set_from_thread(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)
