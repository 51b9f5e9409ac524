"""Which models serve, for health: they have a live version, and its circuit breaker is not open."""

from collections.abc import Mapping

from stubtail.lane.model_breakers import ModelBreakers
from stubtail.models.repository import Repository


class ModelHealth:
    """Follows the repository and the breakers; belongs to the event loop.

    Args:
        repository: the models of this server.
        breakers: of their versions.
    """

    def __init__(self, repository: Repository, breakers: ModelBreakers) -> None:
        self._repository = repository
        self._breakers = breakers
        self._states: Mapping[tuple[str, str], str] = {}

    def live(self) -> dict[str, bool]:
        """Whether each model serves, by its key; breakers of versions that went are forgotten."""
        live = {status.name: False for status in self._repository.index()}
        versions = set()
        for name, loaded in self._repository.routes.items():
            key = (loaded.key, loaded.version)
            versions.add(key)
            if "@" not in name:
                live[name] = self._states.get(key) != "open"
        self._breakers.keep(versions)
        return live

    def changed(self) -> bool:
        """Whether a breaker has changed its state since the last call."""
        if not (self._breakers.watched or self._states):
            return False
        before, self._states = self._states, self._breakers.states()
        return self._states != before
