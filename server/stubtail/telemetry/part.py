"""Traces where the settings ask for them; where they do not, nothing of them is imported."""

import asyncio
from functools import partial
from typing import Any

from stubtail.config import TracingSettings
from stubtail.endpoints.part import Part


class TracingPart(Part):
    """Spans of calls as one part of a server, perhaps an empty one.

    Attributes:
        traces: makes the spans; None where there are none, so that a call costs a comparison.

    Raises:
        ModuleNotFoundError: they are on, and the extra `otel` is not installed.
    """

    def __init__(self, settings: TracingSettings) -> None:
        self.traces: Any = None
        if settings.enabled:
            from stubtail.telemetry.traces import Traces  # noqa: PLC0415 - see above

            self.traces = Traces(settings)

    def native_kind(self) -> Any:
        """The class of the fast transport, with traces or without."""
        if self.traces is None:
            from stubtail.transport.native import NativeTransport  # noqa: PLC0415 - it is optional

            return NativeTransport
        from stubtail.transport.native_traced import TracedNativeTransport  # noqa: PLC0415 - as above

        return partial(_traced, TracedNativeTransport, self.traces)

    async def aclose(self) -> None:
        """Sends the spans that wait."""
        if self.traces is not None:
            await asyncio.to_thread(self.traces.close)


def _traced(kind: Any, traces: Any, *arguments: Any) -> Any:
    transport = kind(*arguments)
    transport.traces = traces
    return transport
