"""A server that does what the script of a case says, attempt by attempt, and notes what it sees."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import AsyncIterator
from typing import Any, Self

import grpc

from clients.conformance import messages
from clients.conformance.cases import Case
from clients.conformance.details import STATUS, trailing_metadata
from clients.conformance.notes import Notes, at_work

CASE_KEY = "x-stubtail-case"
START_S = 30.0
FILLER = re.compile(r"@(\d+)")
NOTED_METADATA = ("traceparent", "tracestate", "authorization", "user-agent")


class FaultServer:
    """Serves all methods on a thread of its own.

    Args:
        cases: those whose scripts it plays.
        broken: whether it plays the part `broken` instead.
        host: the address that it listens on.
    """

    def __init__(self, cases: list[Case], *, broken: bool = False, host: str = "127.0.0.1") -> None:
        self._host = host
        self._scripts = {case.name: case.broken if broken else case.script for case in cases}
        self._notes: dict[str, Notes] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: Any = None
        self._refusing = False
        self._refused = asyncio.Event()
        self._restarts: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{self._host}:{self.port}"

    def notes(self, case: str) -> dict[str, Any]:
        """What it saw of a case."""
        return self._notes.setdefault(case, Notes()).report()

    def forget(self) -> None:
        """Begins anew for the next client."""
        self._notes.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_S)

    async def _listen(self) -> None:
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ]
        )
        server.add_generic_rpc_handlers((_Handlers(self),))
        end_s = time.monotonic() + START_S
        while True:
            try:
                self.port = server.add_insecure_port(f"{self._host}:{self.port}")
                break
            except RuntimeError:  # the port of the server before it is not free yet
                if time.monotonic() > end_s:
                    raise
                await asyncio.sleep(0.05)
        await server.start()
        self._server = server

    async def _end(self) -> None:
        for task in self._restarts:
            task.cancel()
        await asyncio.gather(*self._restarts, return_exceptions=True)
        await self._server.stop(0)

    def restart(self, after_s: float, *, drain: bool, forever: bool) -> None:
        """Ends the server and begins another on the same port, in the background."""
        task = self._loop.create_task(self._restart(after_s, drain=drain, forever=forever))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restart(self, after_s: float, *, drain: bool, forever: bool) -> None:
        if drain:  # as stubtail does: refuse, and close the connections a little later
            self._refused.clear()
            self._refusing = True
            # A machine that is busy may send nothing for a while: a drain that nobody sees is none.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_S):
                    await self._refused.wait()
            await asyncio.sleep(after_s)
        else:
            await asyncio.sleep(0.05)  # the reply that asked for it has left
        await self._server.stop(1.0)
        if not drain:
            await asyncio.sleep(after_s)
        self._refusing = False
        if not forever:
            await self._listen()

    def begin(self, context: Any) -> tuple[str, Notes, dict[str, Any]]:
        """Notes a call; returns its case and what to do with it."""
        metadata = dict(context.invocation_metadata() or ())
        case = str(metadata.get(CASE_KEY, ""))
        notes = self._notes.setdefault(case, Notes())
        script = self._scripts.get(case)
        notes.attempts += 1
        notes.arrived_s.append(time.monotonic())
        remaining = context.time_remaining()
        notes.deadline_ms = None if remaining is None else remaining * 1000
        notes.metadata = {key: str(metadata[key]) for key in NOTED_METADATA if key in metadata}
        notes.peers.add(context.peer())
        if not script:
            return case, notes, {"status": "UNIMPLEMENTED", "message": f"no script for {case!r}"}
        if self._refusing:
            self._refused.set()
            return case, notes, {"status": "UNAVAILABLE", "reason": "DRAINING", "pushback_ms": 300}
        return case, notes, script[min(notes.attempts, len(script)) - 1]


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio has no types
    def __init__(self, server: FaultServer) -> None:
        self._server = server

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a method; bytes in, bytes out."""
        path = handler_call_details.method
        try:
            method = messages.method(path)
        except ValueError:
            return None
        call = _Call(self._server, method)
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(call.stream)
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(call.stream)
        return grpc.unary_unary_rpc_method_handler(call.unary)


class _Call:
    """One method of the scripted server."""

    def __init__(self, server: FaultServer, method: Any) -> None:
        self._server = server
        self._method = method

    async def unary(self, payload: bytes, context: Any) -> bytes:
        """Answers one call."""
        _, notes, act = self._server.begin(context)
        with at_work(notes):
            await self._before(act, context)
            return self._reply(act, payload)

    async def stream(self, request: Any, context: Any) -> AsyncIterator[bytes]:
        """Answers with the messages of the script; to a stream, one for each that comes."""
        _, notes, act = self._server.begin(context)
        with at_work(notes):
            if isinstance(request, bytes):
                for document in act.get("first", []):
                    notes.sent += 1
                    yield self._message(document)
                await self._before(act, context)
                body = self._message(act.get("reply", {}))
                for _ in range(act.get("count", 1)):
                    yield body
                    notes.sent += 1
            else:
                await self._before(act, context)
                async for payload in request:
                    notes.received += 1
                    yield self._reply(act, payload)
                    notes.sent += 1
                    await asyncio.sleep(act.get("pause_ms", 0) / 1000)

    async def _before(self, act: dict[str, Any], context: Any) -> None:
        """Waits and fails, where the script says so."""
        if act.get("hang"):
            await asyncio.Event().wait()
        await asyncio.sleep(act.get("delay_ms", 0) / 1000)
        if "status" in act:
            await context.abort(
                STATUS[act["status"]], act.get("message", "scripted"), trailing_metadata(act)
            )
        if "restart_ms" in act or "drain_ms" in act:
            self._server.restart(
                act.get("restart_ms", act.get("drain_ms", 0)) / 1000,
                drain="drain_ms" in act,
                forever=bool(act.get("forever")),
            )

    def _reply(self, act: dict[str, Any], payload: bytes) -> bytes:
        if act.get("echo") and self._method.name == "Score":
            rows = messages.message(self._method.input_type.full_name)
            rows.ParseFromString(payload)
            reply = messages.message(self._method.output_type.full_name)
            reply.model = rows.model  # type: ignore[attr-defined]  # made at run time
            reply.scores.extend(rows.dense.values)  # type: ignore[attr-defined]
            reply.classes.extend(  # type: ignore[attr-defined]
                text
                for column in rows.named.columns  # type: ignore[attr-defined]
                for text in (column.name, *column.strings)
            )
            return reply.SerializeToString()
        return self._message(act.get("reply", {}))

    def _message(self, document: Any) -> bytes:
        name = self._method.output_type.full_name
        return messages.from_json(name, _filled(document)).SerializeToString()


def _filled(document: Any) -> Any:
    """A document in which the string `@5` stands for five letters."""
    if isinstance(document, dict):
        return {key: _filled(one) for key, one in document.items()}
    if isinstance(document, str) and (found := FILLER.fullmatch(document)):
        return "a" * int(found[1])
    return document
