"""Secrets leave no trace in lines that people read; everything else stays as it is."""

import io
import json
import logging
import time

import pytest

from stubtail.config import ConfigError, LogSettings, load
from stubtail.config.redaction import redact
from stubtail.logs import Logs

SECRETS = [
    "Bearer abcdef0123456789abcdef",
    "authorization: Basic dXNlcjpwYXNzd29yZA==",
    "stk_abcdefgh_" + "A" * 43,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "sk-" + "a1" * 20,
    "gsk_" + "b2" * 20,
    "AKIA" + "ABCDEFGH12345678",
    "postgres://user:hunter22@db/x",
    '{"api_key": "hunter22"}',
    "password=hunter22",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIhunter22\n-----END PRIVATE KEY-----",
]
LEAKS = [
    "abcdef0123456789abcdef", "dXNlcjpwYXNzd29yZA", "A" * 43, "eyJzdWIiOiIxIn0", "a1a1a1", "b2b2b2",
    "ABCDEFGH12345678", "hunter22",
]  # fmt: skip
PLAIN = [
    "",
    "model churn@1 is ready in 5.2 ms",
    'churn/1/model.onnx: it has no output "p", only score FP32 [-1, 1]; export it again',
    "sha256 f57b77cd2c3581d1564c19d8ed35f49b2451a520f9e156a981891e79b84c9db8",
    "http://127.0.0.1:8501/metrics",
    "spiffe://example.org/ns/shop/sa/web",
    "the key file server.key cannot be read",
    "basic functionality, bearer realm, token: expired",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_taken_out(text):
    """Each known form, alone and within a sentence."""
    for shown in (redact(text), redact(f"upstream said {text!s} and more")):
        assert "***" in shown
        assert not [leak for leak in LEAKS if leak in shown]


@pytest.mark.parametrize("text", PLAIN)
def test_all_else_stays(text):
    """Names, hashes and addresses are no secrets."""
    assert redact(text) == text


def test_long_texts_take_no_time():
    """No pattern takes more than linear time: a caller's text can end up in a line."""
    begin_s = time.process_time()
    for piece in ("a://", "Bearer ", "eyJ", "id_token", "-----BEGIN PRIVATE KEY-----", ":", "key="):
        redact(piece * 20_000)
        redact(piece + "a" * 100_000)
    assert time.process_time() - begin_s < 30, "quadratic patterns take minutes"


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_log_line_is_redacted(form):
    """Message, fields and tracebacks, of whatever logger."""
    stream = io.StringIO()
    logs = Logs(LogSettings(format=form), stream=stream)
    logs.start()
    try:
        log = logging.getLogger("stubtail.test")
        log.warning("failed with %s", SECRETS[0], extra={"detail": SECRETS[2], "list": SECRETS})
        log.error("raised", exc_info=ValueError(SECRETS[4]))
        logging.getLogger("somebody.else").warning(SECRETS[3])
    finally:
        logs.close()
    text = stream.getvalue()
    assert text.count("***") >= 4
    assert not [leak for leak in LEAKS if leak in text]
    if form == "json":
        for line in text.splitlines():
            json.loads(line)


def test_a_key_in_the_place_of_its_name():
    """The message of a wrong configuration does not repeat it."""
    key = "sk-" + "a1" * 20
    environ = {"STUBTAIL_LOG_LEVEL": key}
    with pytest.raises(ConfigError) as caught:
        load(None, (), environ)
    assert "a1a1a1" not in str(caught.value)
    assert "STUBTAIL_LOG_LEVEL" in str(caught.value)
