"""What the server measures about itself; the Prometheus side is in `stubtail.metrics.collector`."""

from stubtail.metrics.recorder import ModelInfo, Recorder
from stubtail.metrics.series import ModelSnapshot, SizeTimes

__all__ = ["ModelInfo", "ModelSnapshot", "Recorder", "SizeTimes"]
