"""The models of a folder: loads them, keeps them current, says which version answers a name."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from stubtail.models import events
from stubtail.models.confine import step_back
from stubtail.models.entry import Entry
from stubtail.models.layout import Found, Scan, folder_within, scan_models
from stubtail.models.policy import Forget, Load, SetLive, Unload
from stubtail.models.repository_options import RepositoryOptions
from stubtail.models.session import LoadedModel, ModelError, load_model
from stubtail.models.settling import Settling
from stubtail.models.status import (
    ModelState,
    VersionStatus,
    load_failed,
    lookup_error,
    ref_name,
    too_many_operations,
)
from stubtail.models.watch import changes

__all__ = ["ModelState", "Repository", "RepositoryOptions", "VersionStatus"]

OPERATIONS_MAX = 64  # loads and unloads that wait for their turn: each goes on without its caller

_T = TypeVar("_T")


class Repository:
    """The models below a folder, from `start` to `aclose`.

    Any thread may read `routes` and call `resolve` and `index`; the rest is for the event loop.

    Attributes:
        routes: what answers, by `name` (the live version) and `name@version`, where models of a
            tenant have it in front. Never changed, but replaced when anything in it changes.
        known: all versions by the key of the model, replaced likewise.

    Args:
        root: the folder; it may be missing for now.
        options: bounds and intervals; None takes the defaults.
        load: loads one version, in a thread.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        root: Path,
        *,
        options: RepositoryOptions | None = None,
        load: Callable[..., LoadedModel] = load_model,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.routes: Mapping[str, LoadedModel] = {}
        self._root = root
        self._options = options or RepositoryOptions()
        self._load = load
        self._clock = clock
        self._settling = Settling(self._options.settle_ms / 1000)
        self._entries: dict[str, Entry] = {}
        self.known: Mapping[str, Sequence[VersionStatus]] = {}
        self._subscribers: list[Callable[[], None]] = []
        self._lock = asyncio.Lock()  # one look at a time, each with all its loads
        # One thread that stays: loads come one at a time, and its memory is used again.
        self._thread = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="stubtail-models", initializer=step_back
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self._told: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Loads what is there, then goes on watching; a missing folder is no error.

        What takes longer than `start_wait_s` goes on loading afterwards.
        """
        first = self._spawn(self._begin())
        done, _ = await asyncio.wait({first}, timeout=self._options.start_wait_s)
        if not done:
            waiting = [status for status in self.index() if status.state is ModelState.LOADING]
            events.start_goes_on([f"{one.name}@{one.version}" for one in waiting])

    async def aclose(self) -> None:
        """Stops watching; a load in progress ends first. The routes stay for calls in flight."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Calls back on the event loop after each change of a state or of the routes."""
        self._subscribers.append(callback)

    def resolve(self, ref: str) -> LoadedModel:
        """What answers `name` or `name@version`.

        Raises:
            CallError: NOT_FOUND, UNAVAILABLE or FAILED_PRECONDITION, saying why nothing does.
        """
        model = self.routes.get(ref)
        if model is not None:
            return model
        raise lookup_error(ref, sorted(self.known), self.known.get(ref_name(ref), ()))

    def index(self) -> list[VersionStatus]:
        """All known versions, ordered by name and then by version."""
        known = self.known
        return [status for name in sorted(known) for status in known[name]]

    async def load(self, name: str) -> None:
        """Loads a model on an operator's word: also one that was unloaded or that failed.

        Raises:
            CallError: there is no such model, or its newest version does not load.
        """
        await self._shielded(self._load_by_operator(name))

    async def unload(self, name: str) -> None:
        """Unloads all versions of a model, until `load`; later changes of its files do nothing.

        Raises:
            CallError: there is no such model.
        """
        await self._shielded(self._unload_by_operator(name))

    async def refresh(self, *, at_once: Callable[[str], bool] = lambda _: False) -> float | None:
        """Looks at the folder and does all that follows.

        Args:
            at_once: the models whose files are taken as they are, even if they just changed.

        Returns:
            In how many seconds to look again, as files were being written; None: on a change.
        """
        async with self._lock:
            options = self._options
            scan = await self._in_thread(
                lambda: scan_models(
                    self._root,
                    models_max=options.models_max,
                    versions_max=options.versions_max,
                    tenants=options.tenants,
                )
            )
            self._tell(scan)
            if scan.root is None:
                return None  # a lost mount is no wish to unload everything
            settled, wait_s = self._settling.observe(scan, self._clock(), at_once=at_once)
            for name, found in settled.items():
                if found and name not in self._entries:
                    self._entries[name] = Entry(name)
            for name, entry in self._entries.items():
                if not scan.skipped(name):
                    entry.found = settled.get(name)
                    entry.settling = self._settling.pending(name)
                entry.retry(self._clock())
                self._publish(entry)
            others_wait = sum(entry.untried for entry in self._entries.values()) > 1
            for patience_s in (options.patience_s, None) if others_wait else (None,):
                for name in sorted(self._entries):
                    self._entries[name].resume()
                    await self._carry_out(self._entries[name], patience_s)
            return wait_s

    async def _begin(self) -> None:
        await self._refresh_safely(at_once=lambda _: True)
        if self._options.watch:
            self._spawn(self._watch())

    async def _watch(self) -> None:
        options = self._options
        debounce_ms = max(1, options.settle_ms // 2)
        looks = changes(
            self._root,
            debounce_ms=debounce_ms,
            poll_ms=options.poll_ms,
            rescan_ms=options.rescan_ms,
        )
        async with aclosing(looks):
            async for _ in looks:
                wait_s = await self._refresh_safely()
                while wait_s is not None:
                    await asyncio.sleep(wait_s)
                    wait_s = await self._refresh_safely()

    async def _refresh_safely(self, **how: Callable[[str], bool]) -> float | None:
        try:
            return await self.refresh(**how)
        except Exception:  # noqa: BLE001  # whatever it is, later changes must be noticed
            events.log.exception("look at models failed", extra={"folder": str(self._root)})
            return None

    async def _load_by_operator(self, name: str) -> None:
        if (entry := self._entries.get(name)) is not None:
            entry.enable()
        await self.refresh(at_once=lambda other: other == name)
        statuses = self.known.get(name, ())
        if not statuses:
            raise lookup_error(name, sorted(self.known), ())
        if statuses[-1].state is ModelState.FAILED or statuses[-1].reason:
            raise load_failed(statuses[-1])  # its new files are not served, even if old ones are

    async def _unload_by_operator(self, name: str) -> None:
        async with self._lock:
            if not self.known.get(name):
                raise lookup_error(name, sorted(self.known), ())
            entry = self._entries[name]
            entry.disable()
            await self._carry_out(entry)

    async def _carry_out(self, entry: Entry, patience_s: float | None = None) -> None:
        """Does what the policy says for one model, step by step."""
        while (action := entry.next_action(self._options.versions_kept)) is not None:
            match action:
                case Load(version):
                    found = entry.begin_load(version)
                    self._publish(entry)
                    outcome = await self._load_found(entry.name, version, found, patience_s)
                    entry.end_load(version, outcome, self._clock())
                case SetLive(version):
                    entry.set_live(version)
                case Unload(version):
                    entry.unload(version)
                case Forget(version):
                    entry.forget(version)
        # Steps between two loads take no time, and nobody is to see half of them.
        if entry.is_empty:
            del self._entries[entry.name]
        self._publish(entry)

    async def _load_found(
        self, name: str, version: str, found: Found, patience_s: float | None
    ) -> LoadedModel | ModelError:
        more: Any = {"options": self._options.session, "inside": folder_within(self._root, name)}
        if patience_s is not None:
            more["patience_s"] = patience_s
        try:
            return await self._in_thread(lambda: self._load(found.path, name, version, **more))
        except ModelError as error:
            return error
        except Exception:  # noqa: BLE001  # a defect met in one model must not stop the others
            fields = {"model": name, "version": version}
            events.log.exception("model load raised", extra=fields)
            where = f"{name}/{version}"
            return ModelError(where, "the server failed to load it", "its log has the cause")

    async def _in_thread(self, function: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def _shielded(self, work: Coroutine[Any, Any, None]) -> None:
        """Waits for work that goes on when the caller hangs up: half a load helps nobody."""
        if len(self._tasks) > OPERATIONS_MAX:
            work.close()
            raise too_many_operations(OPERATIONS_MAX)
        await asyncio.shield(self._spawn(work))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller has it, or has gone

    def _tell(self, scan: Scan) -> None:
        """Logs what the owner of the folder should mend, once for as long as it lasts."""
        for problem in scan.problems:
            if problem not in self._told:
                events.log.warning("folder of models", extra={"problem": problem})
        self._told = frozenset(scan.problems)

    def _publish(self, entry: Entry) -> None:
        """Makes the state of one model visible, and new routes, if there is anything new."""
        name, statuses = entry.name, entry.statuses()
        if statuses == self.known.get(name, []):
            return
        known = {**self.known, name: statuses}
        if not statuses:
            del known[name]
        self.known = known
        routes = dict(entry.routes())
        old = {ref: model for ref, model in self.routes.items() if ref_name(ref) == name}
        if routes != old:
            others = {ref: model for ref, model in self.routes.items() if ref not in old}
            self.routes = {**others, **routes}
        for callback in self._subscribers:
            try:
                callback()
            except Exception:  # noqa: BLE001  # one listener must not keep others from hearing
                events.log.exception("listener to models failed")
