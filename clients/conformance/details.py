"""The statuses of scripts, with their details, as a server sends them."""

from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

STATUS = {code.name: code for code in grpc.StatusCode}


def trailing_metadata(act: dict[str, Any]) -> tuple[tuple[str, str | bytes], ...]:
    """What goes with a status: the details, and when to come back."""
    trailing: list[tuple[str, str | bytes]] = []
    details: list[Any] = []
    if "reason" in act:
        details.append(
            error_details_pb2.ErrorInfo(
                reason=act["reason"], domain="stubtail", metadata=act.get("metadata", {})
            )
        )
    if "pushback_ms" in act:
        trailing.append(("grpc-retry-pushback-ms", str(act["pushback_ms"])))
    retry_ms = act.get("retry_info_ms", act.get("pushback_ms", -1))
    if retry_ms >= 0:
        delay = Duration()
        delay.FromMilliseconds(retry_ms)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if "violations" in act:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=name, description=text)
                    for name, text in act["violations"].items()
                ]
            )
        )
    if "resource" in act:
        details.append(
            error_details_pb2.ResourceInfo(
                resource_type="stubtail.model", resource_name=act["resource"]
            )
        )
    status = status_pb2.Status(
        code=STATUS[act["status"]].value[0], message=act.get("message", "scripted")
    )
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    if details:
        trailing.append(("grpc-status-details-bin", status.SerializeToString()))
    return tuple(trailing)
