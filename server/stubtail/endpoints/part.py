"""A family of RPCs as the rest of the server sees it: what it offers, and its life."""

from collections.abc import Sequence
from typing import Any

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.method import BidiStream, Immediate, ServerStream, Unary


class Part:
    """One family of RPCs. A part overrides what it has; the defaults are those of a part with none.

    The constructor stores, `start` acts before the port opens, `refuse` begins the drain, `aclose`
    undoes `start`.
    """

    services: tuple[str, ...] = ()
    """The names of its services, for health."""

    descriptors: Sequence[Any] = ()
    """The files of its services, for reflection."""

    @property
    def in_flight(self) -> int:
        """Calls that wait outside the lane and are not answered yet: the drain waits for them."""
        return 0

    def lane_methods(self) -> Sequence[LaneMethod]:
        """The methods that run on the lane."""
        return ()

    def methods(self) -> Sequence[Immediate | Unary | ServerStream | BidiStream]:
        """All other methods."""
        return ()

    async def start(self) -> None:
        """Opens what the methods need."""

    def register(self, registry: Any) -> None:
        """Adds its metrics to a `prometheus_client.CollectorRegistry`."""
        del registry

    def models_changed(self) -> None:
        """Other versions are live than before; on the event loop."""

    def refuse(self) -> None:
        """From now on every new call is answered with UNAVAILABLE; accepted ones go on."""

    async def aclose(self) -> None:
        """Closes what `start` opened."""
