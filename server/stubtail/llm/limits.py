"""What somebody may take in a minute or a day: set aside before, settled after; pure.

A limit holds in every span of its length, not only from one full minute to the next: amounts count
in slots of a sixtieth of the span, and a slot is forgotten only when all of it is older than the
span. Memory is bounded by the slots, and when there is room again is known.

Everything happens in one step without waiting, so that calls at the same time cannot share what is
left. The time is passed in: monotonic seconds.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
SLOTS: Final = 60
BUSY_WAIT_S: Final = 1.0  # a call ends at some time; nobody knows when
LOOKED_AT_MAX: Final = 8  # callers looked at for one that can be forgotten


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one may take; 0 is no limit. Money in billionths of a US dollar."""

    concurrency: int = 0
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    nano_usd_per_day: int = 0

    def __bool__(self) -> bool:
        return any(
            (
                self.concurrency,
                self.requests_per_minute,
                self.tokens_per_minute,
                self.nano_usd_per_day,
            )
        )


@dataclass(frozen=True, slots=True)
class Amount:
    """What a call may take, or has taken."""

    tokens: int = 0
    nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why nothing was set aside.

    Attributes:
        limit: the field of Allowance that does not allow it.
        allowed: its value.
        wanted: what the call wants of it.
        wait_s: until there may be room; infinite where the call alone is above the limit.
    """

    limit: str
    allowed: int
    wanted: int
    wait_s: float


class Window:
    """At most `limit` in any `span_s` seconds; a limit of 0 allows everything and counts nothing.

    Args:
        limit: whole units.
        span_s: seconds.
    """

    __slots__ = ("_amounts", "_slot_s", "limit", "used")

    def __init__(self, limit: int, span_s: float) -> None:
        self.limit = limit
        self.used = 0
        self._slot_s = span_s / SLOTS
        self._amounts: dict[int, int] = {}  # by slot, oldest first

    def wait_s(self, amount: int, now_s: float) -> float:
        """Seconds until `amount` fits; 0 where it does now, infinite where it never will."""
        if not self.limit:
            return 0.0
        self.forget(now_s)
        if self.used + amount <= self.limit:
            return 0.0
        left = self.used
        for slot, taken in self._amounts.items():
            left -= taken
            if left + amount <= self.limit:
                return (slot + SLOTS + 1) * self._slot_s - now_s
        return math.inf

    def add(self, amount: int, now_s: float) -> int:
        """Counts an amount, whether or not it fits; the slot that it is in."""
        slot = int(now_s // self._slot_s)
        if self.limit:
            self._amounts[slot] = self._amounts.get(slot, 0) + amount
            self.used += amount
        return slot

    def change(self, slot: int, difference: int) -> None:
        """Corrects what was counted in a slot; nothing where that is forgotten."""
        if slot in self._amounts:
            self._amounts[slot] += difference
            self.used += difference

    def forget(self, now_s: float) -> None:
        """Lets go of what is older than the span."""
        oldest = int(now_s // self._slot_s) - SLOTS
        while self._amounts:
            slot = next(iter(self._amounts))
            if slot >= oldest:
                return
            self.used -= self._amounts.pop(slot)


class Budget:
    """What one caller, tenant or provider has taken of its allowance.

    Attributes:
        allowance: what it may take.
        in_flight: bookings that are not settled.
    """

    __slots__ = ("_money", "_requests", "_tokens", "allowance", "in_flight")

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.in_flight = 0
        self._requests = Window(allowance.requests_per_minute, MINUTE_S)
        self._tokens = Window(allowance.tokens_per_minute, MINUTE_S)
        self._money = Window(allowance.nano_usd_per_day, DAY_S)

    def book(self, amount: Amount, now_s: float) -> "Booked | Shortage":
        """Sets aside a request of this amount, or nothing at all where one limit forbids it."""
        short = self.shortage(amount, now_s)
        if short is not None:
            return short
        self.in_flight += 1
        self._requests.add(1, now_s)
        slots = self._tokens.add(amount.tokens, now_s), self._money.add(amount.nano_usd, now_s)
        return Booked(self, amount, slots)

    def shortage(self, amount: Amount, now_s: float) -> Shortage | None:
        """Which limit forbids a request of this amount; the longest one to wait for."""
        allowance = self.allowance
        if allowance.concurrency and self.in_flight >= allowance.concurrency:
            return Shortage("concurrency", allowance.concurrency, 1, BUSY_WAIT_S)
        short: Shortage | None = None
        for name, window, wanted in (
            ("requests_per_minute", self._requests, 1),
            ("tokens_per_minute", self._tokens, amount.tokens),
            ("nano_usd_per_day", self._money, amount.nano_usd),
        ):
            wait_s = window.wait_s(wanted, now_s)
            if wait_s and (short is None or wait_s > short.wait_s):
                short = Shortage(name, window.limit, wanted, wait_s)
        return short

    def used(self, now_s: float) -> tuple[int, int, int]:
        """Requests and tokens of the last minute, money of the last day, as far as limited."""
        for window in (self._requests, self._tokens, self._money):
            window.forget(now_s)
        return self._requests.used, self._tokens.used, self._money.used

    def is_blank(self, now_s: float) -> bool:
        """Whether it may be forgotten: nothing is in flight, and nothing counts any more."""
        return not self.in_flight and not any(self.used(now_s))

    def correct(self, slots: tuple[int, int], booked: Amount, taken: Amount) -> None:
        """Replaces what was set aside in these slots by what was taken."""
        self._tokens.change(slots[0], taken.tokens - booked.tokens)
        self._money.change(slots[1], taken.nano_usd - booked.nano_usd)


class Booked:
    """An amount that is set aside. `settle` once; later ones change nothing."""

    __slots__ = ("_budget", "_slots", "amount")

    def __init__(self, budget: Budget, amount: Amount, slots: tuple[int, int]) -> None:
        self._budget: Budget | None = budget
        self._slots = slots
        self.amount = amount

    def settle(self, taken: Amount) -> None:
        """What it really took. The request itself stays counted: it was made."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget.in_flight -= 1
            budget.correct(self._slots, self.amount, taken)


class Budgets:
    """The budgets of callers, as many as there is room for.

    Those beyond share one for each allowance, of which there are as many as the settings have.

    Args:
        allowances: of callers with one of their own.
        default: of everybody else.
        callers_max: how many budgets are kept.
    """

    def __init__(
        self, allowances: dict[str, Allowance], default: Allowance, callers_max: int
    ) -> None:
        self._allowances = allowances
        self._default = default
        self._callers_max = callers_max
        self._budgets: OrderedDict[tuple[str, str], Budget] = OrderedDict()
        self._shared: dict[Allowance, Budget] = {}

    def __len__(self) -> int:
        return len(self._budgets)

    def of(self, caller: str, now_s: float, tenant: str = "") -> Budget | None:
        """The budget of a caller of a tenant; None where nothing limits it."""
        allowance = self._allowances.get(caller, self._default)
        if not allowance:
            return None
        key = (tenant, caller)
        budget = self._budgets.get(key)
        if budget is not None:
            self._budgets.move_to_end(key)
            return budget
        if len(self._budgets) >= self._callers_max and not self._forget_one(now_s):
            # Forgetting somebody who still counts would give that one a fresh allowance.
            return self._shared.setdefault(allowance, Budget(allowance))
        budget = self._budgets[key] = Budget(allowance)
        return budget

    def _forget_one(self, now_s: float) -> bool:
        for name, budget in list(self._oldest()):
            if budget.is_blank(now_s):
                del self._budgets[name]
                return True
        return False

    def _oldest(self) -> list[tuple[tuple[str, str], Budget]]:
        found = []
        for item in self._budgets.items():
            found.append(item)
            if len(found) == LOOKED_AT_MAX:
                break
        return found
