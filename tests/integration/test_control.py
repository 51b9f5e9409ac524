"""Tests of the channel between a worker and its supervisor, and of the ports they share."""

import json
import os
import socket
import threading

import pytest

from stubtail.config import Settings, SupervisorSettings, load, to_document
from stubtail.supervisor.control import PipeControl
from stubtail.supervisor.ports import PortError, check_free, reserve

SETTINGS = Settings(supervisor=SupervisorSettings(heartbeat_interval_ms=10))


def connect(settings: Settings = SETTINGS):
    """Both ends: the supervisor's socket, and what the worker got."""
    ours, theirs = socket.socketpair()
    document = {"settings": to_document(settings), "worker": 3, "http_socket": "/x/3.sock"}
    ours.sendall(json.dumps(document).encode() + b"\n")
    ours.settimeout(5)
    return ours, *PipeControl.connect(theirs.detach())


def test_worker_gets_settings_number_and_socket():
    """What the supervisor hands over arrives whole."""
    ours, settings, control = connect(load(environ={"STUBTAIL_SERVER_PORT": "9"}))

    assert settings.server.port == 9
    assert control.worker == 3
    assert str(control.http_address) == "/x/3.sock"
    assert control.shares_port
    ours.close()
    control.close()


def test_messages_of_a_worker():
    """ready, failed and, once started, signs of life with the silence of the quietest part."""
    ours, _, control = connect()
    control.ready("127.0.0.1:1", "/x/3.sock")
    control.failed("x" * 10_000)
    control.start(lambda: None)
    lines = ours.makefile("rb")

    assert json.loads(lines.readline()) == {"ready": "127.0.0.1:1", "http": "/x/3.sock"}
    assert len(json.loads(lines.readline())["failed"]) == 4000
    assert json.loads(lines.readline()) == {"silence_ms": 0}
    lines.close()
    control.close()
    ours.close()


def test_end_of_the_supervisor_stops_the_worker():
    """When the channel ends, the worker is told once to drain."""
    ours, _, control = connect()
    stopped = threading.Event()
    control.start(stopped.set)
    ours.close()

    assert stopped.wait(5)
    control.close()


def test_telling_a_supervisor_that_has_gone_is_no_error():
    """Serving goes on when nobody listens."""
    ours, _, control = connect()
    ours.close()

    control.ready("a", "b")
    control.failed("c")
    control.close()


def test_closing_is_not_the_supervisors_end():
    """A worker that lets go is not told to stop by that."""
    ours, _, control = connect()
    stopped = threading.Event()
    control.start(stopped.set)
    control.close()

    assert not stopped.is_set()
    ours.close()


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"{}\n", b"[]\n", b'{"settings": 3}\n'])
def test_no_supervisor(content):
    """A descriptor that is not a supervisor's is a clear error."""
    ours, theirs = socket.socketpair()
    ours.sendall(content)
    ours.close()

    with pytest.raises(ValueError, match="supervisor"):
        PipeControl.connect(theirs.detach())


def test_descriptor_that_is_no_socket():
    """So is one that is a file."""
    reader, writer = os.pipe()
    try:
        with pytest.raises(ValueError, match="no supervisor at descriptor"):
            PipeControl.connect(reader)
    finally:
        os.close(reader)
        os.close(writer)


def test_port_in_use_is_told():
    """A port on which somebody listens is refused although SO_REUSEPORT would share it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortError, match=f"127.0.0.1:{port} is in use"):
            reserve("127.0.0.1", port)


def test_another_supervisors_port_is_in_use():
    """A port that is only held, not listened on, is taken as well."""
    held, port = reserve("127.0.0.1", 0)
    with held, pytest.raises(PortError, match="is in use"):
        check_free("127.0.0.1", port)


def test_reserved_port_can_be_shared():
    """Workers listen on the held port, several at once."""
    held, port = reserve("localhost", 0)
    with held, socket.socket(held.family) as first, socket.socket(held.family) as second:
        for worker in (first, second):
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind((held.getsockname()[0], port))
            worker.listen()


def test_port_of_closed_connections_is_free():
    """Connections of an earlier server that wait out their time do not block a restart."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    accepted, _ = server.accept()
    accepted.close()  # this side closes first, so this side keeps TIME_WAIT
    client.close()
    server.close()

    check_free("127.0.0.1", port)
    # Also for one that shares its port, which the one before did not: other workers, or TLS.
    held, again = reserve("127.0.0.1", port)
    with held, pytest.raises(PortError, match="is in use"):
        check_free("127.0.0.1", again)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("192.0.2.1", "no address of this machine"),
        ("no.such.host.invalid", "no such address"),
        ("a" * 300, "no such address"),
    ],
)
def test_wrong_hosts_are_told(host, message):
    """An address that is not this machine's, or none at all."""
    with pytest.raises(PortError, match=message):
        check_free(host, 0)
