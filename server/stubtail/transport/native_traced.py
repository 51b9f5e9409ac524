"""The fast transport where traces are on: jobs and calls whose callers want a span get one."""

from typing import Any

from stubtail.errors import CallError
from stubtail.lane.job import Job, Trailing
from stubtail.telemetry.propagation import traceparent_of
from stubtail.transport.native import NativeTransport


class TracedNativeTransport(NativeTransport):
    """As `NativeTransport`; `traces` must be set before `start`."""

    traces: Any = None

    def respond(self, call: int, payload: bytes, trailing: Trailing | None) -> None:
        """Answers a call, and ends its span."""
        super().respond(call, payload, trailing)
        self.traces.answered(call, 0)

    def fail(self, call: int, error: CallError) -> None:
        """Ends a call with a status, and its span."""
        super().fail(call, error)
        self.traces.answered(call, int(error.code), error.reason)

    def _decode(
        self, call: int, method: int, payload: bytes, details: Any, now: float
    ) -> Job | None:
        traceparent = traceparent_of(details[0])
        if traceparent and method >= self._first_direct:
            self.calls.traceparents[call] = traceparent
        try:
            job = super()._decode(call, method, payload, details, now)
        except BaseException:
            self.calls.traceparents.pop(call, None)  # no task will ever forget it
            raise
        if traceparent and job is not None:
            self.traces.arrived(call, traceparent, self._paths[method])
        return job

    def _cancel(self, call: int, jobs: list[Job]) -> None:
        super()._cancel(call, jobs)
        self.traces.answered(call, 1, "cancelled")
