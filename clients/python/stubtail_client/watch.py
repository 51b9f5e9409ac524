"""The method `watch` of both clients: points in, verdicts out, over one stream."""

from stubtail.v1 import anomaly_pb2
from stubtail_client.connection import WATCH_PATH
from stubtail_client.errors import InvalidArgument
from stubtail_client.methods import exchanging, exchanging_async
from stubtail_client.watch_streams import AsyncWatchStream, Opening, WatchState, WatchStream

__all__ = ["AsyncWatchStream", "WatchState", "WatchStream", "Watches", "WatchesAsync"]

WATCH_TIMEOUT_S = 86_400.0  # a stream is meant to last


def watch(
    *,
    state: WatchState | None = None,
    false_alarm_rate: float = 0.0,
    keys_max: int = 0,
    idle_seconds: float = 0.0,
    season: int = 0,
    warm_up: int = 0,
    bands: bool = False,
    timeout: float = WATCH_TIMEOUT_S,
) -> Opening:
    """Watches points of many keys as they happen: `with client.watch() as stream`.

    What is known of the keys ends with the stream; `stream.export()` before its end lets
    another one go on, on whichever server.

    Args:
        state: what an earlier stream exported; with the same season.
        false_alarm_rate: the share of usual points that is flagged all the same; 0 for 0.001.
        keys_max: the most keys, beyond which the longest unseen is forgotten; 0 for the
            server's bound.
        idle_seconds: a key that was not seen for so long is forgotten; 0 for the server's.
        season: the season length of all keys in points; 0 for none.
        warm_up: points of a key before its first verdict; 0 for 32.
        bands: whether to return what was expected of every point.
        timeout: how long the stream may last, in seconds.

    Raises:
        StubtailError: as `score`; `send` raises, too.
    """
    if state is not None and not isinstance(state, WatchState):
        raise InvalidArgument(f"state is what `export` gave, not {type(state).__name__}")
    options = anomaly_pb2.WatchOptions(
        false_alarm_rate=false_alarm_rate,
        keys_max=keys_max,
        idle_seconds=idle_seconds,
        season_length=season,
        warm_up=warm_up,
        bands=bands,
    )
    messages = [anomaly_pb2.WatchRequest(options=options).SerializeToString()]
    for piece in state.pieces if state is not None else ():
        known = anomaly_pb2.WatchState.FromString(piece)
        messages.append(anomaly_pb2.WatchRequest(state=known).SerializeToString())
    return Opening(WATCH_PATH, tuple(messages), timeout)


class Watches:
    """Adds `watch` to the sync client."""

    watch = exchanging(watch)


class WatchesAsync:
    """Adds `watch` to the async client."""

    watch = exchanging_async(watch)
