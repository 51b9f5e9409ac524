"""How calls come in and answers go out: the native front, and grpc.aio for everything else."""
