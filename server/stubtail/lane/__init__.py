"""Who runs next, and with whom: no gRPC, no ONNX Runtime and no clock of its own."""
