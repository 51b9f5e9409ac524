"""The messages of stubtail/v1/scoring.proto. Written by proto/generate.py; do not edit."""

from base64 import b64decode

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.internal import enum_type_wrapper

from stubtail.v1 import common_pb2 as _common_pb2  # noqa: F401

_POOL = descriptor_pool.Default()
_SERIALIZED = b64decode(
    "ChlzdHVidGFpbC92MS9zY29yaW5nLnByb3RvEgtzdHVidGFpbC52MRoYc3R1YnRhaWwvdjEvY29tbW9uLnByb3RvIukB"
    "CgxTY29yZVJlcXVlc3QSDQoFbW9kZWwYASABKAkSJwoIcHJpb3JpdHkYAiABKA4yFS5zdHVidGFpbC52MS5Qcmlvcml0"
    "eRIOCgZtb2RlbHMYAyADKAkSEAoIY292ZXJhZ2UYBCABKAESJQoHZXhwbGFpbhgFIAEoCzIULnN0dWJ0YWlsLnYxLkV4"
    "cGxhaW4SJwoFbmFtZWQYDiABKAsyFi5zdHVidGFpbC52MS5OYW1lZFJvd3NIABInCgVkZW5zZRgPIAEoCzIWLnN0dWJ0"
    "YWlsLnYxLkRlbnNlUm93c0gAQgYKBHJvd3MiFgoHRXhwbGFpbhILCgN0b3AYASABKA0iMQoJTmFtZWRSb3dzEiQKB2Nv"
    "bHVtbnMYASADKAsyEy5zdHVidGFpbC52MS5Db2x1bW4iOAoGQ29sdW1uEgwKBG5hbWUYASABKAkSDwoHbnVtYmVycxgC"
    "IAMoARIPCgdzdHJpbmdzGAMgAygJIhsKCURlbnNlUm93cxIOCgZ2YWx1ZXMYDyADKAIi9wIKDVNjb3JlUmVzcG9uc2US"
    "DQoFbW9kZWwYASABKAkSDwoHdmVyc2lvbhgCIAEoCRIOCgZzY29yZXMYAyADKAISDwoHY2xhc3NlcxgEIAMoCRIVCg1w"
    "cm9iYWJpbGl0aWVzGAUgAygCEhUKDWxhYmVsX2luZGV4ZXMYBiADKA0SDQoFbG93ZXIYByADKAISDQoFdXBwZXIYCCAD"
    "KAISDgoGbGV2ZWxzGAkgAygJEhUKDWxldmVsX2luZGV4ZXMYCiADKA0SKQoHb3V0cHV0cxgLIAMoCzIYLnN0dWJ0YWls"
    "LnYxLlNjb3JlT3V0cHV0Ei0KC2V4cGxhbmF0aW9uGAwgASgLMhguc3R1YnRhaWwudjEuRXhwbGFuYXRpb24SKwoId2Fy"
    "bmluZ3MYDSADKAsyGS5zdHVidGFpbC52MS5TY29yZVdhcm5pbmcSKwoHcmVzdWx0cxgOIAMoCzIaLnN0dWJ0YWlsLnYx"
    "LlNjb3JlUmVzcG9uc2UifgoLU2NvcmVPdXRwdXQSDAoEbmFtZRgBIAEoCRIMCgR1bml0GAIgASgJEg4KBnZhbHVlcxgD"
    "IAMoAhINCgVsb3dlchgEIAMoAhINCgV1cHBlchgFIAMoAhIOCgZsZXZlbHMYBiADKAkSFQoNbGV2ZWxfaW5kZXhlcxgH"
    "IAMoDSKoAQoLRXhwbGFuYXRpb24SEgoKYmFzZV92YWx1ZRgBIAEoARINCgVuYW1lcxgCIAMoCRIUCgxuYW1lX2luZGV4"
    "ZXMYAyADKA0SFQoNY29udHJpYnV0aW9ucxgEIAMoAhIMCgRyZXN0GAUgAygCEgsKA3RvcBgGIAEoDRIfCgRsaW5rGAcg"
    "ASgOMhEuc3R1YnRhaWwudjEuTGluaxINCgVleGFjdBgIIAEoCCJkCgxTY29yZVdhcm5pbmcSDwoHZmVhdHVyZRgBIAEo"
    "CRImCgRraW5kGAIgASgOMhguc3R1YnRhaWwudjEuV2FybmluZ0tpbmQSDQoFY291bnQYAyABKA0SDAoEcm93cxgEIAMo"
    "DSo/CgRMaW5rEhQKEExJTktfVU5TUEVDSUZJRUQQABIRCg1MSU5LX0lERU5USVRZEAESDgoKTElOS19MT0dJVBACKo0B"
    "CgtXYXJuaW5nS2luZBIcChhXQVJOSU5HX0tJTkRfVU5TUEVDSUZJRUQQABIiCh5XQVJOSU5HX0tJTkRfTUlTU0lOR19E"
    "RUZBVUxURUQQARIiCh5XQVJOSU5HX0tJTkRfVU5LTk9XTl9ERUZBVUxURUQQAhIYChRXQVJOSU5HX0tJTkRfQ0xJUFBF"
    "RBADMlAKDlNjb3JpbmdTZXJ2aWNlEj4KBVNjb3JlEhkuc3R1YnRhaWwudjEuU2NvcmVSZXF1ZXN0Ghouc3R1YnRhaWwu"
    "djEuU2NvcmVSZXNwb25zZWIGcHJvdG8z"
)
_POOL.AddSerializedFile(_SERIALIZED)
DESCRIPTOR = _POOL.FindFileByName("stubtail/v1/scoring.proto")

ScoreRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ScoreRequest"])
Explain = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Explain"])
NamedRows = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["NamedRows"])
Column = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Column"])
DenseRows = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["DenseRows"])
ScoreResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ScoreResponse"])
ScoreOutput = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ScoreOutput"])
Explanation = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Explanation"])
ScoreWarning = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ScoreWarning"])
Link = enum_type_wrapper.EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["Link"])
LINK_UNSPECIFIED = 0
LINK_IDENTITY = 1
LINK_LOGIT = 2
WarningKind = enum_type_wrapper.EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["WarningKind"])
WARNING_KIND_UNSPECIFIED = 0
WARNING_KIND_MISSING_DEFAULTED = 1
WARNING_KIND_UNKNOWN_DEFAULTED = 2
WARNING_KIND_CLIPPED = 3
