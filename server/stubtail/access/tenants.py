"""Which models are whose, and what each tenant may take; pure but for the counts of its quotas."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stubtail.access.rate import Cells, Rate
from stubtail.access.scopes import NAME_CHARACTERS_MAX, matches
from stubtail.lane.priority import PRIORITIES
from stubtail.lane.tenant import Tenant

DEFAULT: Final = "default"  # the entry for tenants that have none of their own
TENANTS_MAX: Final = 4096  # with accounts at a time; tokens can name any number
NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
NAMES_MAX: Final = 4096  # of models whose owner is remembered; callers choose the names


@dataclass(frozen=True, slots=True)
class TenantRules:
    """What one tenant may have.

    Attributes:
        models: patterns of the models that are its own; all others are shared.
        calls_per_s: 0 is no bound.
        burst: calls at once before the rate counts.
        concurrency: most calls at work at a time; 0 is no bound.
        queue_share: the most of all waiting places.
        weight: its part of a contended lane.
        urgency: its most urgent class, 0 critical to 3 low.
    """

    models: Sequence[str] = ()
    calls_per_s: float = 0.0
    burst: int = 1
    concurrency: int = 0
    queue_share: float = 0.5
    weight: float = 1.0
    urgency: int = 0


class Account(Tenant):
    """A tenant with its quotas.

    Attributes:
        rate: how many calls it may make; None for any number.
        classes: for each priority that a call may ask for, the one that it gets.
    """

    __slots__ = ("classes", "rate")

    def __init__(
        self, name: str, index: int, rules: TenantRules, cells: Cells | None = None, cell: int = 0
    ) -> None:
        super().__init__(
            name,
            index,
            weight=rules.weight,
            queue_share=rules.queue_share,
            work_max=rules.concurrency or 1 << 30,
        )
        self.rate: Rate | None = None
        if rules.calls_per_s:
            self.rate = Rate(rules.calls_per_s, rules.burst, cells, cell)
        self.classes = tuple(max(priority, rules.urgency) for priority in PRIORITIES)


class Tenancy:
    """All tenants: whose a model is, and the account of each.

    Args:
        rules: by name; the entry "default" is for those that have none.
        cells: one for each of the rules, where workers share the rates of these tenants.

    Attributes:
        separate: whether there are tenants at all, so that what is shared is the operator's. There
            are where rules or callers name one; it may be set while calls are made.
    """

    def __init__(self, rules: Mapping[str, TenantRules], cells: Cells | None = None) -> None:
        self._rules = rules
        self._cells = cells
        self._cell_of = {name: index for index, name in enumerate(sorted(rules))}
        self._accounts: dict[str, Account] = {}
        self._owned = [(pattern, tenant) for tenant, one in rules.items() for pattern in one.models]
        self._owners: dict[str, str] = {}
        self._separate = bool(rules)

    @property
    def separate(self) -> bool:
        """See the attributes; alone, nobody is held to a share of the queue."""
        return self._separate

    @separate.setter
    def separate(self, separate: bool) -> None:
        self._separate = separate
        for name, account in list(self._accounts.items()):
            account.queue_share = self._share(name)

    def owner(self, model: str) -> str:
        """The tenant that the model of this key is private to; "" for a shared one.

        What lies in a tenant's folder is its own; else the patterns say it. No model has a key of
        more than 193 characters, and none is remembered.
        """
        tenant, folder, _ = model.rpartition("/")
        if folder or not model:
            return tenant
        if len(model) > NAME_CHARACTERS_MAX:
            return ""
        owner = self._owners.get(model)
        if owner is None:
            owner = next((t for pattern, t in self._owned if matches(pattern, model)), "")
            if len(self._owners) >= NAMES_MAX:
                self._owners.clear()
            self._owners[model] = owner
        return owner

    def account(self, name: str) -> Account:
        """The account of a tenant; beyond 4,096 of them, newcomers share one."""
        account = self._accounts.get(name)
        if account is None:
            if len(self._accounts) >= TENANTS_MAX:
                name = ""
                if name in self._accounts:
                    return self._accounts[name]
            rules = self._rules_of(name)
            cells, cell = self._cells, self._cell_of.get(name)
            if cells is None or cell is None:
                cells, cell = None, 0
            account = Account(name, len(self._accounts), rules, cells, cell)
            # Two threads may come here together, and one tenant has one account.
            account = self._accounts.setdefault(name, account)
            account.queue_share = self._share(name)
        return account

    def _rules_of(self, name: str) -> TenantRules:
        return self._rules.get(name) or self._rules.get(DEFAULT) or TenantRules()

    def _share(self, name: str) -> float:
        return self._rules_of(name).queue_share if self._separate else 1.0
