"""API keys are exchanged while calls are made: none fails that should not."""

import json
import threading
from pathlib import Path

import grpc
import numpy as np

from stubtail.access.keys import KeyHash, new_key
from tests import model_files
from tests.integration.access.conftest import bearer, until
from tests.integration.calls import SCORE, call, dense, refused
from tests.server_process import ServerProcess

REQUEST = dense("affine", np.array([[1, 2, 3]], np.float32))


def test_a_key_is_exchanged_under_load(transport: str, tmp_path: Path) -> None:
    """Both count while two are in the file; the old one ends at the call after it has gone."""
    model_files.write_model(tmp_path / "models" / "affine" / "1", model_files.affine())
    (old, old_hash), (new, new_hash) = new_key(), new_key()
    keys = tmp_path / "keys.toml"
    config = tmp_path / "stubtail.toml"
    config.write_text(f"[access]\nkeys_file = {json.dumps(str(keys))}\nreload_ms = 50\n")

    def write(*hashes: KeyHash) -> None:
        kept = json.dumps([str(one) for one in hashes])
        table = f'[access.keys.web]\nhashes = {kept}\nscopes = ["stubtail:predict"]\n'
        (tmp_path / "next").write_text(table)
        (tmp_path / "next").rename(keys)

    write(old_hash)
    failures: list[grpc.RpcError] = []
    using, stopping, answered = [old], threading.Event(), [0]

    def load(channel: grpc.Channel) -> None:
        while not stopping.is_set():
            try:
                call(channel, SCORE, REQUEST, metadata=bearer(using[0]))
                answered[0] += 1
            except grpc.RpcError as error:
                failures.append(error)

    with (
        ServerProcess(tmp_path / "models", transport, "--config", str(config)) as server,
        grpc.insecure_channel(server.address) as channel,
    ):

        def works(key: str) -> bool:
            try:
                return bool(call(channel, SCORE, REQUEST, metadata=bearer(key)))
            except grpc.RpcError:
                return False

        thread = threading.Thread(target=load, args=(channel,))
        thread.start()
        try:
            assert not works(new)
            write(old_hash, new_hash)
            until(lambda: works(new))
            using[0] = new
            before = answered[0]
            until(lambda: answered[0] > before + 1)  # no call with the old one is on its way
            write(new_hash)
            until(lambda: not works(old))
            before = answered[0]
            until(lambda: answered[0] > before)
        finally:
            stopping.set()
            thread.join()
        assert not failures
        found = refused(channel, SCORE, REQUEST, metadata=bearer(old))
        assert found.reason == "CREDENTIAL_INVALID"
        assert old not in server.output
