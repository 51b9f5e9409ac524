"""Puts versions of models into a folder that a server watches, and asks what became of them."""

import asyncio
import time
from pathlib import Path
from typing import Any

from stubtail.oip import inference_pb2
from stubtail.v1 import models_pb2
from tests import model_files
from tests.load import History

OIP = "/inference.GRPCInferenceService/"
LIST = "/stubtail.v1.ModelService/ListModels"
QUICK_SETTLE = ("--set", "models.settle_ms=20")  # a rename is atomic: no need to wait for more
WAIT_S = 15.0


def publish(
    models: Path, name: str, version: int, graph: bytes, document: dict[str, Any] | None = None
) -> Path:
    """Writes a version beside the folder of models and moves it in by one rename."""
    staged = models.parent / f"staging-{name}-{version}"
    model_files.write_model(staged, graph, document)
    target = models / name / str(version)
    target.parent.mkdir(exist_ok=True)
    staged.rename(target)
    return target


def version_affine(version: int) -> tuple[float, float]:
    """Scale and offset of the affine graph of a version: no two versions answer alike."""
    return float(version), 1000.0 * version


def affine_graph(version: int) -> bytes:
    """The graph of a version."""
    scale, offset = version_affine(version)
    return model_files.affine(scale=scale, offset=offset)


class Admin:
    """What an operator asks a server."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    async def index(self, name: str) -> dict[str, tuple[str, str]]:
        """State and reason of each version by RepositoryIndex."""
        reply = await self._channel.unary_unary(OIP + "RepositoryIndex")(b"")
        response = inference_pb2.RepositoryIndexResponse.FromString(reply)
        return {one.version: (one.state, one.reason) for one in response.models if one.name == name}

    async def summaries(self, name: str) -> dict[str, models_pb2.ModelSummary]:
        """Each version by ModelService/ListModels."""
        reply = await self._channel.unary_unary(LIST)(b"")
        response = models_pb2.ListModelsResponse.FromString(reply)
        return {one.version: one for one in response.models if one.name == name}

    async def load(self, name: str) -> None:
        """RepositoryModelLoad."""
        request = inference_pb2.RepositoryModelLoadRequest(model_name=name)
        await self._channel.unary_unary(OIP + "RepositoryModelLoad")(request.SerializeToString())

    async def unload(self, name: str) -> None:
        """RepositoryModelUnload."""
        request = inference_pb2.RepositoryModelUnloadRequest(model_name=name)
        await self._channel.unary_unary(OIP + "RepositoryModelUnload")(request.SerializeToString())

    async def until_failed(self, name: str, version: int) -> str:
        """Waits until a version has a reason why it cannot answer; returns it."""
        end_s = time.monotonic() + WAIT_S
        while True:
            found = await self.index(name)
            reason = found.get(str(version), ("", ""))[1]
            if reason:
                return reason
            assert time.monotonic() < end_s, found
            await asyncio.sleep(0.01)


async def until_answers(history: History, version: int) -> None:
    """Waits until the newest answer of a load names a version."""
    end_s = time.monotonic() + WAIT_S
    while not history.finals or history.finals[-1].version != str(version):
        assert time.monotonic() < end_s, f"version {version} does not answer"
        await asyncio.sleep(0.005)


def check_order(history: History) -> None:
    """A call that began after another one ended is never answered by an older version.

    It holds across connections too: the live version of one server is one value, and it only
    rises while higher versions are published.
    """
    events = sorted(
        [(final.begun_s, 1, final) for final in history.finals if final.version]
        + [(final.ended_s, 0, final) for final in history.finals if final.version],
        key=lambda event: event[:2],
    )
    newest = 0
    newest_at_begin: dict[int, int] = {}
    for _, begins, final in events:
        if begins:
            newest_at_begin[final.number] = newest
        else:
            newest = max(newest, int(final.version))
    for final in history.finals:
        if final.version:
            assert int(final.version) >= newest_at_begin[final.number], final
