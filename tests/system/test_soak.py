"""Everything at once: load, new versions, cancels, killed workers, failing providers of LLMs.

A history on the callers' side is checked at the end: every call has exactly one final status, every
answer is right for the version that it names, and no chat that failed passes for a complete one.
For a few seconds in every run of the tests; `make soak` does half an hour.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import pytest

from stubtail.v1 import llm_pb2
from tests.integration.llm.chats import SERVICE
from tests.llm_scripts import SCRIPTS
from tests.llm_upstream import TEXT, LlmUpstream
from tests.load import (
    INFER,
    Final,
    History,
    Load,
    affine_oracle,
    connect,
    judge,
    reason_of,
    request_bytes,
)
from tests.system.conftest import StartServer
from tests.system.publishing import QUICK_SETTLE, affine_graph, publish, version_affine

SHORT_S = 3.0  # what the operator takes to do each thing once
SOAK_S = float(os.environ.get("SOAK_S", "1800"))
VERSIONS_KEPT = 4  # on disk
CHAT_S = 10.0  # far more than any of the faults is allowed to take
GOOD = {"ok": TEXT, "paced": 4 * TEXT, "bytewise": TEXT}
FAULTY = (
    *("broken", "garbage", "garbage_late", "reset_before", "reset_mid", "cut", "cut_raw"),
    *("done_early", "error_first", "error_late", "throttled"),
)
ORACLE = affine_oracle({str(version): version_affine(version) for version in range(1, 100_000)})
FAIR_ENDS = {
    "OK",
    "CANCELLED",  # by the caller
    "UNAVAILABLE",  # its worker was killed, or the version was being loaded
}


def write_settings(path: Path, upstream: LlmUpstream) -> Path:
    """Providers that fail, with breakers that open and close again within the test."""
    lines = ["[llm]", "breaker_open_ms = 200", "breaker_open_max_ms = 400"]
    lines += [f"total_timeout_ms = {CHAT_S * 500:.0f}", "stall_timeout_ms = 1000"]
    lines += ["[llm.providers.p]", f'base_url = "{upstream.base_url}"']
    lines += [f"models = {json.dumps(list(SCRIPTS))}", "concurrency_max = 200"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Operator:
    """Publishes versions, takes them back, breaks them, and kills workers.

    Args:
        models: the folder that the server watches.
        supervisor: the process whose children are the workers.
        seed: of what is done when.
    """

    def __init__(self, models: Path, supervisor: int, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._models = models
        self._supervisor = supervisor
        self._rng = random.Random(seed)
        self._next = 2

    async def work(self, end_s: float) -> None:
        """Does one thing after the other until then; each at least once."""
        acts = [self._publish, self._publish, self._roll_back, self._break, self._kill]
        turn = 0
        while time.monotonic() < end_s or turn < len(acts):
            act = acts[turn] if turn < len(acts) else self._rng.choice(acts)
            act()
            self.done[act.__name__.strip("_")] += 1
            turn += 1
            await asyncio.sleep(self._rng.uniform(0.2, 1.0))

    def _versions(self) -> list[int]:
        return sorted(int(path.name) for path in (self._models / "affine").iterdir())

    def _publish(self) -> None:
        publish(self._models, "affine", self._next, affine_graph(self._next))
        self._next += 1
        for version in self._versions()[:-VERSIONS_KEPT]:
            shutil.rmtree(self._models / "affine" / str(version))

    def _roll_back(self) -> None:
        *_, newest = self._versions()
        if len(self._versions()) > 1:
            shutil.rmtree(self._models / "affine" / str(newest))

    def _break(self) -> None:
        graph = affine_graph(self._next)
        publish(self._models, "affine", self._next, graph[: len(graph) // 2])
        self._next += 1

    def _kill(self) -> None:
        children = psutil.Process(self._supervisor).children()
        if len(children) > 1:  # a dead one is back
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._rng.choice(children).pid, signal.SIGKILL)


class Fickle:
    """Callers who give most of their calls up after a moment.

    Args:
        address: of the server.
        seed: of rows and moments.
    """

    def __init__(self, address: str, seed: int) -> None:
        self.history = History()
        self._address = address
        self._rng = random.Random(seed)

    async def work(self, end_s: float) -> None:
        """Calls until then, each call on its way for 0 to 5 ms."""
        async with connect(self._address) as channel:
            ask = channel.unary_unary(INFER)
            while time.monotonic() < end_s:
                await self._one(ask)

    async def _one(self, ask: Any) -> None:
        number = self.history.begin()
        rows = np.full((1, 3), self._rng.uniform(-9, 9), np.float32)
        begun_s = time.monotonic()
        call = ask(request_bytes("affine", rows), timeout=20)
        await asyncio.sleep(self._rng.uniform(0, 0.005))
        call.cancel()
        code, reason, version, wrong = grpc.StatusCode.CANCELLED, "", "", ""
        try:
            version, wrong = judge(await call, rows, number, ORACLE)
            code = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            code, (reason, _) = error.code(), reason_of(error)
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
        self.history.finals.append(
            Final(number, 0, begun_s, time.monotonic(), code, reason, version=version, wrong=wrong)
        )


async def chat_on(address: str, end_s: float, seed: int) -> Counter[tuple[str, str]]:
    """Chats with good and bad providers; how many of each kind ended how."""
    rng, ends = random.Random(seed), Counter[tuple[str, str]]()
    async with connect(address) as channel:
        ask = channel.unary_stream(SERVICE + "ChatStream")
        while time.monotonic() < end_s:
            model = rng.choice([*GOOD, *FAULTY])
            request = llm_pb2.ChatRequest(
                model=f"p/{model}",
                messages=[llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text="hello")],
            )
            text, ended = "", 0
            try:
                async for reply in ask(request.SerializeToString(), timeout=CHAT_S):
                    event = llm_pb2.ChatStreamResponse.FromString(reply)
                    text += event.delta.text
                    ended += event.HasField("end")
                code = "OK"
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                await asyncio.sleep(0.02)
            if code == "OK":
                assert text == GOOD.get(model), f"{model} passed for complete with {text!r}"
                assert ended == 1, f"{model} ended {ended} times"
            ends["good" if model in GOOD else "faulty", code] += 1
    return ends


async def everything(serve: StartServer, transport: str, folder: Path, seconds: float) -> None:
    """Runs it all against two workers, and checks what the callers saw."""
    models = folder / "models"
    models.mkdir()
    publish(models, "affine", 1, affine_graph(1))
    with LlmUpstream(SCRIPTS) as upstream:
        settings = write_settings(folder / "soak.toml", upstream)
        quick = ("--set", "supervisor.restart_backoff_min_ms=20")
        server = serve(
            models, transport, "--workers", "2", "--config", str(settings), *quick, *QUICK_SETTLE
        )
        operator = Operator(models, server.pid, seed=3)
        fickle = Fickle(server.address, seed=4)
        end_s = time.monotonic() + seconds
        async with Load(
            [server.address], ORACLE, connections=4, streams=2, pause_s=0.002, leave_on_drain=False
        ) as load:
            *_, chats = await asyncio.gather(
                operator.work(end_s), fickle.work(end_s), chat_on(server.address, end_s, seed=5)
            )
            publish(models, "affine", 99_999, affine_graph(99_999))
            await until_all_answer(load.history, "99999")
            await load.stop()
        assert server.stop() == 0
        await until(lambda: upstream.connections == 0, "connections to the provider stay open")
    steady, hurried = load.history.check(), fickle.history.check()
    assert {code for code, _ in steady} <= FAIR_ENDS - {"CANCELLED"}, steady
    assert {code for code, _ in hurried} <= FAIR_ENDS, hurried
    assert steady["OK", ""] > 0.5 * steady.total(), steady
    assert hurried["CANCELLED", ""], hurried
    assert chats["good", "OK"], chats
    assert not chats["faulty", "OK"], chats
    assert min(operator.done.values()) > 0, operator.done


async def until_all_answer(history: History, version: str, patience_s: float = 30.0) -> None:
    """Waits until every connection is answered by this version: both workers have come through."""

    def newest() -> set[str]:
        last: dict[int, str] = {}
        for final in history.finals[-400:]:
            last[final.connection] = final.version
        return set(last.values())

    await until(lambda: newest() == {version}, f"not everybody serves {version}", patience_s)


async def until(holds: Callable[[], bool], what: str, patience_s: float = 30.0) -> None:
    """Waits for what comes soon, and fails where it does not."""
    end_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end_s, what
        await asyncio.sleep(0.01)


async def test_everything_for_a_moment(serve: StartServer, transport: str, tmp_path: Path) -> None:
    """Each kind of trouble at least once."""
    await everything(serve, transport, tmp_path, SHORT_S)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S + 300)
async def test_everything_for_long(serve: StartServer, transport: str, tmp_path: Path) -> None:
    """Half an hour on each transport, or the seconds in SOAK_S."""
    await everything(serve, transport, tmp_path, SOAK_S)
