"""Signatures of versions: who vouches for these very bytes under this very name. Ed25519.

`model.sig` lies beside the graph. It holds a statement (name, version, size and SHA-256 of every
file that the server reads) and signatures over it. Name and version are part of it, so that nobody
can pass a signed model off as another one, or an old version as a new one.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stubtail.models.errors import ModelError
from stubtail.models.fields import decode_json
from stubtail.models.files import read_within
from stubtail.models.manifest import FILE_NAME, SIGNATURE_FILE_NAME
from stubtail.models.source import Source, relative

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

FORMAT: Final = 1
SIGNATURE_BYTES_MAX: Final = 16 * 1024  # one has some 600 bytes
SIGNATURES_MAX: Final = 8  # of one file: an old and a new key, and a few who countersign
KEY_FILE_BYTES_MAX: Final = 16 * 1024
KEY_ID_DIGITS: Final = 16
_NO_CRYPTOGRAPHY: Final = "the package cryptography is missing; pip install 'stubtail[signing]'"
# Ahead of what is signed: a signature made for something else never fits here.
_CONTEXT: Final = b"stubtail model signature 1\n"
_MEND: Final = "sign it with `stubtail models sign`"


class KeyFileError(ValueError):
    """A file holds no key as expected; the message names the file, and never shows its content."""


def check_signature(
    source: Source,
    name: str,
    version: str,
    *,
    inside: Path,
    key_files: Sequence[str],
    required: bool,
) -> str:
    """Who signed a version.

    Args:
        source: its files.
        name: it is to be served under.
        version: it is to be served under.
        inside: the folder that no link may leave.
        key_files: public keys that count, PEM. Without any, signatures are not looked at.
        required: whether a version without a signature is refused.

    Returns:
        The id of the key; "" where nobody signed it and nobody has to.

    Raises:
        ModelError: the signature is missing though required, or is not good. A bad one is refused
            also where none is required: somebody changed what somebody else vouched for.
    """
    if not key_files:
        if required:
            problem = "signatures are required, and no key is configured"
            raise ModelError(source.where, problem, "name keys in supply.public_key_files")
        return ""
    if source.folder is None:
        return _unsigned(source.where, "a single file has no signature", required=required)
    file = signature_file(source)
    where = relative(file, inside)
    if not file.is_symlink() and not file.exists():
        return _unsigned(where, "it is not there, so nobody vouches", required=required)
    data = read_within(inside, file, bytes_max=SIGNATURE_BYTES_MAX, where=where)
    statement, signatures = _parse(data, where)
    expected = statement_of(source, name, version)
    if statement != expected:
        differ = [key for key in expected if statement.get(key) != expected[key]]
        problem = f"it was made for something else ({', '.join(differ) or 'more fields'} differ)"
        raise ModelError(where, problem, f"{_MEND}, or put the signed files back")
    message = message_of(expected)
    try:
        keys = [read_public_key(Path(path)) for path in key_files]
    except KeyFileError as error:
        raise ModelError(
            where, "a key cannot be read", "mend supply.public_key_files", detail=str(error)
        ) from error
    for key in keys:
        wanted = key_id(key)
        for known, signature in signatures:
            if known == wanted and _is_good(key, signature, message):
                return wanted
    problem = "none of its signatures is a good one of a key that counts"
    raise ModelError(where, problem, "sign it with a key of supply.public_key_files")


def signature_file(source: Source) -> Path:
    """Where the signature of a version lies.

    Raises:
        ModelError: the version is a single file, beside which others may lie.
    """
    if source.folder is None:
        mend = "move it to <name>/<version>/model.onnx"
        raise ModelError(source.where, "a single file cannot be signed", mend)
    return source.folder / SIGNATURE_FILE_NAME


def statement_of(source: Source, name: str, version: str) -> dict[str, Any]:
    """What is signed."""
    files = {source.file.name: {"bytes": len(source.data), "sha256": source.sha256}}
    if source.manifest is not None:
        files[FILE_NAME] = {"bytes": source.manifest_bytes, "sha256": source.manifest_sha256}
    return {"format": FORMAT, "name": name, "version": version, "files": files}


def message_of(statement: dict[str, Any]) -> bytes:
    """The bytes that are signed: one form for one statement."""
    plain = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return _CONTEXT + plain.encode("ascii")


def sign(source: Source, name: str, version: str, key: "Ed25519PrivateKey") -> bytes:
    """The contents of model.sig: a statement about these files, signed by `key`."""
    statement = statement_of(source, name, version)
    entry = {
        "key": key_id(key.public_key()),
        "ed25519": base64.b64encode(key.sign(message_of(statement))).decode("ascii"),
    }
    document = {"statement": statement, "signatures": [entry]}
    return json.dumps(document, indent=2, sort_keys=True).encode("ascii") + b"\n"


def key_id(key: "Ed25519PublicKey") -> str:
    """How a key is called: the beginning of the SHA-256 of its 32 bytes, in hexadecimal digits."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:KEY_ID_DIGITS]


def read_public_key(path: Path) -> "Ed25519PublicKey":
    """The public key in a PEM file, as `openssl pkey -pubout` writes it.

    Raises:
        KeyFileError: there is none.
    """
    # Imported here: only servers that check signatures need it, and in the checking process only.
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_pem_public_key,
        )
    except ModuleNotFoundError as error:
        raise KeyFileError(_NO_CRYPTOGRAPHY) from error
    try:
        key = load_pem_public_key(_read_key_file(path))
    except Exception as error:  # OpenSSL's reasons have many classes
        raise KeyFileError(f"{path} holds no public key in PEM") from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise KeyFileError(f"{path} holds a key of another kind, not Ed25519")
    return key


def read_private_key(path: Path, password: bytes | None) -> "Ed25519PrivateKey":
    """The private key in a PEM file, as `openssl genpkey -algorithm ed25519` writes it.

    Raises:
        KeyFileError: there is none, or the password does not open it.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
            load_pem_private_key,
        )
    except ModuleNotFoundError as error:
        raise KeyFileError(_NO_CRYPTOGRAPHY) from error
    try:
        key = load_pem_private_key(_read_key_file(path), password)
    except TypeError as error:
        raise KeyFileError(f"{path} and the password do not fit together") from error
    except Exception as error:  # as above
        raise KeyFileError(f"{path} holds no private key in PEM that opens") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds a key of another kind, not Ed25519")
    return key


def read_password(path: Path) -> bytes:
    """The first line of a file.

    Raises:
        OSError: it cannot be read.
    """
    return _read_key_file(path).partition(b"\n")[0]


def _read_key_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(KEY_FILE_BYTES_MAX)


def _unsigned(where: str, problem: str, *, required: bool) -> str:
    if required:
        raise ModelError(where, f"{problem}, and supply.require_signature is set", _MEND)
    return ""


def _parse(data: bytes, where: str) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
    try:
        document = decode_json(data.decode("ascii"))
        statement, entries = dict(document["statement"]), list(document["signatures"])
        return statement, [
            (str(entry["key"]), base64.b64decode(entry["ed25519"], validate=True))
            for entry in entries[:SIGNATURES_MAX]
        ]
    except (ValueError, LookupError, TypeError, binascii.Error) as error:
        raise ModelError(where, "it is no signature of a model", _MEND) from error


def _is_good(key: "Ed25519PublicKey", signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
