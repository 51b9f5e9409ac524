"""The comparison with others, from the command to its files; and its HTTP load on a real server."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.calls import Calls
from benchmarks.errors import LoadError
from benchmarks.http1 import HttpClient, Wire, encode
from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.starting import program
from benchmarks.processes import Server, free_port, http_echo
from benchmarks.rows import HTTP_PATH

CALLS = Calls(HTTP_PATH, [bytes([number]) * (4 + number) for number in range(50)])


@pytest.mark.parametrize("connections", [1, 8])
def test_the_http_load_counts_every_call_once_with_its_own_answer(connections: int):
    """As many latencies as calls, the right bytes for each, nothing lost."""
    with http_echo() as server, HttpClient(server.address, CALLS, connections) as client:
        load = client.closed(streams=1, seconds=0.2)
    assert load.issued == load.answered > 50
    assert not load.failures
    assert load.without_outcome == 0
    assert load.sizes == set(range(4, 54))
    assert all(body == CALLS.messages[index] for index, body in load.samples)


@pytest.mark.parametrize("connections", [1, 8])
def test_the_http_load_counts_what_is_refused(connections: int):
    """A 503 is a failure with its own name, and no latency."""
    command_line = [sys.executable, "-m", "benchmarks.servers.http_echo", "--refuse-every", "7"]
    with (
        Server(command_line) as server,
        HttpClient(server.address, CALLS, connections) as client,
    ):
        load = client.closed(streams=1, seconds=0.2)
    assert load.failures["HTTP 503"] >= 1
    assert load.issued == load.answered + load.failures.total()


def test_a_server_that_is_not_there_is_said_to_be():
    """Before any figure."""
    with pytest.raises(LoadError, match="cannot connect"):
        Wire(f"127.0.0.1:{free_port()}", encode(HTTP_PATH, [b"x"]))


def test_peers_are_measured_and_one_that_breaks_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Ours, the echo, a peer whose process ends, and one without a place to be installed in."""
    known = {peer.name: peer for peer in PEERS}
    broken = replace(
        known["fastapi"],
        requirements=(),
        start=program(["-c", "import sys; sys.exit('this peer is broken')"]),
    )
    peers = (known["native"], known["echo"], broken, known["mosec"])
    monkeypatch.setattr("benchmarks.peers.command.PEERS", peers)
    options = ["peers", "--only", "native echo fastapi mosec", "--seconds", "0.2", "--rounds", "1"]
    environments = tmp_path / "environments"
    environments.write_text("a file, in which nothing can be installed")
    options += ["--environments", str(environments), "--out", str(tmp_path)]
    assert main(options) == 1
    (path,) = tmp_path.glob("*-peers-partial.json")
    found = json.loads(path.read_text())["found"]
    for name in ("native", "echo"):
        assert {one["case"] for one in found[name]["measurements"]} == {
            "infer-1x64",
            "infer-1x1",
            "infer-32x64",
        }
        assert all(one["calls_per_s"] > 0 for one in found[name]["measurements"])
        assert found[name]["first_answer_s"][0] > 0
        assert not found[name]["problems"]
    assert "this peer is broken" in found["fastapi"]["problems"][0]
    assert "cannot be installed" in found["mosec"]["problems"][0]
    assert (tmp_path / "peers-partial.svg").stat().st_size > 1000
    printed = capsys.readouterr().out
    assert "not run: round 1: ended with 1: this peer is broken" in printed
