"""The settings of traces."""

from dataclasses import dataclass
from typing import Annotated

from stubtail.config.rules import Rule


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """Spans of calls for OpenTelemetry; needs the extra `otel`."""

    enabled: Annotated[
        bool, Rule("make spans and send them", why="off: not even imported, and costs nothing")
    ] = False
    endpoint: Annotated[
        str, Rule("where OTLP over HTTP is taken", why="a collector on this machine, by default")
    ] = "http://127.0.0.1:4318/v1/traces"
    service_name: Annotated[
        str, Rule("what this service is called there", why="tells it from others")
    ] = "stubtail"
    sample_ratio: Annotated[
        float,
        Rule(
            "share of the calls to language models without a traceparent that get a span",
            0,
            1,
            why="a caller that sends one decides itself",
        ),
    ] = 1.0
    queue_max: Annotated[
        int, Rule("most spans waiting", 1, 1_000_000, why="a collector that is away costs memory")
    ] = 2048
