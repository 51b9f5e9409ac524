"""The async client: the twin of `client`, on grpc.aio."""

from stubtail_client.async_calls import AsyncCalls
from stubtail_client.catalogue import CatalogueAsync
from stubtail_client.chat import ChatsAsync
from stubtail_client.decide import DecidesAsync
from stubtail_client.detect import DetectsAsync
from stubtail_client.forecast import ForecastsSeriesAsync
from stubtail_client.score import ScoringsAsync
from stubtail_client.watch import WatchesAsync


class AsyncClient(
    ScoringsAsync,
    CatalogueAsync,
    DecidesAsync,
    ForecastsSeriesAsync,
    ChatsAsync,
    DetectsAsync,
    WatchesAsync,
    AsyncCalls,
):
    """Calls a stubtail server from asyncio. It belongs to the event loop of its first call.

    Arguments, results and errors are those of `Client`. A task that is cancelled cancels its call
    on the server, and the CancelledError goes on.
    """
