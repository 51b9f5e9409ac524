"""A hot method: request bytes become a job, by the head cache or by reading the whole message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from stubtail.access.identity import CALL, Permit, Realm
from stubtail.endpoints.heads import HeadCache
from stubtail.endpoints.served import ServedModels
from stubtail.lane.job import Encoder, Job
from stubtail.lane.model_queue import ModelQueue

Decode = Callable[..., Job]
REALMS_MAX = 256  # kinds of callers whose heads are kept, at most 4,096 heads each
HEADS_MAX = 16_384  # of all of them: some 8 MB, and 25 MB if each is as long as it may be
TALLY_EVERY = 64  # heads are remembered between two looks at their sum


class CallPlan:
    """What a request says besides its rows, resolved: the same for every request with that head.

    Attributes:
        queue: where its job waits.
        rows: how many rows it has.
        priority: 0 critical to 3 low.
        encoder: makes its reply.
        suffix: bytes that end its reply.
        timeout_s: the deadline that the message itself asks for; None without.
    """

    __slots__ = ("encoder", "priority", "queue", "rows", "suffix", "timeout_s")

    def __init__(
        self,
        queue: ModelQueue,
        rows: int,
        priority: int,
        encoder: Encoder,
        suffix: bytes = b"",
        timeout_s: float | None = None,
    ) -> None:
        self.queue = queue
        self.rows = rows
        self.priority = priority
        self.encoder = encoder
        self.suffix = suffix
        self.timeout_s = timeout_s


class Reading(NamedTuple):  # made for each call of named columns: a dataclass takes 0.4 us more
    """A request that has been read in full.

    Attributes:
        plan: everything but the rows.
        data: the rows, as `Job.data`.
        tail_bytes: how many bytes at the end of the request are the rows and nothing else, so
            that the rest may be remembered; 0 when they stand elsewhere or in another form.
        expanded_bytes: what the rows take in memory, where that is more than they took to send.
    """

    plan: CallPlan
    data: Any
    tail_bytes: int
    expanded_bytes: int = 0


class Reader(Protocol):
    """Reads one kind of request in full."""

    def read(self, payload: bytes) -> Reading:
        """Parses and validates; raises CallError."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The server's own bounds on waiting: for calls without a deadline, and for any call."""

    default_s: float
    max_s: float


class LaneMethod:
    """One hot unary method.

    Args:
        path: `/package.Service/Method`.
        reader: reads what the head cache does not know.
        models: tells when other versions have gone live.
        deadlines: bounds on the time of a call.
    """

    def __init__(
        self, path: str, reader: Reader, models: ServedModels, deadlines: Deadlines
    ) -> None:
        self.path = path
        self._reader = reader
        self._models = models
        self._deadlines = deadlines
        # The heads with the routes that they were read under, replaced together: a thread that
        # read its request before a change remembers it in a cache that nobody looks into again.
        self._heads: tuple[object, HeadCache[CallPlan]] = (None, HeadCache())
        # With access rules, one for each kind of caller: what is found depends on who asks.
        self._realms: tuple[object, dict[Realm, HeadCache[CallPlan]]] = (None, {})
        self._remembered = 0

    def watch(self, watcher: Callable[[str, Decode], Decode]) -> None:
        """From now on `decode` goes through the watcher; before a transport has taken it."""
        # On the instance: without a watcher, nothing stands between a call and the method.
        self.decode = watcher(self.path, self.decode)  # type: ignore[method-assign]  # see above

    def decode(
        self,
        payload: bytes,
        arrived_s: float,
        remaining_s: float | None,
        permit: Permit | None = None,
    ) -> Job:
        """The job of a request.

        Args:
            payload: the request's bytes.
            arrived_s: when it arrived, on the lane's clock.
            remaining_s: what is left of the client's deadline; None when it set none.
            permit: what the caller may do; None where there are no access rules.

        Raises:
            CallError: the request is wrong, or its model cannot answer.
        """
        if permit is None:
            routes, heads = self._heads
            if routes is not self._models.routes:
                routes, heads = self._models.routes, HeadCache()
                self._heads = (routes, heads)
        else:
            routes, realms = self._realms
            known = realms.get(permit.realm)
            if known is None or routes is not self._models.routes:
                known = self._heads_of(permit)
            heads = known
        found = heads.find(payload)
        if found is None:
            reading = self._read(payload, permit)
            plan, data = reading.plan, reading.data
            size_bytes = max(len(payload), reading.expanded_bytes)
            if reading.tail_bytes:
                heads.remember(payload, reading.tail_bytes, plan)
                if permit is not None:
                    self._bound_heads()
        else:
            plan, data = found
            size_bytes = len(payload)
        job = Job(plan.queue, plan.rows, data, size_bytes, plan.priority, plan.encoder)
        job.suffix = plan.suffix
        job.arrived_s = arrived_s
        deadlines = self._deadlines
        allowed_s = deadlines.default_s if remaining_s is None else remaining_s
        if plan.timeout_s is not None and plan.timeout_s < allowed_s:
            allowed_s = plan.timeout_s
        if allowed_s > deadlines.max_s:  # noqa: PLR1730 - min() takes four times as long
            allowed_s = deadlines.max_s
        job.deadline_s = arrived_s + allowed_s
        if permit is not None and permit.tenant is not None:
            job.tenant = account = permit.tenant
            job.priority = account.classes[job.priority]
        return job

    def _heads_of(self, permit: Permit) -> HeadCache[CallPlan]:
        """The heads that callers of this kind have sent; beyond the bound the oldest kind goes."""
        routes, realms = self._realms
        if routes is not self._models.routes:
            routes, realms = self._models.routes, {}
            self._realms = (routes, realms)
        heads = realms.get(permit.realm)
        if heads is None:
            if len(realms) >= REALMS_MAX:
                oldest, *_ = realms  # in one step, as other threads come here too
                realms.pop(oldest, None)
            heads = realms[permit.realm] = HeadCache()
        return heads

    def _bound_heads(self) -> None:
        """Drops the oldest kinds of callers while all kinds together have too many heads."""
        self._remembered += 1
        if self._remembered % TALLY_EVERY:
            return
        realms = self._realms[1]
        kept = list(realms.items())
        total = sum(heads.size for _, heads in kept)
        for realm, heads in kept:
            if total <= HEADS_MAX:
                return
            total -= heads.size
            realms.pop(realm, None)

    def _read(self, payload: bytes, permit: Permit | None) -> Reading:
        if permit is None:
            return self._reader.read(payload)
        token = CALL.set(permit)  # the reader's look-up of models asks it
        try:
            return self._reader.read(payload)
        finally:
            CALL.reset(token)
