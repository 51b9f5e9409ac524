"""The models as endpoints ask about them: all of them, or those that the caller sees."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from stubtail.models.repository import VersionStatus
from stubtail.models.session import LoadedModel


class Catalog(Protocol):
    """What a repository tells, and what it does on an operator's word."""

    @property
    def routes(self) -> Mapping[str, LoadedModel]:
        """What answers, by `name` and `name@version`."""

    def resolve(self, ref: str) -> LoadedModel:
        """What answers `name` or `name@version`; raises CallError."""

    def index(self) -> Sequence[VersionStatus]:
        """All known versions, ordered by name and then by version."""

    async def load(self, name: str) -> None:
        """Loads a model; raises CallError."""

    async def unload(self, name: str) -> None:
        """Unloads a model; raises CallError."""
