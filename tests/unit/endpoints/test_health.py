"""Pins what health tells: Check, List and Watch over one table."""

import asyncio

import pytest

from stubtail.endpoints.health import HealthEndpoint, HealthStatuses
from stubtail.errors import CallError, Code
from stubtail.standard import health_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SCORING = "stubtail.v1.ScoringService"


def request(name):
    """The bytes of a HealthCheckRequest."""
    return health_pb2.HealthCheckRequest(service=name).SerializeToString()


def status(reply):
    """The status in a reply's bytes."""
    return health_pb2.HealthCheckResponse.FromString(reply).status


@pytest.fixture
def statuses():
    """A server that serves, with one model ready and one not."""
    table = HealthStatuses()
    table.set("", True)
    table.set(SCORING, True)
    table.set_models({"churn": True, "slow": False})
    return table


@pytest.fixture
def endpoint(statuses):
    """The methods over that table."""
    return HealthEndpoint(statuses)


async def next_status(stream):
    """The next status of a watch; fails instead of hanging when none comes."""
    async with asyncio.timeout(1):
        return status(await anext(stream))


async def stays_silent(stream):
    """Starts reading a watch and makes sure that nothing comes; returns the pending read."""
    pending = asyncio.ensure_future(anext(stream))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not pending.done()
    return pending


def test_the_methods_have_the_paths_of_the_protocol(endpoint):
    """Load balancers call these names."""
    paths = [method.path for method in endpoint.methods()]
    assert paths == [f"/grpc.health.v1.Health/{name}" for name in ("Check", "List", "Watch")]


def test_a_server_that_was_told_nothing_does_not_serve():
    """Serving has to be said: a process that still loads must get no calls."""
    assert status(HealthEndpoint(HealthStatuses()).check(request(""))) == NOT_SERVING


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", SERVING),
        (SCORING, SERVING),
        ("churn", SERVING),
        (f"{SCORING}/churn", SERVING),
        ("slow", NOT_SERVING),
        (f"{SCORING}/slow", NOT_SERVING),
    ],
)
def test_check_tells_the_status(endpoint, name, expected):
    """The server, services and models, the latter by both of their names."""
    assert status(endpoint.check(request(name))) == expected


def test_check_of_an_unknown_name_is_not_found(endpoint):
    """NOT_FOUND, and not NOT_SERVING, as the protocol says."""
    with pytest.raises(CallError) as caught:
        endpoint.check(request("nobody"))
    assert caught.value.code == Code.NOT_FOUND
    assert caught.value.reason == "SERVICE_NOT_FOUND"


@pytest.mark.parametrize(
    "payload",
    [request("x" * 257), request("ж" * 257), request("churn") + b"\x7a\x80\x10" + b"x" * 2048],
    ids=["ascii", "cyrillic", "another field"],
)
async def test_what_is_too_long_for_a_name_is_refused(endpoint, statuses, payload):
    """INVALID_ARGUMENT: a watcher's name stays for as long as it likes, and there are many."""
    with pytest.raises(CallError) as checked:
        endpoint.check(payload)
    with pytest.raises(CallError) as watched:
        await anext(endpoint.watch(payload))
    for caught in (checked, watched):
        assert caught.value.code == Code.INVALID_ARGUMENT
        assert "256" in caught.value.message
    assert statuses.watcher_count == 0


async def test_the_longest_names_are_looked_up(endpoint):
    """256 characters of four bytes; a model's name with its prefix has fewer."""
    with pytest.raises(CallError) as caught:
        endpoint.check(request("😀" * 256))
    assert caught.value.code == Code.NOT_FOUND


async def test_bytes_that_are_no_request_are_refused(endpoint):
    """INVALID_ARGUMENT for all three methods."""
    for handle in (endpoint.check, endpoint.list_all):
        with pytest.raises(CallError) as caught:
            handle(b"\xff")
        assert caught.value.code == Code.INVALID_ARGUMENT
    with pytest.raises(CallError):
        await anext(endpoint.watch(b"\xff"))


def test_list_tells_every_name(endpoint):
    """List needs no knowledge of names."""
    reply = health_pb2.HealthListResponse.FromString(endpoint.list_all(b""))
    assert {name: entry.status for name, entry in reply.statuses.items()} == {
        "": SERVING,
        SCORING: SERVING,
        "churn": SERVING,
        f"{SCORING}/churn": SERVING,
        "slow": NOT_SERVING,
        f"{SCORING}/slow": NOT_SERVING,
    }


def test_list_is_bounded(statuses, endpoint):
    """More names than fit a sensible reply: RESOURCE_EXHAUSTED, as the protocol allows."""
    statuses.set_models({f"m{number}": True for number in range(600)})
    with pytest.raises(CallError) as caught:
        endpoint.list_all(b"")
    assert caught.value.code == Code.RESOURCE_EXHAUSTED


def test_a_service_goes_before_a_model_of_its_name(statuses, endpoint):
    """A model cannot take over the name of a service."""
    statuses.set_models({SCORING: False, "": False})
    assert status(endpoint.check(request(SCORING))) == SERVING
    assert status(endpoint.check(request(""))) == SERVING


def test_draining_is_one_way(statuses, endpoint):
    """Once the server shuts down, nothing serves again, whatever is set later."""
    statuses.drain()
    statuses.set("", True)
    statuses.set_models({"churn": True})
    for name in ("", SCORING, "churn"):
        assert status(endpoint.check(request(name))) == NOT_SERVING


async def test_watch_tells_the_status_at_once_and_each_change(statuses, endpoint):
    """The first message comes without a change."""
    stream = endpoint.watch(request("churn"))
    assert await next_status(stream) == SERVING
    statuses.set_models({"churn": False})
    assert await next_status(stream) == NOT_SERVING
    statuses.set_models({"churn": True})
    assert await next_status(stream) == SERVING
    await stream.aclose()


async def test_watch_is_silent_when_nothing_changes(statuses, endpoint):
    """Setting the same status again, or another name, sends nothing."""
    stream = endpoint.watch(request("churn"))
    await next_status(stream)
    pending = await stays_silent(stream)
    statuses.set_models({"churn": True, "other": True})
    statuses.set("", False)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not pending.done()
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending


async def test_watch_of_an_unknown_name_stays_open(statuses, endpoint):
    """SERVICE_UNKNOWN first, the status as soon as there is one, and again when it goes."""
    stream = endpoint.watch(request("later"))
    assert await next_status(stream) == SERVICE_UNKNOWN
    statuses.set_models({"later": True})
    assert await next_status(stream) == SERVING
    statuses.set_models({})
    assert await next_status(stream) == SERVICE_UNKNOWN
    await stream.aclose()


async def test_a_slow_watcher_gets_the_latest_status_only(statuses, endpoint):
    """Nothing queues up for a reader that does not read, and no setter waits for it."""
    stream = endpoint.watch(request("churn"))
    await next_status(stream)
    for number in range(1001):
        statuses.set_models({"churn": number % 2 == 1})
    assert await next_status(stream) == NOT_SERVING
    pending = await stays_silent(stream)
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending


async def test_watch_ends_after_the_last_status_of_a_drain(statuses, endpoint):
    """NOT_SERVING is told and the stream ends by itself, so that no shutdown is held up."""
    stream = endpoint.watch(request("churn"))
    await next_status(stream)
    statuses.drain()
    assert await next_status(stream) == NOT_SERVING
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert statuses.watcher_count == 0


async def test_a_cancelled_watch_is_forgotten_and_the_cancellation_goes_on(statuses, endpoint):
    """CancelledError reaches the transport, and the table keeps nothing of the watcher."""
    stream = endpoint.watch(request("churn"))
    await next_status(stream)
    pending = await stays_silent(stream)
    assert statuses.watcher_count == 1
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    assert statuses.watcher_count == 0


async def test_a_closed_watch_is_forgotten(statuses, endpoint):
    """The transport closes the generator when the caller goes between two statuses."""
    stream = endpoint.watch(request("churn"))
    await next_status(stream)
    await stream.aclose()
    assert statuses.watcher_count == 0


async def test_the_number_of_watchers_is_bounded():
    """RESOURCE_EXHAUSTED beyond the bound; room again when one goes."""
    endpoint = HealthEndpoint(HealthStatuses(watchers_max=1))
    first = endpoint.watch(request(""))
    await next_status(first)
    with pytest.raises(CallError) as caught:
        await anext(endpoint.watch(request("")))
    assert caught.value.code == Code.RESOURCE_EXHAUSTED
    await first.aclose()
    second = endpoint.watch(request(""))
    assert await next_status(second) == NOT_SERVING
    await second.aclose()
