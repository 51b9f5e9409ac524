"""LlmService where a provider is configured; where none is, there is no such service.

What needs httptools is imported only in the first case: a server without providers starts without
it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stubtail import __version__
from stubtail.config import Settings, provider_keys, with_local
from stubtail.endpoints.method import ServerStream, Unary
from stubtail.endpoints.part import Part
from stubtail.metrics.llm import CallNumbers, UpstreamNumbers
from stubtail.v1 import llm_pb2


class LlmPart(Part):
    """The proxy to language models as one part of a server, perhaps an empty one.

    Args:
        settings: all settings.
        clock: monotonic seconds.
        traces: makes spans; None for none.

    Raises:
        ModuleNotFoundError: a provider is configured, and the extra `llm` is not installed.
        ValueError: the key of a provider cannot be read any more.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float], traces: Any = None) -> None:
        self._proxy: Any = None
        self._methods: list[Unary | ServerStream] = []
        self._local: Any = None
        self._guard: Any = None
        llm = with_local(settings.llm, settings.llm_local)
        settings = replace(settings, llm=llm)
        if llm.providers:
            from stubtail.endpoints.llm import LlmEndpoint  # noqa: PLC0415 - see above
            from stubtail.llm.guard import Guard  # noqa: PLC0415 - see above
            from stubtail.llm.proxy import Proxy  # noqa: PLC0415 - see above

            keys = provider_keys(settings)
            self._guard = Guard(settings, clock)
            agent = f"stubtail/{__version__}"
            self._proxy = Proxy(llm, keys, agent, clock, hooks=self._guard.hooks(traces))
            if settings.llm_local.enabled:
                from stubtail.llm.local import local_models  # noqa: PLC0415 - see above

                self._local = local_models(settings, self._proxy.upstreams, clock)
            self._methods = LlmEndpoint(self._proxy, llm.caller_timeout_ms / 1e3).methods()
            self.services = ("stubtail.v1.LlmService",)
            self.descriptors = (llm_pb2.DESCRIPTOR,)

    @property
    def in_flight(self) -> int:
        """Calls that are not answered yet."""
        return self._proxy.in_flight if self._methods else 0

    def numbers(self) -> list[UpstreamNumbers]:
        """What metrics tell of the upstreams; any thread."""
        return self._proxy.numbers() if self._methods else []

    def register(self, registry: Any) -> None:
        """Adds the metrics of limits, cache and redaction to those of the server."""
        if self._guard is not None:
            from stubtail.metrics.llm_guard import GuardCollector  # noqa: PLC0415 - see above

            registry.register(GuardCollector(self._guard.numbers))

    def call_numbers(self) -> list[CallNumbers]:
        """What metrics tell of the calls; any thread."""
        return self._proxy.call_numbers() if self._methods else []

    def methods(self) -> list[Unary | ServerStream]:
        """All methods."""
        return self._methods

    async def start(self) -> None:
        """Makes the pool of connections, and starts the local models where there are some."""
        if self._methods:
            await self._proxy.start()
        if self._local is not None:
            await self._local.start()

    def refuse(self) -> None:
        """From now on every new call is answered with UNAVAILABLE; accepted ones go on."""
        if self._methods:
            self._proxy.refuse()

    async def aclose(self) -> None:
        """Closes all connections to providers."""
        if self._methods:
            await self._proxy.aclose()
        if self._local is not None:
            await self._local.aclose()
