"""What the clients show of us: never in the clear, never in an error, always the newest."""

from pathlib import Path

import pytest

from stubtail_client import AsyncClient, Client, Credentials, InvalidArgument
from stubtail_client import credentials as module

SECRET = "stk_abcdefgh_" + "s" * 43


def test_a_key_goes_with_each_call() -> None:
    """As a bearer, whether it is a key or a token, a value or what a function gives."""
    assert Credentials(api_key=SECRET).metadata() == (("authorization", f"Bearer {SECRET}"),)
    tokens = iter(["one", "two", "three"])
    shown = Credentials(token=lambda: next(tokens))
    assert [shown.metadata()[0][1] for _ in range(2)] == ["Bearer two", "Bearer three"]
    assert Credentials().metadata() == ()


def test_a_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens that are mounted are exchanged in place; one that is away for a moment goes on."""
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    path = tmp_path / "token"
    path.write_text("first\n")
    shown = Credentials(token_file=path)
    assert shown.metadata()[0][1] == "Bearer first"
    path.write_text("the second\n".replace(" ", "-"))
    assert shown.metadata()[0][1] == "Bearer the-second"
    path.write_text("")  # as whoever writes it anew leaves it for a moment
    assert shown.metadata()[0][1] == "Bearer the-second"
    path.write_text("third")
    assert shown.metadata()[0][1] == "Bearer third"
    path.unlink()
    assert shown.metadata()[0][1] == "Bearer third"
    path.write_text("")
    with pytest.raises(InvalidArgument):
        Credentials(token_file=path)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_secret_does_not_leave_the_machine_in_the_clear(kind: type) -> None:
    """Unless somebody says so, or it goes by TLS, or it stays on this machine."""
    secret = Credentials(api_key=SECRET)
    with pytest.raises(InvalidArgument, match="in the clear") as caught:
        kind("example.org:8500", credentials=secret)
    assert SECRET not in str(caught.value)
    for server, credentials in (
        ("127.0.0.1:8500", secret),
        ("example.org:8500", Credentials(api_key=SECRET, plain_text=True)),
        ("example.org:8500", Credentials(api_key=SECRET, tls=True)),
        ("example.org:8500", Credentials()),
    ):
        client = kind(server, credentials=credentials)
        if kind is Client:
            client.close()


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": SECRET, "token": "x"},
        {"api_key": "two words"},
        {"api_key": ""},
        {"api_key": "line\nbreak"},
        {"token": "ü"},
        {"token_file": "/nowhere/token"},
        {"cert": "us.pem"},
        {"ca": "/nowhere/ca.pem"},
    ],
)
def test_what_cannot_be_shown_is_refused_at_once(options: dict[str, str]) -> None:
    """Without repeating it."""
    with pytest.raises(InvalidArgument) as caught:
        Credentials(**options)  # type: ignore[arg-type]  # all of them are texts
    assert SECRET not in str(caught.value)


def test_credentials_show_themselves_to_nobody() -> None:
    """In logs and tracebacks."""
    assert SECRET not in repr(Credentials(api_key=SECRET))
    assert "***" in repr(Credentials(api_key=SECRET))
