"""One server for all tests of this folder: the models of the conformance suite, and `churn`."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from clients.conformance import servers
from clients.foreign import tools


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it answers."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(servers.ROOT / "exported_models" / "churn", folder / "churn")
    with servers.real("auto", folder) as address:
        yield address


@pytest.fixture
def tool() -> Callable[..., str]:
    """A program by its names; skips the test where it is not there."""

    def find(*names: str) -> str:
        found = tools.path(*names)
        if found is None:
            pytest.skip(f"{names[0]} is not here; `{tools.COMMAND}` gets what can be had")
        return str(found)

    return find
