"""The sync client."""

from stubtail_client.catalogue import Catalogue
from stubtail_client.chat import Chats
from stubtail_client.decide import Decides
from stubtail_client.detect import Detects
from stubtail_client.forecast import ForecastsSeries
from stubtail_client.score import Scorings
from stubtail_client.sync_calls import SyncCalls
from stubtail_client.watch import Watches


class Client(Scorings, Catalogue, Decides, ForecastsSeries, Chats, Detects, Watches, SyncCalls):
    """Calls a stubtail server. Threads may share one; processes may not.

    It connects with the first call and reconnects by itself. Close it, or use it by `with`.

    Args:
        server: "host:port", or "dns:///name:port". The addresses of a name take turns.
        timeout: how long a call may take, retries and the wait for a connection included, in
            seconds, where the call itself does not say. There is no way to wait for ever.
        connections: calls take turns over so many connections. The kernel gives each connection
            to one worker of the server, so that one connection uses one worker.
        part_rows_max: an input of more rows is sent in parts.
        part_bytes_max: an input that takes more bytes is sent in parts.
        wait_for_ready: whether a call waits for a connection until its timeout, which rides over
            a restart of the server; False fails at once while the server cannot be reached.
        metadata: sent with every call.
        credentials: who we are, as `Credentials` says, or those of gRPC; None sends in the clear.
        hedge_after: make an unary call a second time, on the next connection, where it has not
            been answered for so many seconds, and take the first answer. At most a tenth of the
            calls; never those of language models. A good time is the p95 of the calls.
        message_bytes_max: the largest request and reply. The server has a bound of its own for
            requests, 16 MiB by default.

    Raises:
        InvalidArgument: an argument is out of its bounds.
    """
