"""Every method of a server in this process, without its sockets: bytes in, an outcome out."""

import asyncio
import io
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import Descriptor

from stubtail.app import App
from stubtail.config import Settings, load
from stubtail.config.sources import Flag
from stubtail.endpoints.method import BidiStream, Immediate, ServerStream, Unary
from stubtail.errors import CallError, Code
from stubtail.logs import Logs
from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2, reflection_pb2
from stubtail.supervisor.control import ForegroundControl
from stubtail.v1 import (
    anomaly_pb2,
    decision_pb2,
    forecasting_pb2,
    llm_pb2,
    models_pb2,
    scoring_pb2,
)
from tests.fuzz.mutate import random_message

FILES: Final = (
    anomaly_pb2, decision_pb2, forecasting_pb2, health_pb2, inference_pb2, llm_pb2, models_pb2,
    reflection_pb2, scoring_pb2,
)  # fmt: skip
REPLIES_MAX: Final = 5  # of a stream that are read
CALL_SECONDS_MAX: Final = 100.0  # far above any call: a machine may be busy
STREAM_SECONDS: Final = 0.05  # some streams wait for something to happen
# They change what there is, so that later inputs would meet another server.
LEFT_OUT: Final = ("RepositoryModelLoad", "RepositoryModelUnload")
_VALUES: Final = re.compile(r"[0-9.]+|[\"'\[(].*", re.DOTALL)  # what differs from input to input
LLM: Final = "/stubtail.v1.LlmService/"
BAD: Final = {int(Code.INTERNAL), 2}  # and UNKNOWN, which has no name in the server


class ViolationError(AssertionError):
    """An input got what no input may get."""


class Rpcs:
    """The methods by path, from `start` to `aclose`.

    Args:
        models: a folder of models.
        words: names that requests of its models use.
        file: settings, with the providers of language models.
    """

    def __init__(self, models: Path, words: list[str], file: Path | None = None) -> None:
        flags = [Flag("--models", "models.directory", str(models))]
        settings: Settings = load(file, [*flags, Flag("--set", "models.watch", "false")], {})
        nowhere = io.StringIO()  # it opens no port and writes no log
        control = ForegroundControl(settings, lambda *_: None, nowhere)
        self._app = App(settings, control, Logs(settings.log, stream=nowhere), None)
        self._words = words
        self.types = _types()
        app = self._app
        self._lane = {method.path: method for method in app._lane_methods}
        self._others = {
            method.path: method
            for method in app._methods
            if not method.path.endswith(LEFT_OUT) and method.path in self.types
        }
        self.paths = sorted([*self._lane, *self._others])

    async def start(self) -> None:
        """Loads the models; opens no port."""
        app = self._app
        app.repository.subscribe(app._models_changed)
        app._loader.start()
        for part in app._parts:
            await part.start()
        await app.repository.start()
        app._models_changed()
        app.lane.start()
        app.loop_lane.start()

    async def aclose(self) -> None:
        """Ends what `start` began."""
        await self._app.aclose()

    def generate(self, path: str, random: Random) -> bytes:
        """A random request of the method's type."""
        return random_message(self.types[path], self._words, random)

    async def call(self, path: str, payload: bytes) -> str:
        """How a call ends: "OK", or status and reason.

        Raises:
            ViolationError: as UNKNOWN or INTERNAL, not at all, or with an exception.
        """
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                error = await self._answer(path, payload)
        except CallError as caught:
            error = caught
        except Exception as caught:
            raise ViolationError(f"{path} raised {caught!r} on {payload!r}") from caught
        if path.startswith(LLM) and (left := self._calls_to_providers()):
            raise ViolationError(f"{path} left {left} calls open on {payload!r}")
        if error is None:
            return "OK"
        if int(error.code) in BAD:
            raise ViolationError(f"{path} answered {error.code.name} {error.reason} on {payload!r}")
        assert error.trailing_metadata, "details can be made of every error"
        # With the beginning of the message: it names the field, so that another one is news.
        return f"{error.code.name} {error.reason} {_VALUES.sub('#', error.message)[:60]}"

    def _calls_to_providers(self) -> int:
        llm = self._app._llm
        return llm.in_flight + sum(one.in_flight for one in llm.numbers())

    async def _answer(self, path: str, payload: bytes) -> CallError | None:
        if (lane := self._lane.get(path)) is not None:
            job = lane.decode(payload, time.monotonic(), CALL_SECONDS_MAX)
            return (await self._app.loop_lane.call(job)).error
        match self._others[path]:
            case Immediate(_, handle):
                handle(payload)
            case Unary() as method:
                await method.handle(payload)
            case ServerStream() as method:
                await _read(method.handle(payload))
            case BidiStream() as method:
                await _read(method.handle(_requests(payload)))
        return None


async def _requests(payload: bytes) -> AsyncIterator[bytes]:
    """One request, then the same twice in one: the second must not confuse what the first left."""
    yield payload
    yield payload + payload


async def _read(replies: Any) -> None:
    try:
        async with asyncio.timeout(STREAM_SECONDS):
            for _ in range(REPLIES_MAX):
                await anext(replies)
    except (StopAsyncIteration, TimeoutError):
        pass
    finally:
        await replies.aclose()


def _types() -> dict[str, Descriptor]:
    found = {}
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                found[f"/{service.full_name}/{method.name}"] = method.input_type
    return found
