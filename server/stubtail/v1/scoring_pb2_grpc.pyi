"""The types of the services of stubtail/v1/scoring.proto. Written by proto/generate.py; do not edit."""

from typing import Any

class ScoringServiceStub:
    Score: Any
    def __init__(self, channel: Any) -> None: ...

class ScoringServiceServicer:
    def Score(self, request: Any, context: Any) -> Any: ...

def add_ScoringServiceServicer_to_server(servicer: Any, server: Any) -> None: ...
