"""One process that forecasts: tasks come in over a socket, answers go out; ends with its parent."""

import os
import signal
import sys
import time
from multiprocessing.connection import Connection

from stubtail.forecasting.task import Answer, SeriesError, TooSlowError

READY = "ready"


def main(arguments: list[str]) -> int:
    """Serves tasks until the socket closes.

    Args:
        arguments: the number of the socket's descriptor, and the most fits to keep.
    """
    # A terminal's Ctrl-C goes to the whole group; the parent ends this process when it has drained.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Background work of a machine that serves: the lane goes first when cores are short.
    os.nice(2)
    from stubtail.forecasting.engine import Engine  # noqa: PLC0415 - numpy takes a while
    from stubtail.forecasting.warm_up import warm_up  # noqa: PLC0415 - as above

    with Connection(int(arguments[0])) as parent:
        engine = Engine(time.monotonic, cached_fits_max=int(arguments[1]))
        try:
            graphs = parent.recv()
        except (EOFError, OSError):
            return 0
        warm_up(engine, graphs)
        parent.send(READY)
        while True:
            try:
                number, task = parent.recv()
            except (EOFError, OSError):
                return 0
            answer: Answer | Exception
            try:
                answer = engine.forecast(task)
            except (SeriesError, TooSlowError) as error:
                answer = error
            except Exception as error:  # noqa: BLE001 - one series must not end the process
                answer = RuntimeError(f"{type(error).__name__}: {error}")
            parent.send((number, answer))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
