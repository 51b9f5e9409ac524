"""What a check found out about one version, as it travels from the checking process: as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from stubtail.models.signature import Signature, TensorSpec, spec_of

TENSORS_MAX: Final = 10_000  # a graph with more inputs and outputs is no model for callers


@dataclass(frozen=True, slots=True)
class Proof:
    """A version that passed every check.

    Attributes:
        sha256: of the graph's bytes that were checked.
        manifest_sha256: of model.json as it was checked; "" where there is none.
        signature: names, types and shapes, corrected by what the warm-up saw.
        run_fixed_s: seconds of one run whatever its rows.
        run_per_row_s: seconds that each row adds.
        notes: what the owner of the model should know, for the log only.
        signed_by: the id of the key whose signature was verified; "" without one.
    """

    sha256: str
    manifest_sha256: str
    signature: Signature
    run_fixed_s: float
    run_per_row_s: float
    notes: tuple[str, ...] = ()
    signed_by: str = ""

    def document(self) -> dict[str, Any]:
        """The proof as plain values."""
        return {
            "sha256": self.sha256,
            "manifest_sha256": self.manifest_sha256,
            "inputs": [_plain(spec) for spec in self.signature.inputs],
            "outputs": [_plain(spec) for spec in self.signature.outputs],
            "batchable": self.signature.batchable,
            "run_fixed_s": self.run_fixed_s,
            "run_per_row_s": self.run_per_row_s,
            "notes": list(self.notes),
            "signed_by": self.signed_by,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The proof that `document` took apart.

        Raises:
            ValueError: it is something else: the process that wrote it cannot be believed.
        """
        try:
            signature = Signature(
                inputs=_specs(document["inputs"]),
                outputs=_specs(document["outputs"]),
                batchable=document["batchable"] is True,
            )
            proof = cls(
                sha256=str(document["sha256"]),
                manifest_sha256=str(document["manifest_sha256"]),
                signature=signature,
                run_fixed_s=float(document["run_fixed_s"]),
                run_per_row_s=float(document["run_per_row_s"]),
                notes=tuple(str(note) for note in document["notes"]),
                signed_by=str(document["signed_by"]),
            )
        except (LookupError, TypeError) as error:
            raise ValueError("no proof") from error
        if not (0 <= proof.run_fixed_s < 1e6 and 0 <= proof.run_per_row_s < 1e6):
            raise ValueError("no times")
        return proof


def _plain(spec: TensorSpec) -> list[object]:
    return [spec.name, spec.datatype, list(spec.shape)]


def _specs(values: Any) -> tuple[TensorSpec, ...]:
    if not isinstance(values, list) or len(values) > TENSORS_MAX:
        raise ValueError("no tensors")
    return tuple(
        spec_of(str(name), datatype, tuple(int(size) for size in shape))
        for name, datatype, shape in values
    )
