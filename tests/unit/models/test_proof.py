"""A proof travels as JSON and comes back the same; what is no proof is not believed."""

import json

import numpy as np
import pytest

from stubtail.models.proof import Proof
from stubtail.models.signature import Signature, TensorSpec

PROOF = Proof(
    sha256="ab",
    manifest_sha256="",
    signature=Signature(
        inputs=(TensorSpec("x", np.dtype(np.float32), "FP32", (-1, 3)),),
        outputs=(TensorSpec("y", np.dtype(object), "BYTES", ()),),
        batchable=True,
    ),
    run_fixed_s=1e-5,
    run_per_row_s=0.0,
    notes=("é",),
    signed_by="01",
)


def test_there_and_back():
    """All fields survive JSON."""
    assert Proof.read(json.loads(json.dumps(PROOF.document()))) == PROOF


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": None},
        {"inputs": [["x", "FP99", [1]]]},
        {"inputs": [["x", "FP32"]]},
        {"inputs": [["x", "FP32", ["a"]]]},
        {"outputs": [["x", "FP32", []]] * 10_001},
        {"notes": 5},
        {"run_fixed_s": -1.0},
        {"run_fixed_s": float("nan")},
        {"run_per_row_s": float("inf")},
        {"run_per_row_s": None},
    ],
)
def test_what_is_no_proof(change):
    """Whatever a broken process says, it is an error that the server expects."""
    with pytest.raises(ValueError):
        Proof.read(PROOF.document() | change)


@pytest.mark.parametrize("key", list(PROOF.document()))
def test_a_missing_field(key):
    """Every field is needed."""
    document = PROOF.document()
    del document[key]
    with pytest.raises(ValueError):
        Proof.read(document)
