"""`python -m benchmarks peers`: every server in turn, alone, with the same calls."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks import http1, reference
from benchmarks.calls import Calls
from benchmarks.errors import BenchmarkError, LoadError, ServerError
from benchmarks.measure import GRPC, Case, Dialect, measure
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.environments import FOLDER, python_of
from benchmarks.peers.report import (
    ALONE,
    MANY,
    ROWS,
    ROWS_IN_A_CALL,
    Found,
    about,
    chosen,
    peers_table,
    ranked,
    to_document,
)
from benchmarks.peers.starting import Place
from benchmarks.picture import draw
from benchmarks.processes import Server
from benchmarks.results import FOLDER as RESULTS
from benchmarks.results import machine, save
from benchmarks.rows import Pool, Subject
from benchmarks.wire import Wire

_HTTP = Dialect(http1.ask, http1.HttpClient)
_POLL_S = 0.02
_FIRST_ANSWER_S = 90.0
_CASES = ((MANY, 1, 64), (ALONE, 1, 1), (ROWS, ROWS_IN_A_CALL, 64))
_WHY_CHARACTERS = 120  # of an error, in the table
_STREAMS = 8  # in flight on each gRPC connection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks peers`."""
    names = " ".join(peer.name for peer in PEERS)
    parser.add_argument("--only", default="", metavar="NAMES", help=f"of: {names}")
    parser.add_argument("--seconds", type=float, default=4.0, help="of load for each figure")
    parser.add_argument("--rounds", type=int, default=2, help="times each server is measured")
    parser.add_argument("--models", type=Path, default=Path("exported_models"), metavar="DIR")
    parser.add_argument(
        "--model", default=reference.NAME, help="the reference ensemble, or one of --models"
    )
    parser.add_argument("--environments", type=Path, default=FOLDER, metavar="DIR")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="for the results")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every peer was measured in every round."""
    peers = chosen(PEERS, options.only)
    with tempfile.TemporaryDirectory(prefix="stubtail-peers-") as folder:
        if options.model == reference.NAME:
            options.models = reference.write(Path(folder))
        return _run(options, peers, Subject(options.models / options.model))


def _run(options: argparse.Namespace, peers: Sequence[Peer], subject: Subject) -> int:
    machine_now = machine()
    found = {peer.name: Found() for peer in peers}
    pythons: dict[str, Path] = {}
    for peer in peers:
        try:
            pythons[peer.name] = python_of(peer.requirements, options.environments)
            found[peer.name].version = _version(peer)
        except (BenchmarkError, OSError) as error:
            found[peer.name].problems.append(f"cannot be installed: {_brief(error)}")
    runs = [peer for peer in peers if peer.name in pythons]
    print(f"{len(runs)} servers, {options.rounds} rounds, {options.seconds:g} s for each figure,")
    print(f"model {subject.name} with {subject.features} features; expect about", end=" ")
    print(f"{len(runs) * options.rounds * (4 * options.seconds + 6) / 60:.0f} minutes", flush=True)
    pools = {
        (peer.form, rows): Pool(subject, peer.form, rows, seed=31)
        for peer in peers
        for rows in (1, ROWS_IN_A_CALL)
    }
    for number in range(1, options.rounds + 1):
        for peer in runs if number % 2 else runs[::-1]:
            one = found[peer.name]
            try:
                _measure(peer, subject, pythons[peer.name], pools, number, options.seconds, one)
            except (BenchmarkError, OSError) as error:
                one.problems.append(f"round {number}: {_brief(error)}")
                print(f"  {peer.title}: {error}", flush=True)
    described = [about(peer) for peer in peers]
    print(f"\n{peers_table(described, found)}\n")
    name = "peers-partial" if options.only else "peers"  # a look must not replace the whole
    figures = {
        "model": {"name": subject.name, "features": subject.features},
        "rounds": options.rounds,
        "seconds": options.seconds,
        "peers": described,
        "found": to_document(found),
    }
    print(f"figures: {save(name, options.out, figures, machine_now)}")
    titles = {peer.name: peer.title for peer in peers}
    order = {name: titles[name] for name in ranked(list(titles), found)}
    measurements = [one for each in found.values() for one in each.measurements]
    if measurements:
        print(f"picture: {draw(measurements, order, options.out / f'{name}.svg')}")
    return 1 if any(one.problems for one in found.values()) else 0


def _measure(
    peer: Peer,
    subject: Subject,
    python: Path,
    pools: dict[tuple[str, int], Pool],
    number: int,
    seconds: float,
    found: Found,
) -> None:
    """Starts one server alone, waits for its first right answer and puts every load on it."""
    with (
        tempfile.TemporaryDirectory(prefix="peer-") as folder,
        peer.start(Place(subject, python, Path(folder))) as server,
    ):
        found.first_answer_s.append(_until_right(peer, server, pools[peer.form, 1]))
        print(f"  round {number}  {peer.title:24} answers after", end=" ")
        print(f"{found.first_answer_s[-1]:.2f} s", flush=True)
        for name, rows, in_flight in _CASES:
            streams = 1 if peer.is_http or in_flight == 1 else _STREAMS
            case = Case(name, name, peer.form, rows, in_flight // streams, streams)
            one = measure(
                server,
                peer.name,
                case,
                pools[peer.form, rows],
                expect=peer.expect,
                number=number,
                seconds=seconds,
                dialect=_HTTP if peer.is_http else GRPC,
            )
            found.measurements.append(one)
            print(
                f"  round {number}  {peer.title:24} {name:12}{one.calls_per_s:>9,.0f} calls/s"
                f" {one.cpu_us:>8,.1f} us CPU   p50 {one.p50_us:>8,.0f} us"
                f"   p99 {one.p99_us:>8,.0f} us   RSS {one.rss_mb:>6,.0f} MB",
                flush=True,
            )


def _until_right(peer: Peer, server: Server, pool: Pool) -> float:
    """Seconds from the start of the process to its first right answer.

    Raises:
        ServerError: There was none in time, or the process ended.
        WrongAnswerError: The first answer was wrong.
    """
    while time.perf_counter() < server.started + _FIRST_ANSWER_S:
        with suppress(LoadError):
            message = _first_answer(peer, server.address, pool.calls)
            answered_s = time.perf_counter() - server.started
            if peer.expect == "scores":
                pool.check([(0, message)])
            return answered_s
        if not server.running():
            raise ServerError("it ended before its first answer")
        time.sleep(_POLL_S)
    raise ServerError(f"no answer in {_FIRST_ANSWER_S:.0f} s")


def _first_answer(peer: Peer, address: str, calls: Calls) -> bytes:
    requests = http1.encode(calls.path, calls.messages[:1])
    wire = http1.Wire(address, requests) if peer.is_http else Wire(address, calls)
    wire.close()
    return wire.first_message


def _version(peer: Peer) -> str:
    return peer.requirements[0].partition("==")[2] if peer.requirements else ""


def _brief(error: Exception) -> str:
    """The last line of what went wrong: the others are its stack."""
    lines = str(error).strip().splitlines()
    return lines[-1][:_WHY_CHARACTERS] if lines else type(error).__name__
