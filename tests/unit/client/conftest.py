"""Fixtures of the client's tests: the fake server, and both clients behind one face."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from stubtail_client import AsyncClient, Client
from stubtail_client.cli.run import main
from tests.unit.client.fake_server import FakeServer


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A running fake server."""
    server = FakeServer()
    server.start()
    yield server
    server.stop()


class EitherClient:
    """The sync client in a thread, or the async one: `await client.score(..)` calls both."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.client, name)
        if inspect.iscoroutinefunction(method):
            return method

        async def in_thread(*args: Any, **options: Any) -> Any:
            return await asyncio.to_thread(method, *args, **options)

        return in_thread

    async def close(self) -> None:
        """Closes either client."""
        if isinstance(self.client, Client):
            self.client.close()
        else:
            await self.client.aclose()


@pytest.fixture(params=["sync", "async"])
async def make_client(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., EitherClient]]:
    """Makes clients with chosen arguments; each test runs with both kinds."""
    made: list[EitherClient] = []

    def make(server: str, **options: Any) -> EitherClient:
        kind = Client if request.param == "sync" else AsyncClient
        made.append(EitherClient(kind(server, **options)))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
async def client(fake: FakeServer, make_client: Callable[..., EitherClient]) -> EitherClient:
    """A client of the fake server that is patient with slow machines."""
    return make_client(fake.address, timeout=5.0)


CUSTOMERS = """\
customer,tenure,contract,charges
A-1,75,Two year,70.5
B-2,25,"Month-to-month",
C-3,50,One year,NA
"""


@pytest.fixture
def run(fake, capsys):
    """Runs a command against the fake server: its exit code, stdout and stderr."""

    def command(*words, server=fake.address):
        code = main([words[0], "--server", server, *map(str, words[1:])])
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    return command


@pytest.fixture
def customers(tmp_path):
    """A file of three customers."""
    path = tmp_path / "customers.csv"
    path.write_text(CUSTOMERS)
    return path
