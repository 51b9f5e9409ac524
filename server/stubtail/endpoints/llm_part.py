"""LlmService where a provider is configured; where none is, there is no such service.

Everything that needs aiohttp is imported only in the first case: a server without providers starts
without it.
"""

from collections.abc import Callable
from typing import Any

from stubtail import __version__
from stubtail.config import Settings, provider_keys
from stubtail.endpoints.method import ServerStream, Unary
from stubtail.endpoints.part import Part
from stubtail.metrics.llm import UpstreamNumbers
from stubtail.v1 import llm_pb2


class LlmPart(Part):
    """The proxy to language models as one part of a server, perhaps an empty one.

    Args:
        settings: all settings.
        clock: monotonic seconds.

    Raises:
        ModuleNotFoundError: a provider is configured, and the extra `llm` is not installed.
        ValueError: the key of a provider cannot be read any more.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._proxy: Any = None
        self._methods: list[Unary | ServerStream] = []
        if settings.llm.providers:
            from stubtail.endpoints.llm import LlmEndpoint  # noqa: PLC0415 - see above
            from stubtail.llm.proxy import Proxy  # noqa: PLC0415 - see above

            keys = provider_keys(settings)
            self._proxy = Proxy(settings.llm, keys, f"stubtail/{__version__}", clock)
            self._methods = LlmEndpoint(self._proxy).methods()
            self.services = ("stubtail.v1.LlmService",)
            self.descriptors = (llm_pb2.DESCRIPTOR,)

    @property
    def in_flight(self) -> int:
        """Calls that are not answered yet."""
        return self._proxy.in_flight if self._methods else 0

    def numbers(self) -> list[UpstreamNumbers]:
        """What metrics tell of the upstreams; any thread."""
        return self._proxy.numbers() if self._methods else []

    def methods(self) -> list[Unary | ServerStream]:
        """All methods."""
        return self._methods

    async def start(self) -> None:
        """Makes the pool of connections."""
        if self._methods:
            await self._proxy.start()

    def refuse(self) -> None:
        """From now on every new call is answered with UNAVAILABLE; accepted ones go on."""
        if self._methods:
            self._proxy.refuse()

    async def aclose(self) -> None:
        """Closes all connections to providers."""
        if self._methods:
            await self._proxy.aclose()
