"""Waits for the processes of a server that forecast, however busy the machine is."""

import time

from stubtail_client import Client, StubtailError

PATIENCE_S = 100.0


def until_it_forecasts(address: str) -> None:
    """Asks until there is an answer: the first call starts processes, which takes them seconds.

    One long call would not do: the server at this address bounds the time that a call may have.
    """
    end_s = time.monotonic() + PATIENCE_S
    with Client(address) as client:
        while True:
            try:
                client.forecast([1.0, 2.0, 3.0, 4.0] * 8, 1, timeout=20.0)
            except StubtailError:
                if time.monotonic() > end_s:
                    raise
            else:
                return
