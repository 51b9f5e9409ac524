"""Several worker processes on one port; the parent imports neither grpc, onnxruntime nor numpy."""
