"""The messages of stubtail/v1/scoring.proto. Written by proto/generate.py; do not edit."""

from base64 import b64decode

from google.protobuf import descriptor_pool, message_factory

from stubtail.v1 import common_pb2 as _common_pb2  # noqa: F401

_POOL = descriptor_pool.Default()
_SERIALIZED = b64decode(
    "ChlzdHVidGFpbC92MS9zY29yaW5nLnByb3RvEgtzdHVidGFpbC52MRoYc3R1YnRhaWwvdjEvY29tbW9uLnByb3RvIqAB"
    "CgxTY29yZVJlcXVlc3QSDQoFbW9kZWwYASABKAkSJwoIcHJpb3JpdHkYAiABKA4yFS5zdHVidGFpbC52MS5Qcmlvcml0"
    "eRInCgVuYW1lZBgOIAEoCzIWLnN0dWJ0YWlsLnYxLk5hbWVkUm93c0gAEicKBWRlbnNlGA8gASgLMhYuc3R1YnRhaWwu"
    "djEuRGVuc2VSb3dzSABCBgoEcm93cyIxCglOYW1lZFJvd3MSJAoHY29sdW1ucxgBIAMoCzITLnN0dWJ0YWlsLnYxLkNv"
    "bHVtbiI4CgZDb2x1bW4SDAoEbmFtZRgBIAEoCRIPCgdudW1iZXJzGAIgAygBEg8KB3N0cmluZ3MYAyADKAkiGwoJRGVu"
    "c2VSb3dzEg4KBnZhbHVlcxgPIAMoAiJ+Cg1TY29yZVJlc3BvbnNlEg0KBW1vZGVsGAEgASgJEg8KB3ZlcnNpb24YAiAB"
    "KAkSDgoGc2NvcmVzGAMgAygCEg8KB2NsYXNzZXMYBCADKAkSFQoNcHJvYmFiaWxpdGllcxgFIAMoAhIVCg1sYWJlbF9p"
    "bmRleGVzGAYgAygNMlAKDlNjb3JpbmdTZXJ2aWNlEj4KBVNjb3JlEhkuc3R1YnRhaWwudjEuU2NvcmVSZXF1ZXN0Ghou"
    "c3R1YnRhaWwudjEuU2NvcmVSZXNwb25zZWIGcHJvdG8z"
)
_POOL.AddSerializedFile(_SERIALIZED)
DESCRIPTOR = _POOL.FindFileByName("stubtail/v1/scoring.proto")

ScoreRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ScoreRequest"])
NamedRows = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["NamedRows"])
Column = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Column"])
DenseRows = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["DenseRows"])
ScoreResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ScoreResponse"])
