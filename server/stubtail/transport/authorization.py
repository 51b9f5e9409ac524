"""The guard before every method of the grpcio transport, the ones behind the native front too.

What comes over the Unix socket between the two transports is looked at like everything else: the
front forwards what it does not know, and has not asked anybody.
"""

import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

from stubtail.access.credential import Pairs, said_in
from stubtail.access.guard import Guard
from stubtail.access.identity import CALL, DENIAL, Permit
from stubtail.access.tenants import Account
from stubtail.errors import CallError
from stubtail.lane.policy import Refusal
from stubtail.lane.refusals import tenant_error
from stubtail.transport.acts import Act, is_act, outcome_of
from stubtail.transport.watched import Watched

URIS_KEY = "peer_uri"  # as grpc-core calls the URI names of a certificate, and no others

Behaviour = Callable[[Any, Any], Coroutine[Any, Any, Any]]
Abort = Callable[[Any, CallError], Awaitable[Any]]


@dataclass(slots=True)
class Arrival:
    """What a call brought along, for whoever handles it in its task."""

    path: str
    credential: str | None
    tenant: str | None
    metadata: Pairs
    error: CallError | None = None


_ARRIVAL: ContextVar[Arrival | None] = ContextVar("stubtail_arrival", default=None)


class Authorization:
    """Asks the guard about calls of grpc.aio.

    Args:
        guard: says what each caller may do.
        abort: ends a call with an error.
        on_refusal: told of every call that is refused here: path, error, seconds.
        clock: monotonic seconds, the guard's.
    """

    def __init__(
        self,
        guard: Guard,
        abort: Abort,
        on_refusal: Callable[[str, CallError, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = guard
        self._abort = abort
        self._on_refusal = on_refusal
        self._clock = clock

    def hear(self, path: str, metadata: Pairs) -> None:
        """Keeps what a call brought along in its task, before its handler runs there."""
        credential, tenant = said_in(metadata)
        _ARRIVAL.set(Arrival(path, credential, tenant, metadata))

    def guarded(
        self, path: str, behaviour: Behaviour, *, streams: bool, counted: bool
    ) -> Behaviour:
        """The behaviour, for those who may; the method's own if it is open to everybody.

        Args:
            path: of the method.
            behaviour: what answers a call.
            streams: it goes on for as long as it likes, but no longer than the credential is good.
            counted: its calls count as work of the tenant here; those of the lane count there.
        """
        if self._guard.is_open(path):
            return behaviour

        async def guarded(payload: Any, context: Any) -> Any:
            arrived_s = self._clock()
            try:
                permit = self._permit(path, context, arrived_s)
                if streams:
                    permit = self._own(permit, path, context)
                with at_work(permit.tenant if counted else None):
                    work = behaviour(payload, context)
                    payload = None  # the frame of a call that ends with an error stays for a while
                    if streams:
                        ask = partial(self._find, path, context)
                        async with Watched(permit, ask, self._clock):
                            return await work
                    if is_act(permit):
                        return await self._audited(path, permit, work, context)
                    return await work
            except CallError as refused:
                error = refused
            self._on_refusal(path, error, self._clock() - arrived_s)
            payload = None
            self.note(error, context)
            return await self._abort(context, error)

        return guarded

    def note(self, error: CallError, context: Any) -> None:
        """Tells the audit log of an error, if it is a denial."""
        arrival = _ARRIVAL.get()
        if arrival is not None:
            arrival.error = error
            uris = _uris(context)
            self._guard.note(error, arrival.path, context.peer(), arrival.metadata, uris)

    def _permit(self, path: str, context: Any, now: float) -> Permit:
        permit = self._find(path, context, now)
        permit.count(now)
        CALL.set(permit)
        return permit

    def _own(self, permit: Permit, path: str, context: Any) -> Permit:
        """A permit that changes with its caller's rights while the stream goes on."""
        own, arrival = permit.own(), _ARRIVAL.get()
        assert arrival is not None, "the router hears every call"
        CALL.set(own)
        # Not the context itself: timers keep what they find here for longer than the stream lives.
        where = {"peer": context.peer(), "metadata": arrival.metadata, "uris": _uris(context)}
        DENIAL.set(partial(self._guard.note, path=path, **where))
        return own

    def _find(self, path: str, context: Any, now: float) -> Permit:
        arrival = _ARRIVAL.get()
        assert arrival is not None, "the router hears every call"
        uris = () if arrival.credential is not None else _uris(context)
        if uris:
            identity = self._guard.identify_certificate(uris, now)
            return self._guard.enter(identity, path, arrival.tenant)
        permit = self._guard.find(arrival.credential, path, now, arrival.tenant)
        assert permit is not None, "open methods do not ask"
        return permit

    async def _audited(
        self, path: str, permit: Permit, work: Coroutine[Any, Any, Any], context: Any
    ) -> Any:
        """An administrative act, with its record."""
        audit, arrival = self._guard.audit, _ARRIVAL.get()
        if audit is None:
            return await work
        assert arrival is not None, "the router hears every call"
        try:
            act = Act(audit, path, permit, context.peer(), arrival.metadata)
        except CallError:
            work.close()
            raise
        try:
            reply = await work
        except BaseException as ended:
            act.end(arrival.error or outcome_of(ended))  # ending a call raises an error of its own
            raise
        act.end(None)
        return reply


@contextmanager
def at_work(account: Account | None) -> Iterator[None]:
    """Counts a call for its tenant while it is at work."""
    if account is None:
        yield
        return
    if account.busy:
        raise tenant_error(account.name, Refusal.TENANT_BUSY).fresh()
    account.calls += 1
    try:
        yield
    finally:
        account.calls -= 1


def _uris(context: Any) -> tuple[bytes, ...]:
    """The URI names of the caller's certificate, which grpc-core has verified; often none."""
    return tuple(context.auth_context().get(URIS_KEY, ()))
