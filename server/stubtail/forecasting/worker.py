"""One process that forecasts: tasks come in over a socket, answers go out; ends with its parent."""

import os
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from stubtail.forecasting.task import Answer, SeriesError, Task, TooSlowError

if TYPE_CHECKING:
    from stubtail.forecasting.engine import Engine

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

    engine = Engine(time.monotonic, cached_fits_max=int(arguments[1]))
    with Connection(int(arguments[0])) as parent, suppress(EOFError, OSError):  # it has gone
        warm_up(engine, parent.recv())
        parent.send(READY)
        while True:
            number, task = parent.recv()
            parent.send((number, _answer(engine, task)))
    return 0


def _answer(engine: "Engine", task: Task) -> Answer | Exception:
    try:
        return engine.forecast(task)
    except (SeriesError, TooSlowError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - one series must not end the process
        return RuntimeError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
