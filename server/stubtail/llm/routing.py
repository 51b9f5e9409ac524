"""Which upstreams a call asks, in which order; pure."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

TTFT_MEMORY_S = 300.0  # an upstream that was slow is tried again after a few times this


class Candidate(Protocol):
    """What routing needs to know of an upstream."""

    @property
    def provider(self) -> str:
        """The provider's name."""

    @property
    def name(self) -> str:
        """provider/model."""

    @property
    def weight(self) -> float:
        """Its share of the calls, above 0."""

    @property
    def in_flight(self) -> int:
        """Calls that it is answering."""

    @property
    def cost(self) -> int | None:
        """A price to compare by; None where it is not known."""

    def ttft_s(self, now_s: float) -> float:
        """Its recent time to the first content; 0 where nothing is known."""


Upstream = TypeVar("Upstream", bound=Candidate)
MOVING = frozenset({"weighted", "lowest_ttft", "least_busy"})  # these order anew for each call


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for several upstreams.

    Attributes:
        targets: their names.
        strategy: how they are ordered.
        fallback: the alias after them.
        context_fallback: the alias for requests that do not fit into their context window.
        content_fallback: the alias for requests whose content they refuse.
        hedge_after_s: when a second one is asked as well; 0 never.
    """

    targets: tuple[str, ...]
    strategy: str
    fallback: str = ""
    context_fallback: str = ""
    content_fallback: str = ""
    hedge_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a call wants; each a list of providers or provider/model."""

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    strategy: str = ""
    fallback: bool = True


@dataclass(frozen=True, slots=True)
class Plan(Generic[Upstream]):
    """Whom a call asks.

    Attributes:
        upstreams: best first.
        on_context: who is asked in their place once a request has turned out to be too long.
        on_content: who is asked in their place once its content has been refused.
    """

    upstreams: list[Upstream]
    on_context: list[Upstream] = field(default_factory=list)
    on_content: list[Upstream] = field(default_factory=list)

    def only(self, keep: Callable[[Upstream], bool]) -> "Plan[Upstream]":
        """The plan without the upstreams that are not to be asked."""
        lists = (self.upstreams, self.on_context, self.on_content)
        return Plan(*([one for one in ones if keep(one)] for ones in lists))


NO_WISHES = Wishes()


class UnknownModelError(LookupError):
    """No alias, upstream or model has that name."""


class Router(Generic[Upstream]):
    """Finds and orders upstreams.

    Args:
        upstreams: all of them, in the order of the settings.
        aliases: names for several of them.
        strategy: how those of a plain model name are ordered.
        random: 0 to 1, without 1.
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        aliases: Mapping[str, Alias],
        strategy: str,
        random: Callable[[], float],
    ) -> None:
        self._upstreams = {one.name: one for one in upstreams}
        self._aliases = aliases
        self._strategy = strategy
        self._random = random
        self._fixed: dict[str, Plan[Upstream]] = {}  # of names of the settings, so bounded

    def choose(self, model: str, wishes: Wishes, now_s: float) -> list[Upstream]:
        """The upstreams to ask, best first; empty where the wishes leave none.

        Raises:
            UnknownModelError: nothing has that name.
        """
        chosen: dict[str, Upstream] = {}
        for targets, strategy in self._tiers(model):
            allowed = [one for one in targets if _allowed(one, wishes)]
            ordered = self._ordered(allowed, wishes.strategy or strategy, now_s)
            chosen.update({one.name: one for one in ordered if one.name not in chosen})
        found = sorted(chosen.values(), key=lambda one: _rank(one, wishes.order))
        return found if wishes.fallback else found[:1]

    def plan(self, model: str, wishes: Wishes, now_s: float) -> Plan[Upstream]:
        """The upstreams to ask, and those for requests that these cannot answer.

        Raises:
            UnknownModelError: nothing has that name.
        """
        plain = wishes is NO_WISHES
        if plain and (known := self._fixed.get(model)) is not None:
            return known
        alias = self._aliases.get(model)
        first = self.choose(model, wishes, now_s)
        names = [model]
        if alias is None or not wishes.fallback:
            plan = Plan(first)
        else:
            others = (alias.context_fallback, alias.content_fallback)
            plan = Plan(first, *(self.choose(one, wishes, now_s) if one else [] for one in others))
            names += filter(None, others)
        if plain and all(self._is_fixed(one) for one in names):
            self._fixed[model] = plan
        return plan

    def _is_fixed(self, model: str) -> bool:
        """Whether the order of its upstreams is the same at any time."""
        tiers = self._tiers(model)
        return all(len(ones) < 2 or strategy not in MOVING for ones, strategy in tiers)

    def _tiers(self, model: str) -> Iterable[tuple[list[Upstream], str]]:
        """Groups of upstreams: the next is asked after all of the one before."""
        alias = self._aliases.get(model)
        if alias is None:
            pinned = self._upstreams.get(model)
            found = [pinned] if pinned else self._with_model(model)
            if not found:
                raise UnknownModelError(model)
            yield found, self._strategy
        seen: set[str] = set()
        while alias is not None and model not in seen:
            seen.add(model)
            yield [self._upstreams[name] for name in alias.targets], alias.strategy
            model = alias.fallback
            alias = self._aliases.get(model)

    def _with_model(self, model: str) -> list[Upstream]:
        return [one for one in self._upstreams.values() if one.name == f"{one.provider}/{model}"]

    def _ordered(self, found: list[Upstream], strategy: str, now_s: float) -> list[Upstream]:
        keys: dict[str, Callable[[Upstream], float]] = {
            # Efraimidis and Spirakis (2006): the order of u^(1/w) draws by weight.
            "weighted": lambda one: -((1.0 - self._random()) ** (1.0 / one.weight)),
            "lowest_ttft": lambda one: _expected_ttft_s(one, now_s),
            "least_busy": lambda one: one.in_flight / one.weight,
            "lowest_cost": lambda one: math.inf if one.cost is None else one.cost,
        }
        key = keys.get(strategy)
        return sorted(found, key=key) if key else found


def decayed(ttft_s: float, age_s: float) -> float:
    """A time to the first content as it counts later: what is long ago says little."""
    return ttft_s * math.exp(-max(0.0, age_s) / TTFT_MEMORY_S)


def _expected_ttft_s(one: Candidate, now_s: float) -> float:
    known = one.ttft_s(now_s)
    # One call finds out about an upstream of which nothing is known; others do not follow it.
    return math.inf if not known and one.in_flight else known


def _allowed(one: Candidate, wishes: Wishes) -> bool:
    return (not wishes.only or _named(one, wishes.only)) and not _named(one, wishes.ignore)


def _named(one: Candidate, names: Collection[str]) -> bool:
    return one.name in names or one.provider in names


def _rank(one: Candidate, order: Sequence[str]) -> int:
    ranks = [rank for rank, name in enumerate(order) if name in {one.name, one.provider}]
    return ranks[0] if ranks else len(order)
