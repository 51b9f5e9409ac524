"""Connections that are made anew: to which address of a name, and how often."""

import socket
import struct
import threading
from contextlib import suppress

import numpy as np

from stubtail_bench.connections import _reachable
from stubtail_bench.engine import Engine
from stubtail_bench.http2 import GOAWAY, SETTINGS, frame
from stubtail_bench.plan import make_plan
from stubtail_bench.raw import REFUSED
from stubtail_bench.traffic import Kind, Traffic


def test_a_server_on_one_of_the_addresses_of_a_name_is_found():
    """Such as `localhost`, of IPv6 first, and a server of IPv4; where none listens, one is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        here = (socket.AF_INET, address)
        deaf = (socket.AF_INET, ("127.0.0.2", address[1]))
        no_family = (socket.AF_INET6, ("::1", address[1], 0, 0))
        assert _reachable([deaf, no_family, here]) == here
        assert _reachable([here, deaf]) == here
        assert _reachable([deaf, no_family]) == no_family


def test_a_server_that_turns_all_away_is_not_flooded_with_connections():
    """GOAWAY after the settings, again and again: calls are refused, at a bounded rate of tries."""
    settings = frame(SETTINGS, 0, 0)
    away = frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0))
    accepted = []

    def turn_away(server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:  # the test is over
                return
            with peer:
                accepted.append(peer)
                with suppress(OSError):  # it may have left meanwhile
                    peer.sendall(settings)
                    leave.wait(30)
                    peer.sendall(away)
                    while peer.recv(1 << 16):  # closed unread, it would be reset, and GOAWAY lost
                        pass

    leave = threading.Event()
    traffic = Traffic([Kind("any", "/s/m", [b"x"], [1])])
    rng = np.random.default_rng(1)
    plan = make_plan(traffic, np.linspace(0, 0.4, 200), rng, measured_from_s=0, until_s=0.4)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=turn_away, args=(server,), daemon=True)
        thread.start()
        with Engine(f"127.0.0.1:{server.getsockname()[1]}", traffic, connections=1) as engine:
            leave.set()
            raw = engine.open(plan)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert raw.ended == raw.issued == 200
    assert set(raw.logs) == {REFUSED}
    assert len(accepted) <= 4 + raw.seconds / 0.1
