"""The messages of stubtail/v1/forecasting.proto. Written by proto/generate.py; do not edit."""

from base64 import b64decode

from google.protobuf import descriptor_pool, message_factory

from stubtail.v1 import common_pb2 as _common_pb2  # noqa: F401

_POOL = descriptor_pool.Default()
_SERIALIZED = b64decode(
    "Ch1zdHVidGFpbC92MS9mb3JlY2FzdGluZy5wcm90bxILc3R1YnRhaWwudjEaGHN0dWJ0YWlsL3YxL2NvbW1vbi5wcm90"
    "byLqAQoPRm9yZWNhc3RSZXF1ZXN0Eg0KBW1vZGVsGAEgASgJEicKCHByaW9yaXR5GAIgASgOMhUuc3R1YnRhaWwudjEu"
    "UHJpb3JpdHkSDwoHaG9yaXpvbhgDIAEoDRIXCg9xdWFudGlsZV9sZXZlbHMYBCADKAESEQoJZnJlcXVlbmN5GAUgASgJ"
    "EhYKDnNlYXNvbl9sZW5ndGhzGAYgAygBEhQKDG5vbl9uZWdhdGl2ZRgHIAEoCBIPCgdpbnRlZ2VyGAggASgIEiMKBnNl"
    "cmllcxgPIAMoCzITLnN0dWJ0YWlsLnYxLlNlcmllcyKeAQoGU2VyaWVzEgoKAmlkGAEgASgJEg4KBnZhbHVlcxgCIAMo"
    "ARIVCghzdGFydF9tcxgDIAEoEkgAiAEBEhUKDXRpbWVzdGFtcHNfbXMYBCADKBASEQoJZnJlcXVlbmN5GAUgASgJEioK"
    "CmNvdmFyaWF0ZXMYBiADKAsyFi5zdHVidGFpbC52MS5Db3ZhcmlhdGVCCwoJX3N0YXJ0X21zIikKCUNvdmFyaWF0ZRIM"
    "CgRuYW1lGAEgASgJEg4KBnZhbHVlcxgCIAMoASKyAQoQRm9yZWNhc3RSZXNwb25zZRINCgVtb2RlbBgBIAEoCRIPCgdo"
    "b3Jpem9uGAIgASgNEhcKD3F1YW50aWxlX2xldmVscxgDIAMoARIOCgZwb2ludHMYBCADKAESEQoJcXVhbnRpbGVzGAUg"
    "AygBEhUKDXRpbWVzdGFtcHNfbXMYBiADKBASKwoGc2VyaWVzGAcgAygLMhsuc3R1YnRhaWwudjEuU2VyaWVzRm9yZWNh"
    "c3QirgIKDlNlcmllc0ZvcmVjYXN0EgoKAmlkGAEgASgJEg0KBW1vZGVsGAIgASgJEg8KB3ZlcnNpb24YAyABKAkSDgoG"
    "cmVhc29uGAQgASgJEicKBnNoYXJlcxgFIAMoCzIXLnN0dWJ0YWlsLnYxLk1vZGVsU2hhcmUSFgoOc2Vhc29uX2xlbmd0"
    "aHMYBiADKAESEwoLdHJlbmRfc2xvcGUYByABKAESGQoRdHJlbmRfc2xvcGVfbG93ZXIYCCABKAESGQoRdHJlbmRfc2xv"
    "cGVfdXBwZXIYCSABKAESFAoMYmFja3Rlc3RfbWFlGAogASgBEhUKDWJhY2t0ZXN0X21hc2UYCyABKAESGAoQYmFja3Rl"
    "c3Rfb3JpZ2lucxgMIAEoDRINCgVub3RlcxgNIAMoCSJBCgpNb2RlbFNoYXJlEg0KBW1vZGVsGAEgASgJEg4KBndlaWdo"
    "dBgCIAEoARIUCgxyZWxhdGl2ZV9tYWUYAyABKAEyXQoSRm9yZWNhc3RpbmdTZXJ2aWNlEkcKCEZvcmVjYXN0Ehwuc3R1"
    "YnRhaWwudjEuRm9yZWNhc3RSZXF1ZXN0Gh0uc3R1YnRhaWwudjEuRm9yZWNhc3RSZXNwb25zZWIGcHJvdG8z"
)
_POOL.AddSerializedFile(_SERIALIZED)
DESCRIPTOR = _POOL.FindFileByName("stubtail/v1/forecasting.proto")

ForecastRequest = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ForecastRequest"])
Series = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Series"])
Covariate = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["Covariate"])
ForecastResponse = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ForecastResponse"])
SeriesForecast = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["SeriesForecast"])
ModelShare = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ModelShare"])
