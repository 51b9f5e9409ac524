"""The types of stubtail/v1/common.proto. Written by proto/generate.py; do not edit."""

from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_CRITICAL: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_MALFORMED_MESSAGE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_FIELD: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_VERSION_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_QUEUE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_DEADLINE_UNREACHABLE: _ClassVar[ErrorReason]
    ERROR_REASON_MESSAGE_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_EXPIRED_IN_QUEUE: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_LOADING: _ClassVar[ErrorReason]
    ERROR_REASON_DRAINING: _ClassVar[ErrorReason]
    ERROR_REASON_BREAKER_OPEN: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_DISABLED: _ClassVar[ErrorReason]
    ERROR_REASON_INFERENCE_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_SERVER_DEFECT: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_OFFERED: _ClassVar[ErrorReason]
    ERROR_REASON_SERVICE_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_STREAMS: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_UPSTREAM_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_ANSWER_INTERRUPTED: _ClassVar[ErrorReason]
    ERROR_REASON_ANSWER_STALLED: _ClassVar[ErrorReason]
    ERROR_REASON_ANSWER_TOO_SLOW: _ClassVar[ErrorReason]
    ERROR_REASON_UPSTREAM_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_AUTH: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDERS_BUSY: _ClassVar[ErrorReason]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_CRITICAL: Priority
PRIORITY_HIGH: Priority
PRIORITY_NORMAL: Priority
PRIORITY_LOW: Priority
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_MALFORMED_MESSAGE: ErrorReason
ERROR_REASON_INVALID_FIELD: ErrorReason
ERROR_REASON_MODEL_NOT_FOUND: ErrorReason
ERROR_REASON_VERSION_NOT_FOUND: ErrorReason
ERROR_REASON_QUEUE_FULL: ErrorReason
ERROR_REASON_DEADLINE_UNREACHABLE: ErrorReason
ERROR_REASON_MESSAGE_TOO_LARGE: ErrorReason
ERROR_REASON_EXPIRED_IN_QUEUE: ErrorReason
ERROR_REASON_MODEL_LOADING: ErrorReason
ERROR_REASON_DRAINING: ErrorReason
ERROR_REASON_BREAKER_OPEN: ErrorReason
ERROR_REASON_MODEL_DISABLED: ErrorReason
ERROR_REASON_INFERENCE_FAILED: ErrorReason
ERROR_REASON_SERVER_DEFECT: ErrorReason
ERROR_REASON_NOT_OFFERED: ErrorReason
ERROR_REASON_SERVICE_NOT_FOUND: ErrorReason
ERROR_REASON_TOO_MANY_STREAMS: ErrorReason
ERROR_REASON_MODEL_FAILED: ErrorReason
ERROR_REASON_UPSTREAM_FAILED: ErrorReason
ERROR_REASON_ANSWER_INTERRUPTED: ErrorReason
ERROR_REASON_ANSWER_STALLED: ErrorReason
ERROR_REASON_ANSWER_TOO_SLOW: ErrorReason
ERROR_REASON_UPSTREAM_REFUSED: ErrorReason
ERROR_REASON_PROVIDER_AUTH: ErrorReason
ERROR_REASON_PROVIDERS_BUSY: ErrorReason
