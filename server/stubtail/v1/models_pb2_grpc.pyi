"""The types of the services of stubtail/v1/models.proto. Written by proto/generate.py; do not edit."""

from typing import Any

class ModelServiceStub:
    ListModels: Any
    GetModel: Any
    def __init__(self, channel: Any) -> None: ...

class ModelServiceServicer:
    def ListModels(self, request: Any, context: Any) -> Any: ...
    def GetModel(self, request: Any, context: Any) -> Any: ...

def add_ModelServiceServicer_to_server(servicer: Any, server: Any) -> None: ...
