"""The watch on a real folder: changes arrive by themselves, however the folder comes and goes."""

import asyncio
import time

import pytest

from stubtail.models import watch
from stubtail.models.repository import Repository, RepositoryOptions
from tests import model_files
from tests.model_files import write_model

OPTIONS = RepositoryOptions(settle_ms=20, poll_ms=50, rescan_ms=5_000)
PATIENCE_S = 10.0


async def until(condition):
    """Waits for the watch; its time is the operating system's."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "the change was not noticed"
        await asyncio.sleep(0.01)


def live(repository):
    """The live version of the model `m`; None when nothing answers."""
    model = repository.routes.get("m")
    return None if model is None else model.version


async def test_changes_are_noticed(tmp_path):
    """New versions, new bytes and removals arrive without anybody asking."""
    write_model(tmp_path / "m" / "1", model_files.affine())
    repository = Repository(tmp_path, options=OPTIONS)
    await repository.start()
    assert live(repository) == "1"
    write_model(tmp_path / "m" / "2", model_files.affine())
    await until(lambda: live(repository) == "2")
    before = repository.routes["m"]
    write_model(tmp_path / "m" / "2", model_files.affine(offset=2.0))
    await until(lambda: repository.routes["m"] is not before)
    (tmp_path / "m").rename(tmp_path / ".aside")
    await until(lambda: live(repository) is None)
    await repository.aclose()


async def test_a_folder_that_comes_later_and_is_exchanged(tmp_path):
    """A missing folder is polled; a link to it may be exchanged, as deployment tools do."""
    root = tmp_path / "models"
    repository = Repository(root, options=OPTIONS)
    await repository.start()
    write_model(tmp_path / "a" / "m" / "1", model_files.affine())
    write_model(tmp_path / "b" / "m" / "2", model_files.affine())
    root.symlink_to("a")
    await until(lambda: live(repository) == "1")
    (tmp_path / "next").symlink_to("b")
    (tmp_path / "next").rename(root)
    (tmp_path / "a" / "touched").touch()  # else the exchange shows at the next rescan
    await until(lambda: live(repository) == "2")
    write_model(tmp_path / "b" / "m" / "3", model_files.affine())
    await until(lambda: live(repository) == "3")
    await repository.aclose()


@pytest.mark.parametrize("error", [OSError("no watches left"), RuntimeError("broken")])
async def test_polling_where_watching_fails(tmp_path, monkeypatch, caplog, error):
    """Without a watch the folder is polled, which is told once."""

    async def refuse(*_, **__):
        raise error
        yield

    monkeypatch.setattr(watch, "awatch", refuse)
    repository = Repository(tmp_path, options=OPTIONS)
    await repository.start()
    write_model(tmp_path / "m" / "1", model_files.affine())
    await until(lambda: live(repository) == "1")
    await asyncio.sleep(0.2)
    told = [line for line in caplog.records if line.getMessage() == "models polled, not watched"]
    assert len(told) == 1
    await repository.aclose()


async def test_closing_ends_the_watch(tmp_path):
    """After `aclose` no task of the repository is left."""
    repository = Repository(tmp_path, options=OPTIONS)
    await repository.start()
    await asyncio.sleep(0.05)
    await asyncio.wait_for(repository.aclose(), 5)
    assert asyncio.all_tasks() == {asyncio.current_task()}
