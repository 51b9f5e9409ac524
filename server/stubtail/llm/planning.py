"""What one call is to be answered by: whom it asks, how often, and how long it waits; pure."""

from collections.abc import Callable, Mapping
from typing import Final

from stubtail.config import LlmSettings
from stubtail.errors import not_found
from stubtail.llm import failures
from stubtail.llm.attempts import Terms
from stubtail.llm.hooks import Caller, Request, Span
from stubtail.llm.reader import Patience
from stubtail.llm.routing import NO_WISHES, Alias, Plan, Router, UnknownModelError, Wishes
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2

STRATEGIES: Final = {
    llm_pb2.ROUTING_STRATEGY_PRIORITY: "priority",
    llm_pb2.ROUTING_STRATEGY_WEIGHTED: "weighted",
    llm_pb2.ROUTING_STRATEGY_LOWEST_TTFT: "lowest_ttft",
    llm_pb2.ROUTING_STRATEGY_LEAST_BUSY: "least_busy",
    llm_pb2.ROUTING_STRATEGY_LOWEST_COST: "lowest_cost",
}
# Of requests and settings alike, in the order of Patience.
TIMEOUTS: Final = ("connect_timeout_ms", "first_token_timeout_ms", "stall_timeout_ms")


class Planner:
    """Turns requests into terms.

    Args:
        settings: the section `llm`.
        aliases: names for several upstreams.
        router: finds and orders upstreams.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: LlmSettings,
        aliases: Mapping[str, Alias],
        router: Router[Upstream],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._aliases = aliases
        self._router = router
        self._clock = clock
        self._longest_s = [getattr(settings, name) / 1e3 for name in TIMEOUTS]

    def terms(self, request: Request, caller: Caller, span: Span | None) -> Terms:
        """Whom a request asks, how often, and how long it waits; raises CallError."""
        settings, now_s = self._settings, self._clock()
        attempts_max, waits_s, wishes = settings.attempts_max, self._longest_s, NO_WISHES
        if request.HasField("routing"):
            routing = request.routing
            if routing.HasField("max_attempts"):
                attempts_max = max(1, min(attempts_max, routing.max_attempts))
            waits_s = [_bounded(routing, name, getattr(settings, name)) for name in TIMEOUTS]
            wishes = _wishes(routing)
        connect_s, first_s, stall_s = waits_s
        until_s = now_s + settings.total_timeout_ms / 1e3
        patience = Patience(connect_s, first_s, stall_s, until_s)
        plan = self._plan(request, wishes, now_s)
        return Terms(plan, attempts_max, patience, self._hedge_s(request), caller, span)

    def _hedge_s(self, request: Request) -> float:
        """When a second upstream is asked as well; never where the model may act by tools."""
        if isinstance(request, llm_pb2.EmbedRequest) or request.tools:
            return 0.0
        if request.HasField("routing") and request.routing.HasField("hedge_after_ms"):
            return request.routing.hedge_after_ms / 1e3
        alias = self._aliases.get(request.model)
        return alias.hedge_after_s if alias is not None else 0.0

    def _plan(self, request: Request, wishes: Wishes, now_s: float) -> Plan[Upstream]:
        try:
            plan = self._router.plan(request.model, wishes, now_s)
        except UnknownModelError as error:
            message = f"no model or alias {request.model[:128]!r} is configured; see ListModels"
            raise not_found("model", request.model, "MODEL_NOT_FOUND", message) from error
        if not plan.upstreams:
            message = f"routing leaves no provider for {request.model[:128]!r}"
            raise not_found("model", request.model, "MODEL_NOT_FOUND", message)
        lacking = _lacking(plan, request)
        if lacking:
            plan = plan.only(lambda one: one.name not in lacking)
            if not plan.upstreams:
                raise failures.not_offered(lacking)
        return plan


def _wishes(routing: llm_pb2.Routing) -> Wishes:
    return Wishes(
        only=tuple(routing.only),
        ignore=tuple(routing.ignore),
        order=tuple(routing.order),
        strategy=STRATEGIES.get(routing.strategy, ""),
        fallback=routing.allow_fallback if routing.HasField("allow_fallback") else True,
    )


def _lacking(plan: Plan[Upstream], request: Request) -> dict[str, str]:
    """Upstreams that do not offer a field that the request has: the field by their names."""
    found: dict[str, str] = {}
    known: dict[str, str] = {}  # by dialect: it is the same for all that speak it
    for one in (*plan.upstreams, *plan.on_context, *plan.on_content):
        dialect = one.origin.dialect
        if isinstance(request, llm_pb2.EmbedRequest):
            lacks = "" if dialect.embed_path else "inputs"
        else:
            if dialect.name not in known:
                known[dialect.name] = dialect.lacks(request)
            lacks = known[dialect.name] or one.origin.lacks(request)
        if lacks:
            found[one.name] = lacks
    return found


def _bounded(routing: llm_pb2.Routing, field: str, most_ms: int) -> float:
    """The time that a call wants, at most the one of the settings, in seconds."""
    wanted_ms = getattr(routing, field) if routing.HasField(field) else most_ms
    return float(min(wanted_ms, most_ms)) / 1e3
