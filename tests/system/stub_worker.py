"""A worker without models for tests of the supervisor: answers a line, crashes or hangs on order.

`python stub_worker.py FAULTS --control-fd N`; FAULTS is a folder whose files order faults:
`fail-K` makes worker K fail at start, `fail` makes all do so, `deaf` makes them ignore SIGTERM.
"""

import os
import signal
import socket
import sys
import threading
import time
from http import HTTPStatus
from pathlib import Path

from stubtail.monitoring import Monitoring, Page
from stubtail.supervisor.control import PipeControl


def main() -> int:
    """Serves until told to stop."""
    faults = Path(sys.argv[1])
    settings, control = PipeControl.connect(int(sys.argv[3]))
    if (faults / "fail").exists() or (faults / f"fail-{control.worker}").exists():
        control.failed("the stub was told to fail")
        return 1
    stop = threading.Event()
    if not (faults / "deaf").exists():
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert isinstance(control.http_address, Path)
    body = f"# HELP stub_up One.\n# TYPE stub_up gauge\nstub_up {control.worker}\n".encode()
    page = Page(HTTPStatus.OK, "text/plain; version=0.0.4", body)
    monitoring = Monitoring(
        {"/metrics": lambda _: page, "/readyz": lambda _: page}, control.http_address
    )
    monitoring.start()
    listener = socket.create_server(
        (settings.server.host, settings.server.port), reuse_port=control.shares_port
    )
    listener.settimeout(0.02)
    control.start(stop.set)
    control.ready("{}:{}".format(*listener.getsockname()), monitoring.address)
    hung = False
    while not stop.is_set():
        if not hung:
            control.heartbeat("loop")
        try:
            peer, _ = listener.accept()
        except TimeoutError:
            continue
        with peer:
            hung = answer(peer, control.worker) or hung
    listener.close()
    monitoring.close()
    return 0


def answer(peer: socket.socket, worker: int) -> bool:
    """Obeys one order; returns whether to hang from now on."""
    order = peer.recv(100).decode()
    if order == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "slow":
        time.sleep(0.5)
    peer.sendall(f"{worker} {os.getpid()}".encode())
    return order == "hang"


if __name__ == "__main__":
    sys.exit(main())
