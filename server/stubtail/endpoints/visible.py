"""The models as one caller sees them: shared ones and those of its own tenant, nothing else.

A name leads to the model in the folder of the caller's tenant, and to the shared one where that
folder has none of that name. The operator sees all, those of tenants as `acme/churn`.

A model of another tenant and one that is not there are the same to a caller: the same error with
the same words, made by the same steps, so that neither text nor time tells them apart.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from stubtail.access.identity import Permit, current_permit, note_model
from stubtail.access.refusals import shared_model
from stubtail.endpoints.served import BatchLimits, ServedModel, ServedModels
from stubtail.errors import CallError, Code
from stubtail.models.keys import model_key, name_of, tenant_of
from stubtail.models.repository import Repository, VersionStatus
from stubtail.models.session import LoadedModel
from stubtail.models.status import lookup_error, ref_name

Known = Mapping[str, Sequence[VersionStatus]]


def visible_key(permit: Permit, ref: str, known: Known) -> str:
    """What `name` or `name@version` means to a caller: the same with a tenant in front, or not.

    A tenant's own model hides a shared one of its name in whatever state it is: one that fails
    must not be answered for by another. Only the operator's names have a tenant in them.

    Args:
        permit: of the caller.
        ref: as the caller gave it.
        known: all models by their keys.
    """
    own = permit.realm.folder
    return model_key(own, ref) if own and model_key(own, ref_name(ref)) in known else ref


def visible_models(permit: Permit, known: Known) -> dict[str, str]:
    """The keys of the models that a caller sees and may ask about, by the names that it knows."""
    own = permit.realm.folder
    found: dict[str, str] = {}
    for key in sorted(known, key=lambda key: (tenant_of(key) == own != "", key)):
        name = name_of(key) if own and tenant_of(key) == own else key
        if permit.sees(key) and permit.allows(name):
            found[name] = key  # its own come last, and take the place of shared ones
    return dict(sorted(found.items()))


class _Routes(Mapping[str, LoadedModel]):
    """The routes that the current caller sees."""

    def __init__(self, routes: Mapping[str, LoadedModel], known: Known) -> None:
        self._routes = routes
        self._known = known

    def __getitem__(self, reference: str) -> LoadedModel:
        permit = current_permit()
        key = visible_key(permit, reference, self._known)
        if permit.names(reference) and permit.sees(key) and permit.allows(reference):
            return self._routes[key]
        raise KeyError(reference)

    def __iter__(self) -> Iterator[str]:
        names = {key: name for name, key in visible_models(current_permit(), self._known).items()}
        for ref in self._routes:
            key, at, version = ref.partition("@")
            if key in names:
                yield f"{names[key]}{at}{version}"

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
        return _Routes(self._repository.routes, self._repository.known)

    def resolve(self, ref: str) -> LoadedModel:
        """As the repository's; raises CallError also where the caller lacks the scope."""
        permit, known = current_permit(), self._repository.known
        permit.require(ref)
        key = visible_key(permit, ref, known)
        # Both are found out for each name, so that what is hidden takes as long as what is not.
        seen, statuses = permit.sees(key), known.get(ref_name(key), ())
        if not seen or not statuses or not permit.names(ref):
            raise self._unseen(ref)
        model = self._repository.routes.get(key)
        if model is None:
            raise lookup_error(ref, (), _told(statuses, ref_name(ref)))
        return model

    def index(self) -> list[VersionStatus]:
        """As the repository's, of the models that the caller sees and may ask about."""
        known = self._repository.known
        visible = visible_models(current_permit(), known)
        return [one for name, key in visible.items() for one in _told(known[key], name)]

    async def load(self, name: str) -> None:
        """As the repository's; raises CallError also where the model is not the caller's."""
        await self._administer(name, self._repository.load)

    async def unload(self, name: str) -> None:
        """As the repository's; raises CallError also where the model is not the caller's."""
        await self._administer(name, self._repository.unload)

    async def _administer(self, name: str, act: Callable[[str], Awaitable[None]]) -> None:
        permit, known = current_permit(), self._repository.known
        permit.require(name)
        key = visible_key(permit, name, known)
        own = permit.realm.folder
        seen, there = permit.sees(key), key in known
        if own and not (seen and there) and not permit.rules(key):
            # It may have come into the tenant's folder a moment ago. To look takes a while: for
            # another's model, too, or the time would tell that there is one.
            key = model_key(own, name)
        note_model(key)
        if not permit.names(name):
            raise self._unseen(name)
        if not permit.rules(key):
            raise shared_model(name) if seen and there else self._unseen(name)
        try:
            await act(key)
        except CallError as error:
            # The repository's own words name models that the caller may not see.
            raise self._unseen(name) if error.code is Code.NOT_FOUND else error from None

    def _unseen(self, ref: str) -> CallError:
        return lookup_error(ref, list(visible_models(current_permit(), self._repository.known)), ())


def _told(statuses: Sequence[VersionStatus], name: str) -> list[VersionStatus]:
    """The same under the name that the caller knows."""
    return [one if one.name == name else replace(one, name=name) for one in statuses]


class VisibleModels(ServedModels):
    """The live models for the readers of requests; asks who calls at each look-up.

    Args:
        repository: all models.
        limits: how they are run.
    """

    def __init__(self, repository: Repository, limits: BatchLimits) -> None:
        super().__init__(repository, limits)
        self._all = repository
        self._visible = VisibleRepository(repository)
        self._keys: frozenset[str] = frozenset()

    def update(self) -> None:
        """As without access rules; what is remembered of requests ends with any change of names.

        An own model that does not load has no routes, and hides the shared one all the same.
        """
        before, keys = self.routes, frozenset(self._all.known)
        super().update()
        if keys != self._keys and self.routes is before:
            self.routes = dict(before)
        self._keys = keys

    def serves(self, reference: str) -> bool:
        """As without access rules, of what the caller sees."""
        permit = current_permit()
        key = visible_key(permit, reference, self._all.known)
        return permit.sees(key) and permit.names(reference) and key in self.routes

    def resolve(self, reference: str) -> ServedModel:
        """As without access rules; raises CallError also for what the caller may not or not see."""
        permit = current_permit()
        permit.require(reference)
        key = visible_key(permit, reference, self._all.known)
        seen = permit.sees(key) and permit.names(reference)
        model = self.routes.get(key)
        if model is not None and seen:
            return model
        # The same way for what is hidden and for what is not there.
        self._visible.resolve(reference)
        return super().resolve(key)
