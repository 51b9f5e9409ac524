"""What else reads what others wrote: tokens, settings, manifests, signatures, folders."""

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stubtail.access.part import AccessPart
from stubtail.config import ConfigError, child_environment, load
from stubtail.errors import CallError, Code
from stubtail.models.errors import ModelError
from stubtail.models.manifest import Manifest, ManifestError
from stubtail.models.session import SessionOptions, load_model
from stubtail.models.signing import check_signature
from stubtail.models.source import read_version
from stubtail.models.verifier import Verifier, VerifierOptions
from stubtail.monitoring.door import Door
from tests import model_files
from tests.fuzz.rpcs import ViolationError

Target = Callable[[bytes], str]
_VALUES: Final = re.compile(r"[0-9.]+|[\"'\[(].*", re.DOTALL)  # what differs from input to input
# A process that ends is what it is for; that it does so in silence is not.
_NO_ANSWERS: Final = ("no answer", "does not start")
JWKS: Final = {
    "keys": [
        {
            "kty": "OKP", "crv": "Ed25519", "kid": "one", "alg": "EdDSA", "use": "sig",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }
    ]
}  # fmt: skip
SETTINGS: Final = """
[access.keys.web]
hashes = ["aaaaaaaa:{zeros}"]
scopes = ["stubtail:predict"]
[access.issuers.corp]
issuer = "https://issuer.example"
audience = "stubtail"
jwks_file = "{jwks}"
"""


@contextmanager
def parsers() -> Iterator[dict[str, Target]]:
    """The targets by name; each raises ViolationError for what no input may cause."""
    with tempfile.TemporaryDirectory(prefix="stubtail-fuzz-") as name:
        folder = Path(name)
        environ = child_environment(dict(os.environ))
        verifier = Verifier(VerifierOptions(seconds_max=60.0, environ=environ))
        access = _access(folder)
        access.start()
        try:
            yield {
                "token": _token(access),
                "http": _http(access),
                "settings": _settings(folder),
                "manifest": _manifest,
                "signature": _signature(folder),
                "graph": _version(folder, verifier, "model.onnx"),
                "folder": _version(folder, verifier, "model.json"),
            }
        finally:
            access.close()
            verifier.close()


def _shape(error: object) -> str:
    return _VALUES.sub("#", str(error))[:120]


def _access(folder: Path) -> AccessPart:
    (folder / "jwks.json").write_text(json.dumps(JWKS))
    file = folder / "access.toml"
    file.write_text(SETTINGS.format(zeros="0" * 64, jwks=folder / "jwks.json"))
    return AccessPart(load(file, (), {}).access, time.monotonic)


def _token(access: AccessPart) -> Target:
    def run(data: bytes) -> str:
        assert access.guard is not None
        try:
            access.guard.identify(data.decode(errors="replace"), time.monotonic())
        except CallError as error:
            if error.code is Code.UNAUTHENTICATED:
                return error.reason
            if error.code is Code.UNAVAILABLE:
                return "busy"
            raise ViolationError(f"{error.code.name} for the token {data!r}") from error
        raise ViolationError(f"let in by {data!r}")

    return run


def _http(access: AccessPart) -> Target:
    doors = [Door(access.guard, "127.0.0.1", is_local=local) for local in (True, False)]

    def run(data: bytes) -> str:
        host, _, rest = data.decode("latin-1").partition("\n")
        path, _, credential = rest.partition("\n")
        statuses = []
        for door in doors:
            page = door.refusal("/metrics" + path, host, credential)
            if page is None or page.status not in {401, 403, 421, 503}:
                raise ViolationError(f"the door opened for {data!r}")
            statuses.append(str(int(page.status)))
        return " ".join(statuses)

    return run


def _settings(folder: Path) -> Target:
    file = folder / "fuzzed.toml"

    def run(data: bytes) -> str:
        file.write_bytes(data)
        try:
            load(file, (), {})
        except ConfigError as error:
            return _shape(error.problems[0].replace(str(file), ""))
        return "OK"

    return run


def _manifest(data: bytes) -> str:
    try:
        Manifest.parse(data.decode("utf-8", "replace"), "model.json")
    except ManifestError as error:
        return _shape(error)
    return "OK"


def _signature(folder: Path) -> Target:
    graph = model_files.scoring()
    version = model_files.write_model(folder / "signed" / "1", graph, model_files.manifest(graph))
    public = folder / "key.pub"
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    source = read_version(version, folder, graph_bytes_max=10**6, manifest_bytes_max=10**6)

    def run(data: bytes) -> str:
        (version / "model.sig").write_bytes(data)
        try:
            check_signature(
                source, "churn", "1", inside=folder, key_files=[str(public)], required=True
            )
        except ModelError as error:
            return _shape(error)
        return "OK"

    return run


def _version(folder: Path, verifier: Verifier, name: str) -> Target:
    graph = model_files.scoring()
    document = model_files.manifest(graph)

    def run(data: bytes) -> str:
        with_manifest = None if name == "model.onnx" else document
        version = model_files.write_model(folder / "fuzzed" / "1", graph, with_manifest)
        if with_manifest is None:
            (version / "model.json").unlink(missing_ok=True)
        (version / name).write_bytes(data)
        try:
            load_model(
                version,
                "fuzzed",
                "1",
                options=SessionOptions(warm_up_budget_s=0.05),
                inside=folder,
                verify=verifier.verify,
            )
        except ModelError as error:
            if error.passing or any(text in error.problem for text in _NO_ANSWERS):
                raise ViolationError(f"{error} ({error.detail}) for {data!r}") from error
            return _shape(error)
        return "OK"

    return run
