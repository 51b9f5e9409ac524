"""One call for the vectors of texts: OpenAI's embeddings, as bytes of floats where possible; pure.

The vectors are asked for as base64 of float32, a quarter of the bytes of decimal numbers; providers
that do not know this send lists, which are read too.
"""

import json
from base64 import b64decode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stubtail.llm.attempts import Attempt, Attempts, Means, Terms
from stubtail.llm.failures import MALFORMED, AttemptFailedError
from stubtail.llm.openai_reply import counts_of, document_of
from stubtail.llm.pieces import Counts, name_of
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2

Vector = NDArray[np.float32]


class EmbedCall(Attempts):
    """One call from its arrival to its end; arguments as for `ChatCall`."""

    def __init__(self, means: Means, request: llm_pb2.EmbedRequest, terms: Terms) -> None:
        super().__init__(means, request, terms)
        self._embed = request

    async def whole(self) -> llm_pb2.EmbedResponse:
        """All vectors.

        Raises:
            CallError: no upstream gave them.
        """
        answered = await self._first(self._vectors)
        attempt, upstream = answered.attempt, answered.attempt.upstream
        vectors, counts, model = answered.result
        try:
            self._note_answer(attempt)
            self._ledger.counts = counts
            attempt.usage = self._ledger.usage(upstream)
        finally:
            self._close(attempt)
        return llm_pb2.EmbedResponse(
            embeddings=[llm_pb2.Embedding(values=one.tolist()) for one in vectors],
            provider=upstream.provider,
            model=upstream.model,
            response_model=model,
            usage=attempt.usage,
            timing=self._ledger.timing(),
            attempts=self._ledger.attempts,
        )

    async def _vectors(self, attempt: Attempt) -> tuple[list[Vector], Counts | None, str]:
        """What one attempt gives; raises AttemptFailedError."""
        upstream = attempt.upstream
        await self._ask(attempt, upstream.embed_url, self._body(upstream), stream=False)
        decoded = self._decode(await attempt.reader.whole())
        self._ledger.note_first(attempt.started_s)
        return decoded

    def _body(self, upstream: Upstream) -> bytes:
        request = self._embed
        body: dict[str, Any] = {"model": upstream.model, "input": list(request.inputs)}
        body["encoding_format"] = "base64"
        if request.HasField("dimensions"):
            body["dimensions"] = request.dimensions
        if request.end_user:
            body["user"] = request.end_user
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def _decode(self, body: bytes) -> tuple[list[Vector], Counts | None, str]:
        document = document_of(body)
        try:
            counts = counts_of(document["usage"]) if document.get("usage") else None
            vectors = _vectors(document["data"], len(self._embed.inputs))
        except (TypeError, ValueError, OverflowError, AttributeError, KeyError) as error:
            raise AttemptFailedError(MALFORMED, 200) from error
        return vectors, counts, name_of(document.get("model"))


def _vectors(data: Any, count: int) -> list[Vector]:
    """The vectors in the order of the texts; raises ValueError unless there is one for each."""
    found: dict[int, Vector] = {}
    for position, one in enumerate(data):
        found[one.get("index", position)] = _vector(one["embedding"])
    if sorted(found) != list(range(count)) or len({one.size for one in found.values()}) != 1:
        raise ValueError("one vector for each text, all of one length")
    return [found[index] for index in range(count)]


def _vector(value: Any) -> Vector:
    if isinstance(value, str):
        made = np.frombuffer(b64decode(value, validate=True), "<f4")
    else:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
            made = np.array(value, np.float32)
    if made.ndim != 1 or not made.size or not np.isfinite(made).all():
        raise ValueError("a vector is a list of finite numbers")
    return made
