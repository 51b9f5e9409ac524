"""Signatures of versions: good ones count, changed, moved, renamed and foreign ones are refused."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from stubtail.models.errors import ModelError
from stubtail.models.signing import (
    KeyFileError,
    check_signature,
    key_id,
    read_private_key,
    read_public_key,
    sign,
    signature_file,
)
from stubtail.models.source import read_version
from tests import model_files
from tests.model_files import write_model

BOUNDS = {"graph_bytes_max": 10**6, "manifest_bytes_max": 10**6}


class Case:
    """A signed version and the key that counts."""

    def __init__(self, root):
        self.root = root
        graph = model_files.scoring()
        self.folder = write_model(root / "churn" / "1", graph, model_files.manifest(graph))
        self.private = ed25519.Ed25519PrivateKey.generate()
        self.key_file = self.write_key("one.pub", self.private)
        self.file = self.folder / "model.sig"
        self.file.write_bytes(sign(self.read(), "churn", "1", self.private))

    def write_key(self, name, private):
        """A file with the public key."""
        pem = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.root / name).write_bytes(pem)
        return str(self.root / name)

    def read(self):
        """The version's files, as they are."""
        return read_version(self.folder, self.root, **BOUNDS)

    def check(self, name="churn", version="1", *, required=True, keys=None):
        """Who signed it."""
        keys = [self.key_file] if keys is None else keys
        return check_signature(
            self.read(), name, version, inside=self.root, key_files=keys, required=required
        )

    def refusal(self, name="churn", version="1", **more):
        """Why it is refused."""
        with pytest.raises(ModelError) as caught:
            self.check(name, version, **more)
        assert caught.value.mend
        return str(caught.value)

    def edit(self, change):
        """Changes model.sig."""
        document = json.loads(self.file.read_bytes())
        change(document)
        self.file.write_text(json.dumps(document))


@pytest.fixture
def case(tmp_path):
    """A signed version."""
    return Case(tmp_path)


def test_a_good_signature_names_its_key(case):
    """The id of the key comes back, required or not."""
    wanted = key_id(case.private.public_key())
    assert case.check() == wanted
    assert case.check(required=False) == wanted
    assert len(wanted) == 16


def test_any_changed_byte_is_refused(case):
    """Graph and manifest are both covered; a bad signature is refused even where none is needed."""
    manifest = json.loads((case.folder / "model.json").read_text())
    manifest["output"]["threshold"] = 0.9
    write_model(case.folder, model_files.scoring(), manifest)
    assert "made for something else (files differ)" in case.refusal()
    assert "made for something else" in case.refusal(required=False)
    (case.folder / "model.json").unlink()
    assert "files differ" in case.refusal(), "leaving the manifest out changes the meaning"


def test_a_signed_model_cannot_be_passed_off_as_another(case):
    """Name and version are signed: no renaming, no old version in the place of a new one.

    Nor is a shared model taken for a tenant's own, or one tenant's for another's.
    """
    assert "name differ" in case.refusal("pricing")
    assert "name differ" in case.refusal("acme/churn")
    assert "version differ" in case.refusal("churn", "2")


def test_an_edited_statement_has_no_good_signature(case):
    """Who mends the statement to fit other files has no signature for it."""
    case.edit(lambda document: document["statement"].update(version="2"))
    assert "none of its signatures is a good one" in case.refusal("churn", "2")


def test_foreign_and_damaged_signatures(case):
    """A key that does not count, another's signature under our key's id, zeros: all refused."""
    other = ed25519.Ed25519PrivateKey.generate()
    foreign = case.write_key("other.pub", other)
    assert "none of its signatures" in case.refusal(keys=[foreign])
    theirs = json.loads(sign(case.read(), "churn", "1", other))["signatures"][0]["ed25519"]
    case.edit(lambda document: document["signatures"][0].update(ed25519=theirs))
    assert "none of its signatures" in case.refusal()
    zeros = base64.b64encode(bytes(64)).decode()
    case.edit(lambda document: document["signatures"][0].update(ed25519=zeros))
    assert "none of its signatures" in case.refusal()


def test_two_keys_while_one_is_replaced(case):
    """Any key that counts will do, and any of several signatures."""
    new = ed25519.Ed25519PrivateKey.generate()
    keys = [case.key_file, case.write_key("new.pub", new)]
    assert case.check(keys=keys) == key_id(case.private.public_key())
    entry = json.loads(sign(case.read(), "churn", "1", new))["signatures"][0]
    case.edit(lambda document: document["signatures"].append(entry))
    assert case.check(keys=keys[1:]) == key_id(new.public_key())


def test_no_signature(case, tmp_path):
    """Unsigned versions are refused where signatures are required, and only there."""
    case.file.unlink()
    assert "nobody vouches, and supply.require_signature is set" in case.refusal()
    assert case.check(required=False) == ""
    assert "no key is configured" in case.refusal(keys=[])
    assert case.check(required=False, keys=[]) == ""
    single = tmp_path / "m.onnx"
    single.write_bytes(model_files.affine())
    source = read_version(single, tmp_path, **BOUNDS)
    with pytest.raises(ModelError, match="a single file has no signature"):
        check_signature(source, "m", "1", inside=tmp_path, key_files=[case.key_file], required=True)
    with pytest.raises(ModelError, match="a single file cannot be signed"):
        signature_file(source)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"statement": 1, "signatures": []}',
        b'{"statement": {}, "signatures": [1]}',
        b'{"statement": {}, "signatures": [{"key": "a", "ed25519": "*"}]}',
        b'{"statement": {}, "signatures": [{"key": "a", "ed25519": 5}]}',
        b"[" * 5000,
    ],
)
def test_files_that_are_no_signature(case, content):
    """Whatever lies there, the answer is a refusal."""
    case.file.write_bytes(content)
    assert "no signature of a model" in case.refusal()


def test_a_signature_from_outside_or_too_large(case, tmp_path):
    """The file is read like the others: never through a link that leaves, never without a bound."""
    case.file.write_bytes(b" " * 20_000)
    assert "the limit is 16384" in case.refusal()
    case.file.unlink()
    case.file.symlink_to("/etc/hostname")
    assert "leaves the folder of models" in case.refusal()


def test_wrong_key_files(case, tmp_path):
    """A key of another kind and a file without a key are named; nothing of them is shown."""
    other = tmp_path / "ec.pub"
    other.write_bytes(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(KeyFileError, match="another kind"):
        read_public_key(other)
    other.write_text("hush-hush")
    for read in (read_public_key, lambda path: read_private_key(path, None)):
        with pytest.raises(KeyFileError) as caught:
            read(other)
        assert "hush" not in str(caught.value)
    assert "a key cannot be read" in case.refusal(keys=[str(other)])
    assert "a key cannot be read" in case.refusal(keys=[str(tmp_path / "none")])


def test_private_keys_with_a_password(tmp_path):
    """The password opens the key; none or another one does not."""
    path = tmp_path / "key.pem"
    path.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open"),
        )
    )
    assert read_private_key(path, b"open")
    for wrong in (None, b"other"):
        with pytest.raises(KeyFileError):
            read_private_key(path, wrong)
