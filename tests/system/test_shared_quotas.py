"""The rate of a tenant is one for all workers of a server, whichever answers a connection."""

from collections import Counter
from pathlib import Path

import grpc
import numpy as np

from stubtail.access.keys import new_key
from tests.load import INFER, request_bytes
from tests.system.conftest import StartServer

BURST = 20
CONNECTIONS = 16  # the kernel gives each to one of two workers


def test_workers_share_the_rate_of_a_tenant(
    serve: StartServer, models: Path, tmp_path: Path
) -> None:
    """Of 80 calls over connections to both workers, as many are admitted as one worker would."""
    key, kept = new_key()
    config = tmp_path / "stubtail.toml"
    config.write_text(
        f"""
[access.keys.web]
hashes = ["{kept}"]
tenant = "acme"
scopes = ["stubtail:predict"]
[access.tenants.acme]
calls_per_s = 0.001
burst = {BURST}
"""
    )
    server = serve(models, "native", "--workers", "2", "--config", str(config))
    metadata = (("authorization", f"Bearer {key}"),)
    rows = request_bytes("affine", np.ones((1, 3), np.float32))
    ends: Counter[grpc.StatusCode] = Counter()
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    for _ in range(CONNECTIONS):
        with grpc.insecure_channel(server.address, options) as channel:
            for _ in range(5):
                try:
                    channel.unary_unary(INFER)(rows, metadata=metadata, timeout=20)
                except grpc.RpcError as error:
                    ends[error.code()] += 1
                else:
                    ends[grpc.StatusCode.OK] += 1
    assert ends.keys() == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert ends[grpc.StatusCode.OK] == BURST
