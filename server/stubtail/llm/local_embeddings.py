"""OpenAI's embeddings over HTTP from a model in this process, for the proxy beside it."""

import hmac
import json
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any, Final

from stubtail.llm.local_minilm import DIMENSIONS, MiniLm

BODY_BYTES_MAX: Final = 32 * 1024 * 1024  # the largest message of gRPC, written as JSON
IDLE_S: Final = 60.0  # a connection without a request


class EmbeddingServer(ThreadingHTTPServer):
    """Answers POST /v1/embeddings on a free port of this machine.

    Args:
        model: runs one request at a time: more at once would only share the cores.
        name: what the model is called.
        key: what callers must show.
    """

    daemon_threads = True

    def __init__(self, model: MiniLm, name: str, key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model
        self.name = name
        self.key = key
        self.lock = Lock()


class _RefusedError(Exception):
    """A request that is wrong; HTTP status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class _Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S

    def do_POST(self) -> None:
        """One request; texts are in no log."""
        try:
            status, document = 200, self._answer()
        except _RefusedError as error:
            status, document = error.status, {"error": {"code": error.code}}
            self.close_connection = True  # its body may not have been read
        body = json.dumps(document, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Nothing: the proxy counts the calls."""

    def _answer(self) -> dict[str, Any]:
        shown = self.headers.get("Authorization", "")
        if not hmac.compare_digest(shown.encode(), f"Bearer {self.server.key}".encode()):
            raise _RefusedError(401, "invalid_api_key")
        if self.path != "/v1/embeddings":
            raise _RefusedError(404, "not_found")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            raise _RefusedError(413, "request_too_large")
        try:
            request = json.loads(self.rfile.read(int(length)))
            texts = request["input"]
            texts = [texts] if isinstance(texts, str) else texts
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _RefusedError(400, "invalid_request") from error
        if not texts or not all(isinstance(one, str) for one in texts):
            raise _RefusedError(400, "invalid_request")
        if request.get("dimensions", DIMENSIONS) != DIMENSIONS:
            raise _RefusedError(400, "unsupported_dimensions")
        with self.server.lock:
            vectors, tokens = self.server.model.vectors(texts)
        in_base64 = request.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": b64encode(one.tobytes()).decode() if in_base64 else one.tolist(),
            }
            for index, one in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "model": self.server.name, "data": data, "usage": usage}
