"""The types of the services of stubtail/v1/anomaly.proto. Written by proto/generate.py; do not edit."""

from typing import Any

class AnomalyServiceStub:
    Detect: Any
    Watch: Any
    def __init__(self, channel: Any) -> None: ...

class AnomalyServiceServicer:
    def Detect(self, request: Any, context: Any) -> Any: ...
    def Watch(self, request: Any, context: Any) -> Any: ...

def add_AnomalyServiceServicer_to_server(servicer: Any, server: Any) -> None: ...
