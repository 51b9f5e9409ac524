"""Both clients have the same methods with the same arguments, from one list each."""

import inspect
from typing import Any

import pytest

from stubtail_client import AsyncClient, Client

NAMES = (
    *("score", "score_models", "models", "model", "health", "decide", "forecast"),
    *("detect", "detect_series", "watch"),
    *("chat", "chat_stream", "embed", "language_models", "providers"),
)


@pytest.mark.parametrize("name", NAMES)
def test_both_clients_take_the_same_arguments(name: str) -> None:
    """Names, kinds, defaults and documentation."""
    ours: Any = getattr(Client, name)
    theirs: Any = getattr(AsyncClient, name)
    assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters
    assert next(iter(inspect.signature(ours).parameters)) == "self"
    assert ours.__doc__ == theirs.__doc__
    assert ours.__name__ == name
    streams = name in {"chat_stream", "watch"}
    assert inspect.iscoroutinefunction(theirs) != streams
    assert not inspect.iscoroutinefunction(ours)


def test_what_comes_back_is_told() -> None:
    """Not the call that is prepared."""
    told = {name: inspect.signature(getattr(Client, name)).return_annotation for name in NAMES}
    assert told["score"].__name__ == "Scores"
    assert told["detect"].__name__ == "RowAnomalies"
    assert told["watch"].__name__ == "WatchStream"
    assert told["chat"].__name__ == "ChatAnswer"
    assert told["chat_stream"].__name__ == "ChatStream"
    assert told["embed"].__name__ == "Embeddings"
    assert told["decide"].__name__ == "Decision"
