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
    "KAkiIAoPR2V0TW9kZWxSZXF1ZXN0Eg0KBW1vZGVsGAEgASgJIvsCChBHZXRNb2RlbFJlc3BvbnNlEioKB3N1bW1hcnkY"
    "ASABKAsyGS5zdHVidGFpbC52MS5Nb2RlbFN1bW1hcnkSJwoGaW5wdXRzGAIgAygLMhcuc3R1YnRhaWwudjEuVGVuc29y"
    "U3BlYxIoCgdvdXRwdXRzGAMgAygLMhcuc3R1YnRhaWwudjEuVGVuc29yU3BlYxImCghmZWF0dXJlcxgEIAMoCzIULnN0"
    "dWJ0YWlsLnYxLkZlYXR1cmUSDwoHY2xhc3NlcxgFIAMoCRIRCgl0aHJlc2hvbGQYBiABKAESDgoGc2hhMjU2GAcgASgJ"
    "EhUKDW1hbmlmZXN0X2pzb24YCCABKAkSFAoMcnVuX2ZpeGVkX3VzGAkgASgBEhYKDnJ1bl9wZXJfcm93X3VzGAogASgB"
    "EjEKDnNjb3JlZF9vdXRwdXRzGAsgAygLMhkuc3R1YnRhaWwudjEuU2NvcmVkT3V0cHV0EhQKDGV4cGxhaW5lZF9ieRgM"
    "IAMoCSJ4CgxTY29yZWRPdXRwdXQSDAoEbmFtZRgBIAEoCRIPCgdtZWFuaW5nGAIgASgJEgwKBHVuaXQYAyABKAkSDgoG"
    "bGV2ZWxzGAQgAygJEhgKEGxldmVsX3RocmVzaG9sZHMYBSADKAESEQoJY292ZXJhZ2VzGAYgAygBIjsKClRlbnNvclNw"
    "ZWMSDAoEbmFtZRgBIAEoCRIQCghkYXRhdHlwZRgCIAEoCRINCgVzaGFwZRgDIAMoAyLpAQoHRmVhdHVyZRIMCgRuYW1l"
    "GAEgASgJEiYKBHR5cGUYAiABKA4yGC5zdHVidGFpbC52MS5GZWF0dXJlVHlwZRISCgpjYXRlZ29yaWVzGAMgAygJEhAK"
    "CG9wdGlvbmFsGAQgASgIEhQKB21pbmltdW0YBSABKAFIAIgBARIUCgdtYXhpbXVtGAYgASgBSAGIAQESEwoLZGVzY3Jp"
    "cHRpb24YByABKAkSKQoHb3V0c2lkZRgIIAEoDjIYLnN0dWJ0YWlsLnYxLk91dHNpZGVSdWxlQgoKCF9taW5pbXVtQgoK"
    "CF9tYXhpbXVtKosBCgpNb2RlbFN0YXRlEhsKF01PREVMX1NUQVRFX1VOU1BFQ0lGSUVEEAASFwoTTU9ERUxfU1RBVEVf"
    "TE9BRElORxABEhUKEU1PREVMX1NUQVRFX1JFQURZEAISFgoSTU9ERUxfU1RBVEVfRkFJTEVEEAMSGAoUTU9ERUxfU1RB"
    "VEVfVU5MT0FERUQQBCpfCgtGZWF0dXJlVHlwZRIcChhGRUFUVVJFX1RZUEVfVU5TUEVDSUZJRUQQABIXChNGRUFUVVJF"
    "X1RZUEVfTlVNQkVSEAESGQoVRkVBVFVSRV9UWVBFX0NBVEVHT1JZEAIqcwoLT3V0c2lkZVJ1bGUSHAoYT1VUU0lERV9S"
    "VUxFX1VOU1BFQ0lGSUVEEAASFgoST1VUU0lERV9SVUxFX0FMTE9XEAESFwoTT1VUU0lERV9SVUxFX1JFRlVTRRACEhUK"
    "EU9VVFNJREVfUlVMRV9DTElQEAMypgEKDE1vZGVsU2VydmljZRJNCgpMaXN0TW9kZWxzEh4uc3R1YnRhaWwudjEuTGlz"
    "dE1vZGVsc1JlcXVlc3QaHy5zdHVidGFpbC52MS5MaXN0TW9kZWxzUmVzcG9uc2USRwoIR2V0TW9kZWwSHC5zdHVidGFp"
    "bC52MS5HZXRNb2RlbFJlcXVlc3QaHS5zdHVidGFpbC52MS5HZXRNb2RlbFJlc3BvbnNlYgZwcm90bzM="
)
_POOL.AddSerializedFile(_SERIALIZED)
DESCRIPTOR = _POOL.FindFileByName("stubtail/v1/models.proto")

ListModelsRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ListModelsRequest"])
ListModelsResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ListModelsResponse"])
ModelSummary = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ModelSummary"])
GetModelRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["GetModelRequest"])
GetModelResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["GetModelResponse"])
ScoredOutput = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ScoredOutput"])
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
OutsideRule = enum_type_wrapper.EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["OutsideRule"])
OUTSIDE_RULE_UNSPECIFIED = 0
OUTSIDE_RULE_ALLOW = 1
OUTSIDE_RULE_REFUSE = 2
OUTSIDE_RULE_CLIP = 3
