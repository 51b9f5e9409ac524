"""What a tenant that floods costs another: its p99, and the time that refusing takes."""

import argparse
import multiprocessing
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import reference
from benchmarks.access_credentials import Credentials
from benchmarks.calls import Calls
from benchmarks.client import Client
from benchmarks.figures import quantile, table
from benchmarks.processes import Server, stubtail
from benchmarks.results import Promise
from benchmarks.rows import Pool, Subject

_CONNECTIONS, _STREAMS = 8, 8
_GOOD_PART = 0.1  # of the capacity, by the tenant whose latency is measured
_TURNS = 3  # short ones in each round: a machine that others share has good and bad moments
_FLOOD = 10
_COSTLY_PART, _CHEAP_PART = 0.1, 0.02  # of the capacity: the quota of the tenant that floods
_COSTLY = "middling"  # eight rows of it take 0.3 ms of one core


@dataclass(frozen=True, slots=True)
class _Case:
    """One kind of call that a tenant floods with; the quota is a part of the capacity."""

    title: str
    models: Path
    model: str
    rows: int
    quota_part: float


def flood(
    options: argparse.Namespace, made: Credentials, promises: list[Promise]
) -> dict[str, Any]:
    """One tenant's p99 beside another that keeps its quota, and one that sends ten times as much.

    With calls of 0.3 ms, and with the cheapest there are: those cost little more to answer than to
    refuse, and the network takes most of either, so that a flood of a part of the capacity is that
    part of the machine, whoever refuses it.

    Who sends the flood shares the machine with the server, and so do the sockets: a third
    measurement has the same flood go to another server of its own. What is left between that and
    the flood here is the doing of the server.
    """
    with tempfile.TemporaryDirectory(prefix="stubtail-flood-") as folder:
        models = reference.write(Path(folder), name=_COSTLY, trees=reference.HEAVIER[_COSTLY])
        cases = [
            _Case(f"8 rows of {_COSTLY}", models, _COSTLY, 8, _COSTLY_PART),
            _Case(f"1 row of {options.model}", options.models, options.model, 1, _CHEAP_PART),
        ]
        return {case.title: _flood(options, case, made, promises) for case in cases}


def _flood(
    options: argparse.Namespace, case: _Case, made: Credentials, promises: list[Promise]
) -> dict[str, Any]:
    pool = Pool(Subject(case.models / case.model), "infer", case.rows, seed=42)
    good = _calls(pool, made.key)
    with (
        stubtail(case.models, options.transport, ("--config", str(made.config()))) as server,
        Client(server.address, good, connections=_CONNECTIONS) as client,
    ):
        client.closed(streams=_STREAMS, seconds=1.0)
        capacity = client.closed(streams=_STREAMS, seconds=options.seconds).calls_per_s
        answered_us = _cpu_us(server, client, options.seconds)
    quota = (options.quota_part or case.quota_part) * capacity
    arguments = ("--config", str(made.config(quota)))
    found: dict[str, list[_Beside]] = {"quota": [], "flood": [], "flood elsewhere": []}
    refused_us = []
    for number in range(options.rounds):
        with ExitStack() as stack:
            server, other = (
                stack.enter_context(stubtail(case.models, options.transport, arguments))
                for _ in range(2)
            )
            client = stack.enter_context(Client(server.address, good, connections=_CONNECTIONS))
            client.closed(streams=_STREAMS, seconds=0.5)
            for turn in range(_TURNS):
                names = list(found) if (number + turn) % 2 == 0 else list(found)[::-1]
                for name in names:
                    rate = quota if name == "quota" else _FLOOD * quota
                    to = other if name == "flood elsewhere" else server
                    sender = _Sender(to.address, _calls(pool, made.other), rate, options.seconds)
                    found[name].append(_beside(client, _GOOD_PART * capacity, sender))
            refused_us.append(_refused_us(server, pool, made, options.seconds))
    _promise(promises, case.title, found, median(refused_us), answered_us)
    return {
        "capacity_per_s": round(capacity),
        "quota_per_s": round(quota),
        **{
            f"p99_ms beside {name}": [round(one.p99_ms, 3) for one in all_]
            for name, all_ in found.items()
        },
        "refused": sum(one.refused for one in found["flood"]),
        "CPU us a refused call": round(median(refused_us), 2),
        "CPU us an answered call": round(answered_us, 2),
    }


@dataclass(frozen=True, slots=True)
class _Beside:
    """The p99 of the good tenant, and how many calls of the other one were refused."""

    p99_ms: float
    refused: int


@dataclass(frozen=True, slots=True)
class _Sender:
    """What the other tenant sends, for `seconds` and a bit: from before to after."""

    address: str
    calls: Calls
    rate: float
    seconds: float


def _promise(
    promises: list[Promise],
    title: str,
    found: dict[str, list[_Beside]],
    refused_us: float,
    answered_us: float,
) -> None:
    p99_ms = {name: median(one.p99_ms for one in all_) for name, all_ in found.items()}
    print(
        table(
            [f"{title}: the other tenant", "p99 ms"], [[n, f"{ms:.2f}"] for n, ms in p99_ms.items()]
        )
    )

    def ratio(name: str, beside: str) -> float:
        pairs = zip(found[name], found[beside], strict=True)
        return median(one.p99_ms / other.p99_ms for one, other in pairs)

    note = f"{ratio('flood elsewhere', 'quota'):.2f}x where the flood goes to another server"
    promises += [
        Promise(
            f"{title}: p99 beside a tenant at 10x its quota : at its quota",
            ratio("flood", "quota"),
            "at most",
            1.5,
            note=note,
        ),
        Promise(
            f"{title}: the same : beside a flood to another server",
            ratio("flood", "flood elsewhere"),
            "at most",
            1.5,
        ),
        Promise(
            f"{title}: CPU time of a refused call : an answered one",
            refused_us / answered_us,
            "at most",
            1.0,
            note=f"{refused_us:.1f} us : {answered_us:.1f} us",
        ),
    ]


def _calls(pool: Pool, key: str) -> Calls:
    messages = pool.calls.messages[:256]
    return Calls(pool.calls.path, messages, extra=[("authorization", f"Bearer {key}")])


def _cpu_us(server: Server, client: Client, seconds: float) -> float:
    """The server's processor time for a call that ends, however it does."""
    before_s = server.cpu_s()
    load = client.closed(streams=_STREAMS, seconds=seconds)
    ended = load.answered + sum(load.failures.values())
    return (server.cpu_s() - before_s) / ended * 1e6


def _refused_us(server: Server, pool: Pool, made: Credentials, seconds: float) -> float:
    """The server's processor time for a call that is refused: nearly all of a closed loop's are."""
    with Client(server.address, _calls(pool, made.other), connections=_CONNECTIONS) as client:
        return _cpu_us(server, client, seconds)


def _beside(client: Client, rate: float, sender: _Sender) -> _Beside:
    """The good tenant at a rate, beside the other one in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_send, args=(there, sender))
    process.start()
    here.recv()  # its connections stand
    load = client.open(rate=rate, seconds=sender.seconds)
    refused = here.recv()
    process.join()
    assert not load.failures, load.failures
    return _Beside(quantile(load.latencies_s, 0.99) * 1e3, refused)


def _send(told: Connection, sender: _Sender) -> None:
    """In a process of its own: sends at a rate, and tells how many calls were refused."""
    with Client(sender.address, sender.calls, connections=4) as client:
        told.send("ready")
        load = client.open(rate=sender.rate, seconds=sender.seconds + 0.4)
    told.send(sum(load.failures.values()))
