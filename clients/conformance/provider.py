"""A provider of language models that always says the same, in OpenAI's protocol."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

WORDS = ("Grüße ", "aus ", "東京 ", "🦀.")
USAGE = {"prompt_tokens": 7, "completion_tokens": 4}


class _Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answers one request."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/embeddings"):
            self._json(self._vectors(body["input"]))
        elif body["model"] == "refusing":
            self._json({"error": {"code": "bad_request"}}, 400)
        elif body.get("stream"):
            self._stream(breaks=body["model"] == "breaking")
        else:
            message = {"role": "assistant", "content": "".join(WORDS)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._json({"id": "1", "model": "said", "choices": [choice], "usage": USAGE})

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _vectors(self, inputs: list[str]) -> dict[str, Any]:
        data = [
            {"index": index, "embedding": [float(len(text)), 0.5, -1.25]}
            for index, text in enumerate(inputs)
        ]
        return {"model": "said", "data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}}

    def _json(self, document: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, *, breaks: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for word in WORDS[:2] if breaks else WORDS:
            self._event({"choices": [{"index": 0, "delta": {"content": word}}]})
        self.close_connection = True
        if not breaks:
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self._event({"choices": [], "usage": USAGE})
            self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, document: dict[str, Any]) -> None:
        event = {"id": "1", "model": "said", **document}
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()


class Provider:
    """Serves on a thread of its own."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Talk)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def base_url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
