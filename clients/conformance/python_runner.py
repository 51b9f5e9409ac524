"""The runner of the async Python client: does the calls of cases, prints what it saw.

See README.md. `python_sync_runner` is that of the sync client.

python -m clients.conformance.python_runner TARGET SERVER FOLDER CASES.json...
"""

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from clients.conformance import cases, messages
from clients.conformance.faults import CASE_KEY
from stubtail_client import AsyncClient, Credentials, StubtailError

STREAM_TIMEOUT_S = 60.0


class Skip(Exception):  # noqa: N818 - it is no error: the client does not offer what a case needs
    """The client has no such thing."""


def connect(target: str, folder: Path, case: cases.Case, kind: Any) -> Any:
    """A client as the case wants it."""
    options: dict[str, Any] = {}
    wanted = dict(case.client)
    metadata = [(CASE_KEY, case.name)]
    metadata += [("traceparent", call["trace"]) for call in case.calls if "trace" in call]
    if "timeout_ms" in wanted:
        options["timeout"] = wanted.pop("timeout_ms") / 1000
    if "connections" in wanted:
        options["connections"] = wanted.pop("connections")
    if "hedge_after_ms" in wanted:
        options["hedge_after"] = wanted.pop("hedge_after_ms") / 1000
    if "message_bytes_max" in wanted:
        options["message_bytes_max"] = wanted.pop("message_bytes_max")
    if "fail_fast" in wanted:
        options["wait_for_ready"] = not wanted.pop("fail_fast")
    shown: dict[str, Any] = {}
    if "tls" in wanted:
        shown = {key: folder / name for key, name in wanted.pop("tls").items()}
    if "token_file" in wanted:
        shown["token_file"] = folder / wanted.pop("token_file")
    if shown:
        options["credentials"] = Credentials(**shown)
    if wanted:
        raise Skip(f"stubtail_client has no option {', '.join(wanted)}")
    return kind(target, metadata=metadata, **options)


async def do(client: Any, call: dict[str, Any]) -> dict[str, Any]:
    """Makes one call, and tells what came of it."""
    if "decode" in call:
        read = messages.message(call["decode"])
        read.ParseFromString(bytes.fromhex(call["bytes"]))
        return {"status": "OK", "replies": [messages.to_json(read)]}
    await asyncio.sleep(call.get("wait_ms", 0) / 1000)
    start_s = time.monotonic()
    seen: dict[str, Any] = {"status": "OK"}
    replies: list[bytes] = []
    try:
        if "cancel_after_ms" in call:
            if not getattr(client, "can_cancel", True):
                raise Skip("a blocking call ends by its deadline, and is not cancelled before it")
            task = asyncio.create_task(make(client, call, replies))
            await asyncio.sleep(call["cancel_after_ms"] / 1000)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            seen["status"] = "CANCELLED" if task.cancelled() else "OK"
        else:
            await make(client, call, replies)
    except StubtailError as error:
        seen |= told(error)
    seen["elapsed_ms"] = (time.monotonic() - start_s) * 1000
    seen["count"] = len(replies)
    if call.get("size_only"):
        seen["reply_bytes"] = sum(map(len, replies))
    else:
        seen["replies"] = [as_json(call, reply) for reply in replies]
    return seen


def as_json(call: dict[str, Any], reply: bytes) -> dict[str, Any]:
    """A reply as JSON."""
    read = messages.message(messages.method(call["method"]).output_type.full_name)
    read.ParseFromString(reply)
    return messages.to_json(read)


def told(error: StubtailError) -> dict[str, Any]:
    """What the client's own error says."""
    resource = error.metadata.get("model", error.metadata.get("version", ""))
    return {
        "status": error.code,
        "reason": error.reason,
        "message": error.message,
        "violations": [
            {"field": one.field, "description": one.description} for one in error.violations
        ],
        "retry_after_ms": None if error.retry_after_s is None else error.retry_after_s * 1000,
        "resource": resource if error.code == "NOT_FOUND" else "",
    }


async def make(client: Any, call: dict[str, Any], replies: list[bytes]) -> None:
    """One call through the client; its replies go into a list, also those before a failure.

    The client's own methods take and give Python values; the messages of the cases go through
    what lies right below them.
    """
    path = call["method"]
    method = messages.method(path)
    timeout_s = call["timeout_ms"] / 1000 if "timeout_ms" in call else None
    if method.client_streaming:
        await exchange(client, call, replies, timeout_s or STREAM_TIMEOUT_S)
        return
    request = messages.from_json(method.input_type.full_name, call.get("request", {}))
    if "dense_values" in call:
        rows: Any = request
        rows.dense.values.extend([0.5] * call["dense_values"])
    payload = request.SerializeToString()
    if not method.server_streaming:
        replies.append(await client._ask(path, payload, timeout_s))  # noqa: SLF001 - right below
        return
    stream: AsyncGenerator[bytes, None] = client._stream(  # noqa: SLF001
        path, payload, timeout_s or STREAM_TIMEOUT_S
    )
    async with contextlib.aclosing(stream):
        async for reply in stream:
            replies.append(reply)
            if len(replies) == call.get("read"):
                await asyncio.sleep(call.get("pause_ms", 0) / 1000)
                return


async def exchange(
    client: Any, call: dict[str, Any], replies: list[bytes], timeout_s: float
) -> None:
    """A stream both ways: sends everything, then reads to the end."""
    path = call["method"]
    name = messages.method(path).input_type.full_name
    stream = client._exchange(path, timeout_s)  # noqa: SLF001 - right below the client's methods
    try:
        for document in call["requests"]:
            await stream.send(messages.from_json(name, document).SerializeToString())
        await stream.finish()
        while (reply := await stream.receive()) is not None:
            replies.append(reply)
    finally:
        stream.close()


async def run(target: str, folder: Path, case: cases.Case, kind: Any) -> list[dict[str, Any]]:
    """All calls of a case, one after the other or at once."""
    async with connect(target, folder, case, kind) as client:
        seen = []
        for call in case.calls:
            if "concurrent" in call:
                one = {key: value for key, value in call.items() if key != "concurrent"}
                done = await asyncio.gather(*(do(client, one) for _ in range(call["concurrent"])))
                seen.append({"statuses": dict(Counter(each["status"] for each in done))})
            elif "repeat" in call:
                one = {key: value for key, value in call.items() if key != "repeat"}
                each = []
                for _ in range(call["repeat"]):
                    each.append(await do(client, one))
                    await asyncio.sleep(call.get("pause_ms", 0) / 1000)
                seen.append({"statuses": dict(Counter(made["status"] for made in each))})
            else:
                seen.append(await do(client, call))
        return seen


def main(target: str, server: str, folder: str, *paths: str, kind: Any = AsyncClient) -> None:
    """Runs the cases of one kind of server and prints a line for each."""
    for case in cases.read([Path(path) for path in paths]):
        if case.server != server:
            continue
        line: dict[str, Any] = {"case": case.name}
        try:
            line["calls"] = asyncio.run(run(target, Path(folder), case, kind))
        except Skip as skip:
            line["skip"] = str(skip)
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
