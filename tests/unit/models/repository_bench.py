"""A repository on a folder of its own, driven look by look with a clock that the test moves."""

import asyncio
from typing import Any

import numpy as np
import pytest

from stubtail.errors import CallError
from stubtail.models.repository import Repository, RepositoryOptions
from tests import model_files
from tests.model_files import write_model

OPTIONS = RepositoryOptions(watch=False, settle_ms=250)


class Clock:
    """Monotonic seconds that the test moves on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """The time."""
        return self.now


class Bench:
    """A repository on a folder of its own, without a watch."""

    def __init__(self, root, **changes):
        self.root = root
        self.clock = Clock()
        given: dict[str, Any] = {"options": OPTIONS, "clock": self.clock} | changes
        self.repository = Repository(root, **given)

    def put(self, version="1", offset=1.0, name="m"):
        """Writes a good version; `offset` is what it answers."""
        return write_model(self.root / name / version, model_files.affine(offset=offset))

    def break_(self, version, name="m"):
        """Writes a version whose graph is cut short."""
        return write_model(self.root / name / version, model_files.affine()[:50])

    async def settle(self):
        """Looks twice, with the settling time between."""
        await self.repository.refresh()
        self.clock.now += 0.25
        assert await self.repository.refresh() is None

    def answer(self, ref="m"):
        """The offset of the model that answers."""
        return float(self.repository.resolve(ref).run({"x": np.zeros((1, 3), np.float32)})[0][0, 0])

    def error(self, ref):
        """The error that a call to `ref` gets."""
        with pytest.raises(CallError) as caught:
            self.repository.resolve(ref)
        return caught.value

    def states(self):
        """The state of each version."""
        return {
            f"{status.name}@{status.version}": status.state.name + (" live" if status.live else "")
            for status in self.repository.index()
        }

    def reason(self, version, name="m"):
        """Why a version does not answer."""
        return next(
            status.reason
            for status in self.repository.index()
            if (status.name, status.version) == (name, version)
        )

    async def until(self, condition):
        """Lets the loop run until something holds; the test's own timeout is the bound."""
        while not condition():  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0)
