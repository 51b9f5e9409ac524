"""What is unusual in series and streams, and what may have caused it; pure numpy, no gRPC."""
