"""What access rules cost: the way through the guard, calls a second, and a tenant that floods."""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle
from math import exp, log
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any, NamedTuple

from benchmarks.access_credentials import Credentials
from benchmarks.access_flood import flood
from benchmarks.calls import Calls
from benchmarks.client import Client
from benchmarks.figures import table
from benchmarks.micro import time_step
from benchmarks.processes import stubtail
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish
from stubtail.access.guard import Guard
from stubtail.access.keys import new_key
from stubtail.access.part import AccessPart
from stubtail.config import Settings, load
from stubtail.errors import CallError

SCORE = "/stubtail.v1.ScoringService/Score"
_CONNECTIONS, _STREAMS = 8, 8
_TURNS, _TURN_S = 4, 0.25  # of each load that is compared, beside each pair of servers
_COPIES = 512  # of a credential: a server gets a new one with each call, never hashed before


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks access`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--rounds", type=int, default=5, help="of floods; medians count")
    parser.add_argument(
        "--pairs",
        type=int,
        default=24,
        help="of servers whose calls/s are compared, at least 2; means count",
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load beside a flood")
    parser.add_argument("--only", choices=["guard", "calls", "flood"], help="one of the three")
    parser.add_argument(
        "--quota-part",
        type=float,
        help="of the capacity: the quota of the tenant that floods with ten times as much "
        "(default: 0.1 where a call takes 0.3 ms, 0.02 of the cheapest)",
    )


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every promise was kept."""
    about = machine()
    promises: list[Promise] = []
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="stubtail-access-") as name:
        made = Credentials(Path(name))
        if options.only in (None, "guard"):
            figures["guard_us"] = _guard(made, promises)
        if options.only in (None, "calls"):
            figures["calls_per_s"] = _calls(options, made, promises)
        if options.only in (None, "flood"):
            figures["flood"] = flood(options, made, promises)
    name = f"access-{options.only}" if options.only else "access"  # a part must not replace all
    return finish(name, options, about, promises, figures)


def _guard(made: Credentials, promises: list[Promise]) -> dict[str, float]:
    settings: Settings = load(made.config(), environ={})
    part = AccessPart(settings.access, time.monotonic)
    part.start()
    assert part.guard is not None
    good = {"key": made.key, "JWT": made.token()}
    bad = {
        "none": "",
        "wrong secret": f"Bearer {made.key[:-4]}AAAA",
        "unknown key id": f"Bearer {new_key()[0]}",
        "expired key": f"Bearer {made.past}",
        "expired token": f"Bearer {made.token(exp=1_000_000_000)}",
        "forged token": f"Bearer {made.token(forged=True)}",
        "another audience": f"Bearer {made.token(aud='other')}",
    }
    found = {
        f"{name}, cached": time_step(_admit(part.guard, text), 1, 0.1, 7).median
        for name, text in good.items()
    }
    for name, credential in bad.items():
        found[f"refused: {name}"] = time_step(_refuse(part.guard, credential), 1, 0.1, 5).median
    part.close()
    print(table(["way through the guard", "us"], [[n, f"{us:.2f}"] for n, us in found.items()]))
    slowest = max(us for name, us in found.items() if name.startswith("refused"))
    promises += [
        Promise("API key, cached", found["key, cached"], "at most", 2, " us"),
        Promise("JWT, cached", found["JWT, cached"], "at most", 3, " us"),
        Promise("the slowest refusal", slowest / 1e3, "at most", 2, " ms"),
    ]
    return {name: round(us, 3) for name, us in found.items()}


def _admit(guard: Guard, credential: str) -> Callable[[], object]:
    """One call by a caller who is known; each copy has other bytes in memory."""
    text = f"Bearer {credential}"
    copies: Iterator[str] = cycle(["".join(list(text)) for _ in range(_COPIES)])
    now = time.monotonic()
    return lambda: guard.find(next(copies), SCORE, now, None)


def _refuse(guard: Guard, credential: str) -> Callable[[], None]:
    """One call by nobody, far enough from the last one that nothing is remembered."""
    clock = iter(range(10**9))

    def step() -> None:
        try:
            guard.admit(credential, SCORE, 2.0 * next(clock))
        except CallError:
            return
        raise AssertionError("a wrong credential was admitted")

    return step


def _calls(
    options: argparse.Namespace, made: Credentials, promises: list[Promise]
) -> dict[str, float]:
    """Calls a second with 64 in flight, without access rules and with each kind of credential.

    Two new servers stand side by side, and what is compared takes turns of a quarter of a second,
    as the machine drifts. Then two others: whatever they are configured to do, such a pair differs
    by 7 % (standard deviation) and keeps to that for as long as it lives. So many pairs are
    compared shortly, and the mean of their ratios is told with its standard error.

    The credential is named by its index from the second call on, as golang.org/x/net (grpc-go) does
    for all that is not said to be sensitive, or spelled out in each call, as grpc-core (Python,
    C++) and h2 (tonic) do for this header.
    """
    pool = Pool(Subject(options.models / options.model), "infer", 1, seed=41)
    path, messages = pool.calls.path, pool.calls.messages
    kinds = {"without": Calls(path, messages)}
    for name, credential in (("API key", made.key), ("JWT", made.token())):
        header = [("authorization", f"Bearer {credential}")]
        kinds[name] = Calls(path, messages, extra=header)
        kinds[f"{name}, spelled out"] = Calls(path, messages, spelled=header)
    pairs = [_pair(options, made, pool, kinds) for _ in range(max(options.pairs, 2))]
    for name, most_us in zip(list(kinds)[1:], (2, 2, 3, 3), strict=True):
        more_us = [one[name].cpu_us - one["without"].cpu_us for one in pairs]
        error = stdev(more_us) / len(pairs) ** 0.5
        promises.append(
            Promise(
                f"CPU of a call with {name}",
                mean(more_us),
                "at most",
                most_us,
                " us more",
                note=f"standard error {error:.2f}, {len(pairs)} pairs of servers",
            )
        )
        ratios = [log(one[name].calls_per_s / one["without"].calls_per_s) for one in pairs]
        error = stdev(ratios) / len(ratios) ** 0.5
        promises.append(
            Promise(
                f"calls/s with {name} : without",
                exp(mean(ratios)),
                "at least",
                0.95,
                note=f"standard error {error:.3f}, {len(pairs)} pairs of servers",
            )
        )
    medians = {name: _middle([one[name] for one in pairs]) for name in kinds}
    rows = [
        [name, f"{one.calls_per_s:,.0f}", f"{one.cpu_us:.1f}", f"{one.client:.2f}"]
        for name, one in medians.items()
    ]
    print(table(["64 in flight", "calls/s", "CPU us a call", "client busy"], rows))
    return {name: round(one.calls_per_s) for name, one in medians.items()} | {
        f"{name}, CPU us a call": round(one.cpu_us, 2) for name, one in medians.items()
    }


class _Turn(NamedTuple):
    """What one turn found; `client` is the part of one core that the generator took."""

    calls_per_s: float
    cpu_us: float
    client: float


def _middle(turns: Sequence[_Turn]) -> _Turn:
    return _Turn(*(median(values) for values in zip(*turns, strict=True)))


def _pair(
    options: argparse.Namespace, made: Credentials, pool: Pool, kinds: Mapping[str, Calls]
) -> dict[str, _Turn]:
    """Two servers, and every kind of call again and again, in changing order; medians."""
    turns: dict[str, list[_Turn]] = {name: [] for name in kinds}
    with ExitStack() as stack:
        open_ = stack.enter_context(stubtail(options.models, options.transport))
        guarded = stack.enter_context(
            stubtail(options.models, options.transport, ("--config", str(made.config())))
        )
        servers = {name: open_ if name == "without" else guarded for name in kinds}
        names = list(kinds)
        for turn in range(_TURNS):
            for name in names if turn % 2 else names[::-1]:
                server = servers[name]
                with Client(server.address, kinds[name], connections=_CONNECTIONS) as client:
                    client.closed(streams=_STREAMS, seconds=_TURN_S / 2)
                    cpu_s = server.cpu_s()
                    load_ = client.closed(streams=_STREAMS, seconds=_TURN_S)
                    cpu_s = server.cpu_s() - cpu_s
                pool.check(load_.samples)
                assert not load_.failures, load_.failures
                cpu_us, busy = cpu_s / load_.answered * 1e6, load_.client_cpu_s / load_.seconds
                turns[name].append(_Turn(load_.calls_per_s, cpu_us, busy))
    return {name: _middle(found) for name, found in turns.items()}
