"""grpc.health.v1: whether the server, a service or a model answers, once or as it changes.

Names: "" is the whole server; full service names; and each model both as
`stubtail.v1.ScoringService/churn` and as `churn`.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from google.protobuf.message import Message

from stubtail.endpoints.method import Immediate, ServerStream, parse
from stubtail.errors import CallError, Code, invalid_field, not_found
from stubtail.standard import health_pb2

SERVICE = "grpc.health.v1.Health"
MODEL_PREFIX = "stubtail.v1.ScoringService/"
WATCHERS_MAX = 4096  # each costs a stream and an event; a load balancer opens one per connection
NAME_CHARACTERS_MAX = 256  # a model's name with the prefix has 155
# A name of them takes half of it. grpcio keeps the bytes of a request for as long as its stream.
REQUEST_BYTES_MAX = 2048
LISTED_NAMES_MAX = 1000  # keeps the reply of List below 200 KB with names of 128 characters

_Status = health_pb2.HealthCheckResponse


class HealthStatuses:
    """The status of every name; starts with the whole server as not serving.

    Reading is safe from every thread. All that writes or subscribes belongs on the event loop's
    thread, because it sets asyncio events. Writers never wait: a watcher has one event and reads
    the table when it wakes, so only the latest status is ever kept for it.

    Args:
        watchers_max: how many watchers there can be at a time.
    """

    def __init__(self, *, watchers_max: int = WATCHERS_MAX) -> None:
        self._services = {"": False}
        self._models: dict[
            str, bool
        ] = {}  # a new dict for each change, so that readers need no lock
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._watchers_max = watchers_max
        self._watcher_count = 0
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether every status is final."""
        return self._draining

    @property
    def watcher_count(self) -> int:
        """How many watchers are subscribed."""
        return self._watcher_count

    def status(self, name: str) -> bool | None:
        """Whether `name` serves; None when it is not known. A service goes before a model."""
        serving = self._services.get(name)
        if serving is None:
            serving = self._models.get(name)
        return serving and not self._draining

    def names(self) -> list[str]:
        """Every known name, each once."""
        return list({**self._models, **self._services})

    def set(self, service: str, serving: bool) -> None:
        """Sets the whole server ("") or one service; without effect on its status once draining."""
        if self._services.get(service) != serving:
            self._services = {**self._services, service: serving}
            self._wake(service)

    def set_models(self, models: Mapping[str, bool]) -> None:
        """Sets all models at once, by name; those left out are not known any more."""
        new: dict[str, bool] = {}
        for name, serving in models.items():
            new[name] = serving
            new[MODEL_PREFIX + name] = serving
        old, self._models = self._models, new
        for name in old.keys() | new.keys():
            if old.get(name) != new.get(name):
                self._wake(name)

    def drain(self) -> None:
        """Every name stops serving, for good: a server that shuts down does not come back."""
        self._draining = True
        for name in self._watchers:
            self._wake(name)

    def subscribe(self, name: str) -> asyncio.Event:
        """An event that is set whenever the status of `name` changes; `unsubscribe` ends it.

        Raises:
            CallError: RESOURCE_EXHAUSTED when there are too many watchers.
        """
        if self._watcher_count >= self._watchers_max:
            raise CallError(
                Code.RESOURCE_EXHAUSTED,
                "TOO_MANY_STREAMS",
                f"there are {self._watchers_max} health watchers already; use Check",
                metadata={"limit": str(self._watchers_max)},
                retry_after_s=5.0,
            )
        event = asyncio.Event()
        self._watchers.setdefault(name, set()).add(event)
        self._watcher_count += 1
        return event

    def unsubscribe(self, name: str, event: asyncio.Event) -> None:
        """Forgets the event."""
        watchers = self._watchers[name]
        watchers.remove(event)
        if not watchers:
            del self._watchers[name]
        self._watcher_count -= 1

    def _wake(self, name: str) -> None:
        for event in self._watchers.get(name, ()):
            event.set()


class HealthEndpoint:
    """The methods of grpc.health.v1.Health over one table."""

    def __init__(self, statuses: HealthStatuses) -> None:
        self._statuses = statuses
        self._replies = {
            True: _Status(status=_Status.SERVING).SerializeToString(),
            False: _Status(status=_Status.NOT_SERVING).SerializeToString(),
            None: _Status(status=_Status.SERVICE_UNKNOWN).SerializeToString(),
        }

    def methods(self) -> list[Immediate | ServerStream]:
        """Check, List and Watch."""
        return [
            Immediate(f"/{SERVICE}/Check", self.check),
            Immediate(f"/{SERVICE}/List", self.list_all),
            ServerStream(f"/{SERVICE}/Watch", self.watch),
        ]

    def check(self, payload: bytes) -> bytes:
        """The status of one name; raises CallError NOT_FOUND for one that is not known."""
        name = _name(payload)
        serving = self._statuses.status(name)
        if serving is None:
            raise not_found(
                "health",
                name,
                "SERVICE_NOT_FOUND",
                f"no service or model {name[:128]!r} is known here; List tells the names",
            )
        return self._replies[serving]

    def list_all(self, payload: bytes) -> bytes:
        """The status of every name; raises CallError RESOURCE_EXHAUSTED when they are too many."""
        parse(health_pb2.HealthListRequest, payload)
        names = self._statuses.names()
        if len(names) > LISTED_NAMES_MAX:
            raise CallError(
                Code.RESOURCE_EXHAUSTED,
                "MESSAGE_TOO_LARGE",
                f"there are {len(names)} names, List tells at most {LISTED_NAMES_MAX}; use Check",
                metadata={"names": str(len(names)), "limit": str(LISTED_NAMES_MAX)},
                retry_after_s=-1,
            )
        reply: Message = health_pb2.HealthListResponse(
            statuses={name: self._message(name) for name in names}
        )
        return reply.SerializeToString()

    async def watch(self, payload: bytes) -> AsyncGenerator[bytes, None]:
        """The status of one name now and whenever it changes, until the caller goes.

        Ends by itself after the last status of a server that shuts down: nothing can change any
        more, and an open stream would hold up the shutdown.
        """
        name = _name(payload)
        del payload  # the stream goes on for as long as its caller likes
        changed = self._statuses.subscribe(name)
        sent: bytes | None = None
        try:
            while True:
                changed.clear()
                draining = self._statuses.draining
                reply = self._replies[self._statuses.status(name)]
                if reply != sent:
                    sent = reply
                    yield reply
                if draining:
                    return
                await changed.wait()
        finally:
            self._statuses.unsubscribe(name, changed)

    def _message(self, name: str) -> health_pb2.HealthCheckResponse:
        serving = self._statuses.status(name)
        return _Status(status=_Status.SERVING if serving else _Status.NOT_SERVING)


def _name(payload: bytes) -> str:
    """The name in a request; raises CallError INVALID_ARGUMENT for one that cannot be a name."""
    if len(payload) <= REQUEST_BYTES_MAX:
        name = str(parse(health_pb2.HealthCheckRequest, payload).service)
        if len(name) <= NAME_CHARACTERS_MAX:
            return name
    problem = f"at most {NAME_CHARACTERS_MAX} characters, in a request of {REQUEST_BYTES_MAX} bytes"
    raise invalid_field("service", problem)
