"""The messages of stubtail/v1/models.proto. Written by proto/generate.py; do not edit."""

from base64 import b64decode

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.internal import enum_type_wrapper

_POOL = descriptor_pool.Default()
_SERIALIZED = b64decode(
    "ChhzdHVidGFpbC92MS9tb2RlbHMucHJvdG8SC3N0dWJ0YWlsLnYxIhMKEUxpc3RNb2RlbHNSZXF1ZXN0Ij8KEkxpc3RN"
    "b2RlbHNSZXNwb25zZRIpCgZtb2RlbHMYASADKAsyGS5zdHVidGFpbC52MS5Nb2RlbFN1bW1hcnkilgEKDE1vZGVsU3Vt"
    "bWFyeRIMCgRuYW1lGAEgASgJEg8KB3ZlcnNpb24YAiABKAkSJgoFc3RhdGUYAyABKA4yFy5zdHVidGFpbC52MS5Nb2Rl"
    "bFN0YXRlEg4KBnJlYXNvbhgEIAEoCRIMCgRsaXZlGAUgASgIEgwKBGtpbmQYBiABKAkSEwoLZGVzY3JpcHRpb24YByAB"
    "KAkiIAoPR2V0TW9kZWxSZXF1ZXN0Eg0KBW1vZGVsGAEgASgJIrICChBHZXRNb2RlbFJlc3BvbnNlEioKB3N1bW1hcnkY"
    "ASABKAsyGS5zdHVidGFpbC52MS5Nb2RlbFN1bW1hcnkSJwoGaW5wdXRzGAIgAygLMhcuc3R1YnRhaWwudjEuVGVuc29y"
    "U3BlYxIoCgdvdXRwdXRzGAMgAygLMhcuc3R1YnRhaWwudjEuVGVuc29yU3BlYxImCghmZWF0dXJlcxgEIAMoCzIULnN0"
    "dWJ0YWlsLnYxLkZlYXR1cmUSDwoHY2xhc3NlcxgFIAMoCRIRCgl0aHJlc2hvbGQYBiABKAESDgoGc2hhMjU2GAcgASgJ"
    "EhUKDW1hbmlmZXN0X2pzb24YCCABKAkSFAoMcnVuX2ZpeGVkX3VzGAkgASgBEhYKDnJ1bl9wZXJfcm93X3VzGAogASgB"
    "IjsKClRlbnNvclNwZWMSDAoEbmFtZRgBIAEoCRIQCghkYXRhdHlwZRgCIAEoCRINCgVzaGFwZRgDIAMoAyK+AQoHRmVh"
    "dHVyZRIMCgRuYW1lGAEgASgJEiYKBHR5cGUYAiABKA4yGC5zdHVidGFpbC52MS5GZWF0dXJlVHlwZRISCgpjYXRlZ29y"
    "aWVzGAMgAygJEhAKCG9wdGlvbmFsGAQgASgIEhQKB21pbmltdW0YBSABKAFIAIgBARIUCgdtYXhpbXVtGAYgASgBSAGI"
    "AQESEwoLZGVzY3JpcHRpb24YByABKAlCCgoIX21pbmltdW1CCgoIX21heGltdW0qiwEKCk1vZGVsU3RhdGUSGwoXTU9E"
    "RUxfU1RBVEVfVU5TUEVDSUZJRUQQABIXChNNT0RFTF9TVEFURV9MT0FESU5HEAESFQoRTU9ERUxfU1RBVEVfUkVBRFkQ"
    "AhIWChJNT0RFTF9TVEFURV9GQUlMRUQQAxIYChRNT0RFTF9TVEFURV9VTkxPQURFRBAEKl8KC0ZlYXR1cmVUeXBlEhwK"
    "GEZFQVRVUkVfVFlQRV9VTlNQRUNJRklFRBAAEhcKE0ZFQVRVUkVfVFlQRV9OVU1CRVIQARIZChVGRUFUVVJFX1RZUEVf"
    "Q0FURUdPUlkQAjKmAQoMTW9kZWxTZXJ2aWNlEk0KCkxpc3RNb2RlbHMSHi5zdHVidGFpbC52MS5MaXN0TW9kZWxzUmVx"
    "dWVzdBofLnN0dWJ0YWlsLnYxLkxpc3RNb2RlbHNSZXNwb25zZRJHCghHZXRNb2RlbBIcLnN0dWJ0YWlsLnYxLkdldE1v"
    "ZGVsUmVxdWVzdBodLnN0dWJ0YWlsLnYxLkdldE1vZGVsUmVzcG9uc2ViBnByb3RvMw=="
)
_POOL.AddSerializedFile(_SERIALIZED)
DESCRIPTOR = _POOL.FindFileByName("stubtail/v1/models.proto")

ListModelsRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ListModelsRequest"])
ListModelsResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ListModelsResponse"])
ModelSummary = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ModelSummary"])
GetModelRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["GetModelRequest"])
GetModelResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["GetModelResponse"])
TensorSpec = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["TensorSpec"])
Feature = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Feature"])
ModelState = enum_type_wrapper.EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["ModelState"])
MODEL_STATE_UNSPECIFIED = 0
MODEL_STATE_LOADING = 1
MODEL_STATE_READY = 2
MODEL_STATE_FAILED = 3
MODEL_STATE_UNLOADED = 4
FeatureType = enum_type_wrapper.EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["FeatureType"])
FEATURE_TYPE_UNSPECIFIED = 0
FEATURE_TYPE_NUMBER = 1
FEATURE_TYPE_CATEGORY = 2
