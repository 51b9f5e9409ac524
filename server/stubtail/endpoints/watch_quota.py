"""How many streams of Watch there can be, and what a tenant may take of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stubtail.access.identity import current_permit
from stubtail.errors import CallError, Code
from stubtail.lane.refusals import quota_error

RETRY_S = 5.0  # streams stay; when one ends is not known


class WatchQuota:
    """Asks who calls; belongs to the event loop.

    Args:
        streams_max: at a time.
        clock: monotonic seconds, as the quotas of tenants count them.
    """

    def __init__(self, streams_max: int, clock: Callable[[], float]) -> None:
        self._streams_max = streams_max
        self._clock = clock
        self._held: Counter[str] = Counter()  # streams, by tenant

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for a stream.

        A tenant has its share of them as it has of the queue: streams stay, and a few callers of
        one tenant would keep all others out.

        Raises:
            CallError: RESOURCE_EXHAUSTED where there is none, or none more for the tenant.
        """
        most, held, account = self._streams_max, self._held, current_permit().tenant
        name = account.name if account is not None else ""
        if held.total() >= most:
            raise CallError(
                Code.RESOURCE_EXHAUSTED,
                "TOO_MANY_STREAMS",
                f"there are {most} streams of Watch already (setting anomaly.watch_streams_max)",
                metadata={"limit": str(most)},
                retry_after_s=RETRY_S,
            )
        if account is not None and held[name] >= max(int(account.queue_share * most), 1):
            share = f"{held[name]} of {most} streams of Watch, as its queue_share says"
            message = f"the tenant has its share: {share}; end one of them"
            raise quota_error(name, "QUOTA_CONCURRENCY", message, RETRY_S)
        held[name] += 1
        try:
            yield
        finally:
            held[name] -= 1
            if not held[name]:
                del held[name]

    async def message(self) -> None:
        """Waits until the tenant's rate has room for one more message.

        It is not refused: the stream would end, and with it what is known of its keys. What waits
        is not read, so that the caller is held up.
        """
        account = current_permit().tenant
        if account is None or account.rate is None:
            return
        while wait_s := account.rate.take(self._clock()):  # noqa: ASYNC110 - others take from it
            await asyncio.sleep(wait_s)
