"""The types of the services of stubtail/v1/decision.proto. Written by proto/generate.py; do not edit."""

from typing import Any

class DecisionServiceStub:
    Decide: Any
    def __init__(self, channel: Any) -> None: ...

class DecisionServiceServicer:
    def Decide(self, request: Any, context: Any) -> Any: ...

def add_DecisionServiceServicer_to_server(servicer: Any, server: Any) -> None: ...
