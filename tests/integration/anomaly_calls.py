"""What the tests of AnomalyService share: a server with tight bounds, and requests to it."""

import shutil
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from stubtail.v1 import anomaly_pb2 as pb
from stubtail_client import Client
from tests import model_files
from tests.integration.calls import TIMEOUT_S, call
from tests.server_process import ServerProcess

DETECT = "/stubtail.v1.AnomalyService/Detect"
WATCH = "/stubtail.v1.AnomalyService/Watch"


def watchful_server(transport: str, folder: Path, shipped: Path) -> ServerProcess:
    """A server with the shipped model of anomalies and one of scores, not started yet."""
    for name in ("anomaly", "churn"):
        shutil.copytree(shipped / name, folder / name)
    model_files.write_model(folder / "affine" / "1", model_files.affine())
    options = ("anomaly.series_points_max=5000", "anomaly.watch_points_max=500")
    more = ("anomaly.watch_keys_max=300", "anomaly.watch_streams_max=2")
    words = [word for option in (*options, *more) for word in ("--set", option)]
    return ServerProcess(folder, transport, *words)


def of_series(*values: Any, **options: Any) -> pb.DetectRequest:
    """A request with series of these values."""
    rate = options.pop("rate", 0.0)
    made = [pb.DetectSeries(name=f"s{at}", values=one) for at, one in enumerate(values)]
    return pb.DetectRequest(
        false_alarm_rate=rate, series=pb.DetectSeriesInput(series=made, **options)
    )


def detect(channel: grpc.Channel, request: pb.DetectRequest) -> pb.DetectResponse:
    """The answer."""
    return pb.DetectResponse.FromString(call(channel, DETECT, request))


def noise(count: int = 300, seed: int = 0) -> np.ndarray:
    """Normal values."""
    return np.random.default_rng(seed).normal(size=count)


def usual_row(watchful: ServerProcess) -> np.ndarray:
    """The middle of all ranges, but no voice mail: float32 [1, 15]."""
    with Client(watchful.address, timeout=TIMEOUT_S) as client:
        features = client.model("anomaly").features
    middle = [((one.minimum or 0) + (one.maximum or 0)) / 2 for one in features]
    middle[1] = 0
    return np.array([middle], np.float32)


def points(*keys: str, values: Any) -> pb.WatchRequest:
    """One message."""
    return pb.WatchRequest(points=pb.WatchPoints(keys=keys, values=values))
