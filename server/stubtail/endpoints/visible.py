"""The models as one caller sees them: shared ones and those of its own tenant, nothing else.

A model of another tenant and one that is not there are the same to a caller: the same error with
the same words, made by the same steps, so that neither text nor time tells them apart.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping

from stubtail.access.identity import current_permit, note_model
from stubtail.access.refusals import shared_model
from stubtail.endpoints.served import BatchLimits, ServedModel, ServedModels
from stubtail.errors import CallError, Code
from stubtail.models.repository import Repository, VersionStatus
from stubtail.models.session import LoadedModel
from stubtail.models.status import lookup_error, ref_name


class _Routes(Mapping[str, LoadedModel]):
    """The routes that the current caller sees."""

    def __init__(self, routes: Mapping[str, LoadedModel]) -> None:
        self._routes = routes

    def __getitem__(self, reference: str) -> LoadedModel:
        permit = current_permit()
        if permit.sees(reference) and permit.allows(reference):
            return self._routes[reference]
        raise KeyError(reference)

    def __iter__(self) -> Iterator[str]:
        permit = current_permit()
        return (ref for ref in self._routes if permit.sees(ref) and permit.allows(ref))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class VisibleRepository:
    """A repository for endpoints that answer from it; asks who calls whenever it is asked.

    Args:
        repository: all models.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    @property
    def routes(self) -> Mapping[str, LoadedModel]:
        """As the repository's."""
        return _Routes(self._repository.routes)

    def resolve(self, ref: str) -> LoadedModel:
        """As the repository's; raises CallError also where the caller lacks the scope."""
        permit = current_permit()
        permit.require(ref)
        # Both are found out for each name, so that what is hidden takes as long as what is not.
        seen, known = permit.sees(ref), self._is_known(ref)
        if not seen or not known:
            raise self._unseen(ref)
        return self._repository.resolve(ref)

    def index(self) -> list[VersionStatus]:
        """As the repository's, of the models that the caller sees and may ask about."""
        permit = current_permit()
        return [
            status
            for status in self._repository.index()
            if permit.sees(status.name) and permit.allows(status.name)
        ]

    async def load(self, name: str) -> None:
        """As the repository's; raises CallError also where the model is not the caller's."""
        await self._administer(name, self._repository.load)

    async def unload(self, name: str) -> None:
        """As the repository's; raises CallError also where the model is not the caller's."""
        await self._administer(name, self._repository.unload)

    async def _administer(self, name: str, act: Callable[[str], Awaitable[None]]) -> None:
        permit = current_permit()
        note_model(name)
        permit.require(name)
        seen, known = permit.sees(name), self._is_known(name)
        if not permit.rules(name):
            raise shared_model(name) if seen and known else self._unseen(name)
        try:
            await act(name)
        except CallError as error:
            # The repository's own words name models that the caller may not see.
            raise self._unseen(name) if error.code is Code.NOT_FOUND else error from None

    def _is_known(self, ref: str) -> bool:
        return ref in self._repository.routes or any(
            status.name == ref_name(ref) for status in self._repository.index()
        )

    def _unseen(self, ref: str) -> CallError:
        permit = current_permit()
        names = {status.name for status in self._repository.index()}
        return lookup_error(ref, sorted(filter(permit.sees, names)), ())


class VisibleModels(ServedModels):
    """The live models for the readers of requests; asks who calls at each look-up.

    Args:
        repository: all models.
        limits: how they are run.
    """

    def __init__(self, repository: Repository, limits: BatchLimits) -> None:
        super().__init__(repository, limits)
        self._visible = VisibleRepository(repository)

    def resolve(self, reference: str) -> ServedModel:
        """As without access rules; raises CallError also for what the caller may not or not see."""
        permit = current_permit()
        permit.require(reference)
        seen = permit.sees(reference)
        model = self.routes.get(reference)
        if model is not None and seen:
            return model
        # The same way for what is hidden and for what is not there.
        self._visible.resolve(reference)
        return super().resolve(reference)
