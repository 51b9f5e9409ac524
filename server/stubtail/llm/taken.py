"""A call as what stands around it sees it: counted, edited, traced, and its share set aside."""

from collections.abc import Callable
from typing import Final, Generic, Self, TypeVar

from stubtail.errors import CallError, Code, draining
from stubtail.llm.attempts import Attempts, Terms
from stubtail.llm.call_numbers import CallBook
from stubtail.llm.hooks import Booking, Caller, Hooks, Span
from stubtail.llm.planning import Planner
from stubtail.v1 import llm_pb2

BUSY_RETRY_S: Final = 0.5
Asked = TypeVar("Asked", llm_pb2.ChatRequest, llm_pb2.EmbedRequest)
Call = TypeVar("Call", bound=Attempts)


class Around:
    """What stands around all calls.

    Args:
        calls_max: how many may be open.
        planner: says how a call is to be answered.
        hooks: limits, an edit, spans.
        clock: monotonic seconds.
        book: notes what each took.

    Attributes:
        in_flight: the calls that are open.
        refusing: new ones are answered with UNAVAILABLE.
    """

    def __init__(
        self,
        calls_max: int,
        planner: Planner,
        hooks: Hooks,
        clock: Callable[[], float],
        book: CallBook,
    ) -> None:
        self.planner = planner
        self.hooks = hooks
        self.clock = clock
        self.book = book
        self.in_flight = 0
        self.refusing = False
        self._calls_max = calls_max

    def enter(self) -> None:
        """Counts a call; raises CallError where there is no room for it."""
        if self.refusing:
            raise draining()
        most = self._calls_max
        if self.in_flight >= most:
            raise CallError(
                Code.RESOURCE_EXHAUSTED,
                "TOO_MANY_STREAMS",
                f"{most} calls to language models are open already (setting llm.calls_max)",
                metadata={"limit": str(most)},
                retry_after_s=BUSY_RETRY_S,
            )
        self.in_flight += 1


class Taken(Generic[Asked]):
    """One call, within a `with`: whatever was taken for it is given back at its end.

    Args:
        around: what stands around it.
        operation: chat or embeddings.
        request: has been checked.
        caller: who calls.

    Attributes:
        request: as it is to be sent.
        end: how it ended, once that is known.
    """

    __slots__ = (
        *("_around", "_arrived_s", "_booking", "_call", "_caller", "_operation", "_span"),
        *("end", "request"),
    )

    def __init__(self, around: Around, operation: str, request: Asked, caller: Caller) -> None:
        self._around = around
        self._operation = operation
        self._caller = caller
        self._arrived_s = 0.0
        self._booking: Booking | None = None
        self._call: Attempts | None = None
        self._span: Span | None = None
        self.request: Asked = request
        self.end: llm_pb2.ChatEnd | None = None

    def __enter__(self) -> Self:
        """Raises CallError where it is refused."""
        around = self._around
        around.enter()
        self._arrived_s = around.clock()
        try:
            hooks = around.hooks
            if hooks.edit is not None:
                self.request = hooks.edit(self.request)
            if hooks.begin_span is not None:
                self._span = hooks.begin_span(self._operation, self._caller, self.request)
            if hooks.limits is not None:
                self._booking = hooks.limits.admit(self._caller, self.request, around.clock())
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Settles everything."""
        around = self._around
        around.in_flight -= 1
        now_s = around.clock()
        spent_s = now_s - self._arrived_s
        around.book.note(self._operation, self.request.model, spent_s, self.end)
        if self._booking is not None:
            self._booking.settle(self._call.used if self._call is not None else [], now_s)
        if self._span is not None:
            self._span.end(self.end, error if isinstance(error, CallError) else None)

    def terms(self) -> Terms:
        """How it is to be answered; raises CallError."""
        return self._around.planner.terms(self.request, self._caller, self._span)

    def begin(self, call: Call) -> Call:
        """Remembers the call, for what it will have used."""
        self._call = call
        return call
