"""The command `stubtail models`: what it prints and how it ends."""

import io

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from stubtail.model_command import run
from tests import model_files
from tests.model_files import write_model

HERE = ("--set", "supply.verify_in=server")


@pytest.fixture
def keys(tmp_path):
    """A private and a public key, as files."""
    private = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open"),
        )
    )
    (tmp_path / "key.pub").write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    (tmp_path / "password").write_text("open\n")
    return tmp_path


@pytest.fixture
def models(tmp_path):
    """A folder with two good versions, a cut one and a single file."""
    root = tmp_path / "models"
    write_model(root / "a" / "1", model_files.affine())
    write_model(root / "a" / "2", model_files.affine(offset=2.0))
    write_model(root / "cut" / "1", model_files.affine()[:40])
    (root / "single.onnx").write_bytes(model_files.affine())
    return root


def call(*arguments):
    """Exit code, output and errors of a call."""
    out, errors = io.StringIO(), io.StringIO()
    code = run([str(one) for one in arguments], out, errors)
    return code, out.getvalue(), errors.getvalue()


def test_verify_tells_good_from_bad(models):
    """One line for each version; any that is refused makes the exit code 1."""
    code, out, errors = call("verify", "--models", models, *HERE)
    assert code == 1
    lines = out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["a@1", "a@2", "cut@1", "single@1"]
    assert lines[0].startswith("a@1: good, sha256 ")
    assert "refused: cut/1/model.onnx: it is no ONNX model" in lines[2]
    assert errors == ""
    code, out, _ = call("verify", "a", "single@1", "--models", models, *HERE)
    assert (code, len(out.splitlines())) == (0, 3)


def test_sign_and_verify(models, keys):
    """What was signed is good where signatures are required; what was not is refused."""
    signing = ("--key-file", keys / "key.pem", "--password-file", keys / "password")
    code, out, _ = call("sign", "a@2", "--models", models, *signing)
    assert (code, out) == (0, "a@2: signed\n")
    wanted = (
        "--set",
        "supply.require_signature=true",
        "--set",
        f"supply.public_key_files={keys / 'key.pub'}",
    )
    code, out, _ = call("verify", "a", "--models", models, *wanted, *HERE)
    assert code == 1
    first, second = out.splitlines()
    assert "a@1: refused: a/1/model.sig: it is not there" in first
    assert ", signed by " in second
    code, out, _ = call("sign", "single", "--models", models, *signing)
    assert (code, "a single file cannot be signed" in out) == (1, True)


def test_wrong_usage(models, keys):
    """No such model, no such setting, a key that does not open: told, with 2."""
    code, _, errors = call("verify", "nobody", "--models", models, *HERE)
    assert (code, "no such version" in errors) == (2, True)
    code, _, errors = call("verify", "--models", models, "--set", "supply.nodes_max=0")
    assert (code, "supply.nodes_max" in errors) == (2, True)
    code, _, errors = call("sign", "--models", models, "--key-file", keys / "key.pem")
    assert (code, "key.pem" in errors) == (2, True)
    code, _, errors = call("sign", "--models", models, "--key-file", keys / "none")
    assert code == 2
    code, _, errors = call("verify", "--models", models, "--set", "supply.require_signature=true")
    assert (code, "name the files of public keys" in errors) == (2, True)
