"""Writes a pool of different ModelInfer requests as JSON, for load generators that send JSON.

`python -m benchmarks.recipes.rows --model churn > rows.json`: an array of requests in protobuf's
JSON form, each with other rows. A tree model that gets the same row again and again looks up to
3.5 times too fast.
"""

import argparse
import base64
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.rows import Rows, Subject


def request(subject: Subject, block: Rows) -> dict[str, Any]:
    """A ModelInferRequest of `block`, float32 [rows, features], in protobuf's JSON form."""
    return {
        "model_name": subject.name,
        "inputs": [{"name": subject.input_name, "datatype": "FP32", "shape": list(block.shape)}],
        "raw_input_contents": [base64.b64encode(block.tobytes()).decode()],
    }


def main() -> None:
    """Writes the array to stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("exported_models"))
    parser.add_argument("--model", default="churn")
    parser.add_argument("--rows", type=int, default=1, help="in each request")
    parser.add_argument("--requests", type=int, default=4096)
    options = parser.parse_args()
    subject = Subject(options.models / options.model)
    blocks = subject.draw(options.requests * options.rows, seed=41)
    pool = [request(subject, block) for block in blocks.reshape(-1, options.rows, subject.features)]
    json.dump(pool, sys.stdout)


if __name__ == "__main__":
    main()
