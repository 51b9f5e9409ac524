"""A load generator for gRPC inference servers that speak the Open Inference Protocol."""
