"""What access rules cost: the way through the guard, calls a second, and a tenant that floods."""

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.calls import Calls
from benchmarks.client import Client
from benchmarks.figures import quantile, table
from benchmarks.micro import time_step
from benchmarks.processes import Server, stubtail
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish
from stubtail.access.guard import Guard
from stubtail.access.keys import new_key
from stubtail.access.part import AccessPart
from stubtail.config import Settings, load
from stubtail.errors import CallError

SCORE = "/stubtail.v1.ScoringService/Score"
ISSUER, AUDIENCE = "https://idp.example", "stubtail"
_CONNECTIONS, _STREAMS = 8, 8
_GOOD_PART = 0.3  # of the capacity, by the tenant whose latency is measured
_QUOTA_PART = 0.05  # of the capacity: the quota of the tenant that sends ten times as much
_COPIES = 512  # of a credential: a server gets new bytes with each call, never hashed before


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks access`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--rounds", type=int, default=5, help="of each server; medians count")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load")
    parser.add_argument("--only", choices=["guard", "calls", "flood"], help="one of the three")


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
            figures["flood"] = _flood(options, made, promises)
    return finish("access", options, about, promises, figures)


class Credentials:
    """Keys and tokens with the settings of a server that knows them.

    Args:
        folder: for the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        private = ec.generate_private_key(ec.SECP256R1())
        self._stranger = ec.generate_private_key(ec.SECP256R1())
        self._private = private
        public: Any = jwt.get_algorithm_by_name("ES256").to_jwk(private.public_key(), as_dict=True)
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [{**public, "kid": "k1", "use": "sig"}]}))
        (self.key, kept), (self.other, other), (self.past, past) = (new_key() for _ in range(3))
        self._callers = f"""
[access.keys.good]
hashes = ["{kept}"]
tenant = "good"
scopes = ["stubtail:predict", "stubtail:read"]
[access.keys.flood]
hashes = ["{other}"]
tenant = "flood"
scopes = ["stubtail:predict"]
[access.keys.past]
hashes = ["{past}"]
expires = "2020-01-31"
[access.issuers.corp]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks_file = {json.dumps(str(jwks))}
"""

    def token(self, *, forged: bool = False, **claims: Any) -> str:
        """A token; `forged` signs it with another key than the issuer's."""
        body = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 3600}
        body |= {"scope": "openid profile stubtail:predict stubtail:read", **claims}
        key = self._stranger if forged else self._private
        return jwt.encode(body, key, algorithm="ES256", headers={"kid": "k1"})

    def config(self, quota: float = 0.0) -> Path:
        """The settings; `quota` is that of the tenant `flood`, calls a second."""
        path = self._folder / "stubtail.toml"
        limits = f"[access.tenants.flood]\ncalls_per_s = {quota:.1f}\nburst = 10\n" if quota else ""
        path.write_text(self._callers + limits)
        return path


def _guard(made: Credentials, promises: list[Promise]) -> dict[str, float]:
    settings: Settings = load(made.config(), environ={})
    part = AccessPart(settings.access, time.monotonic)
    part.start()
    assert part.guard is not None
    good = {"key": made.key, "JWT": made.token()}
    bad = {
        "none": b"",
        "wrong secret": f"Bearer {made.key[:-4]}AAAA".encode(),
        "unknown key id": f"Bearer {new_key()[0]}".encode(),
        "expired key": f"Bearer {made.past}".encode(),
        "expired token": f"Bearer {made.token(exp=1_000_000_000)}".encode(),
        "forged token": f"Bearer {made.token(forged=True)}".encode(),
        "another audience": f"Bearer {made.token(aud='other')}".encode(),
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
    text = f"Bearer {credential}".encode()
    copies: Iterator[bytes] = cycle([bytes(bytearray(text)) for _ in range(_COPIES)])
    metadata = (("user-agent", "benchmark"), ("authorization", text.decode()))
    now = time.monotonic()
    return lambda: guard.admit_call(next(copies), SCORE, now, metadata)


def _refuse(guard: Guard, credential: bytes) -> Callable[[], None]:
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
    """Calls a second with 64 in flight, by turns, so that a drifting machine treats all alike."""
    pool = Pool(Subject(options.models / options.model), "infer", 1, seed=41)
    guarded = ("--config", str(made.config()))
    headers = {
        "without": [],
        "API key": [("authorization", f"Bearer {made.key}")],
        "JWT": [("authorization", f"Bearer {made.token()}")],
    }
    found: dict[str, list[float]] = {name: [] for name in headers}
    cpu_us: dict[str, list[float]] = {name: [] for name in headers}
    for number in range(options.rounds):
        names = list(headers) if number % 2 == 0 else list(headers)[::-1]
        for name in names:
            arguments = () if name == "without" else guarded
            calls = Calls(pool.calls.path, pool.calls.messages, extra=headers[name])
            with (
                stubtail(options.models, options.transport, arguments) as server,
                Client(server.address, calls, connections=_CONNECTIONS) as client,
            ):
                client.closed(streams=_STREAMS, seconds=options.seconds / 4)
                cpu_s = server.cpu_s()
                load_ = client.closed(streams=_STREAMS, seconds=options.seconds)
                cpu_s = server.cpu_s() - cpu_s
            pool.check(load_.samples)
            assert not load_.failures, load_.failures
            found[name].append(load_.calls_per_s)
            cpu_us[name].append(cpu_s / load_.answered * 1e6)
    for name in ("API key", "JWT"):
        ratio = median(a / b for a, b in zip(found[name], found["without"], strict=True))
        promises.append(Promise(f"calls/s with {name} : without", ratio, "at least", 0.95))
    rows = [
        [name, f"{median(rates):,.0f}", f"{median(cpu_us[name]):.1f}"]
        for name, rates in found.items()
    ]
    print(table(["64 in flight", "calls/s", "CPU us a call"], rows))
    return {name: round(median(rates)) for name, rates in found.items()} | {
        f"{name}, CPU us a call": round(median(values), 2) for name, values in cpu_us.items()
    }


def _flood(
    options: argparse.Namespace, made: Credentials, promises: list[Promise]
) -> dict[str, Any]:
    """One tenant's p99 alone and beside another that sends ten times its quota."""
    pool = Pool(Subject(options.models / options.model), "infer", 1, seed=42)
    good = Calls(
        pool.calls.path, pool.calls.messages, extra=[("authorization", f"Bearer {made.key}")]
    )
    with (
        stubtail(options.models, options.transport, ("--config", str(made.config()))) as server,
        Client(server.address, good, connections=_CONNECTIONS) as client,
    ):
        client.closed(streams=_STREAMS, seconds=1.0)
        capacity = client.closed(streams=_STREAMS, seconds=options.seconds).calls_per_s
    quota = _QUOTA_PART * capacity
    arguments = ("--config", str(made.config(quota)))
    solo_ms, both_ms, refused = [], [], 0
    for _ in range(options.rounds):
        with stubtail(options.models, options.transport, arguments) as server:
            rate = _GOOD_PART * capacity
            with Client(server.address, good, connections=_CONNECTIONS) as client:
                client.closed(streams=_STREAMS, seconds=0.5)
                # The quota itself belongs to both runs: what is compared is ten times as much.
                solo_ms.append(_beside(client, rate, quota, server, pool, made, options)[0])
                p99_ms, ended = _beside(client, rate, 10 * quota, server, pool, made, options)
                both_ms.append(p99_ms)
                refused += ended
    ratio = median(both / solo for both, solo in zip(both_ms, solo_ms, strict=True))
    note = f"{median(solo_ms):.2f} ms beside its quota, {median(both_ms):.2f} ms beside the flood"
    promises.append(
        Promise("p99 beside a tenant at 10x its quota", ratio, "at most", 1.5, note=note)
    )
    return {
        "capacity_per_s": round(capacity),
        "quota_per_s": round(quota),
        "p99_ms_beside_quota": [round(one, 3) for one in solo_ms],
        "p99_ms_beside_flood": [round(one, 3) for one in both_ms],
        "refused": refused,
    }


def _beside(
    client: Client,
    rate: float,
    other: float,
    server: Server,
    pool: Pool,
    made: Credentials,
    options: argparse.Namespace,
) -> tuple[float, int]:
    """The p99 of the good tenant, in ms, and how many of the other's calls were refused."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    arguments = (there, server.address, pool.calls.path, pool.calls.messages[:256], made.other)
    process = context.Process(target=_send, args=(*arguments, other, options.seconds + 0.4))
    process.start()
    here.recv()  # its connections stand
    load_ = client.open(rate=rate, seconds=options.seconds)
    refused = here.recv()
    process.join()
    assert not load_.failures, load_.failures
    return quantile(load_.latencies_s, 0.99) * 1e3, refused


def _send(
    told: Connection,
    address: str,
    path: str,
    messages: list[bytes],
    key: str,
    rate: float,
    seconds: float,
) -> None:
    """In a process of its own: sends at a rate, and tells how many calls were refused."""
    calls = Calls(path, messages, extra=[("authorization", f"Bearer {key}")])
    with Client(address, calls, connections=4) as client:
        told.send("ready")
        load_ = client.open(rate=rate, seconds=seconds)
    told.send(sum(load_.failures.values()))
