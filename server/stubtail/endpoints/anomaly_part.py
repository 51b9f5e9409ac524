"""AnomalyService as one part of a server: Detect on the lane and in the pool, Watch as a stream."""

from collections.abc import Callable, Sequence

from stubtail.config import Settings
from stubtail.endpoints.detect import PATH, DetectReader
from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.method import BidiStream
from stubtail.endpoints.part import Part
from stubtail.endpoints.served import ServedModels
from stubtail.endpoints.watch import WatchLimits, WatchPoints
from stubtail.v1 import anomaly_pb2


class AnomalyPart(Part):
    """Both methods of the service.

    Args:
        settings: all settings.
        models: what is served.
        waits: bounds on the time of a call.
        clock: monotonic seconds.
    """

    services = ("stubtail.v1.AnomalyService",)
    descriptors = (anomaly_pb2.DESCRIPTOR,)

    def __init__(
        self,
        settings: Settings,
        models: ServedModels,
        waits: Deadlines,
        clock: Callable[[], float],
    ) -> None:
        anomaly = settings.anomaly
        reader = DetectReader(models, anomaly.series_points_max)
        self._detect = LaneMethod(PATH, reader, models, waits)
        limits = WatchLimits(
            streams=anomaly.watch_streams_max,
            keys=anomaly.watch_keys_max,
            numbers=anomaly.watch_numbers_max,
            points=anomaly.watch_points_max,
            idle_s=anomaly.watch_idle_s,
            silent_s=anomaly.watch_silent_s,
        )
        self._watch = WatchPoints(limits, clock)

    def lane_methods(self) -> Sequence[LaneMethod]:
        """Detect."""
        return (self._detect,)

    def methods(self) -> Sequence[BidiStream]:
        """Watch."""
        return self._watch.methods()

    def refuse(self) -> None:
        """From now on no stream begins."""
        self._watch.refuse()
