"""The types of the services of stubtail/v1/forecasting.proto. Written by proto/generate.py; do not edit."""

from typing import Any

class ForecastingServiceStub:
    Forecast: Any
    def __init__(self, channel: Any) -> None: ...

class ForecastingServiceServicer:
    def Forecast(self, request: Any, context: Any) -> Any: ...

def add_ForecastingServiceServicer_to_server(servicer: Any, server: Any) -> None: ...
