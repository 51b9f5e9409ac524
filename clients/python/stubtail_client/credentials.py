"""Who we are to a server: an API key or a token, from a value or a file, and certificates."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc

from stubtail_client.errors import InvalidArgument

FILE_BYTES_MAX = 16 * 1024  # what a server takes of metadata; a wrong path may have anything
LOOK_S = 1.0  # a file is looked at so often: tokens that are mounted are exchanged in place
_CREDENTIAL = re.compile(r"[!-~]+")  # what a header line takes


class Credentials:
    """What a client shows a server, for the argument `credentials` of both clients.

    Args:
        api_key: a key as `stubtail keys new` prints it.
        api_key_file: a file with one; read again when it changes.
        token: a JWT, or a function that gives one for each call and returns at once.
        token_file: a file with one; read again when it changes. At most one of the four.
        tls: connect with TLS; implied by `ca` and `cert`.
        ca: authorities to trust, a PEM file; None takes those that gRPC brings along.
        cert: our certificate with its chain, a PEM file, for mutual TLS.
        key: its key, a PEM file.
        plain_text: send a key or a token without TLS to another machine. Whoever is on the way can
            read it: only in a closed network, or with a proxy on this machine that encrypts.

    Raises:
        InvalidArgument: they do not go together, or a file cannot be read.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_key_file: str | Path | None = None,
        token: str | Callable[[], str] | None = None,
        token_file: str | Path | None = None,
        tls: bool = False,
        ca: str | Path | None = None,
        cert: str | Path | None = None,
        key: str | Path | None = None,
        plain_text: bool = False,
    ) -> None:
        given = [one for one in (api_key, api_key_file, token, token_file) if one is not None]
        if len(given) > 1:
            raise InvalidArgument("give one of api_key, api_key_file, token and token_file")
        if (cert is None) != (key is None):
            raise InvalidArgument("cert and key belong together: give both or neither")
        file = api_key_file if api_key_file is not None else token_file
        value = api_key if api_key is not None else token
        self._read: Callable[[], str] | None = None
        if file is not None:
            self._read = _FileContent(Path(file))
        elif callable(value):
            self._read = value
        elif value is not None:
            checked = _checked(value, "it")
            self._read = lambda: checked
        self.plain_text = plain_text
        self.channel: grpc.ChannelCredentials | None = None
        if tls or ca is not None or cert is not None:
            self.channel = grpc.ssl_channel_credentials(_file(ca), _file(key), _file(cert))
        if self._read is not None:
            self._read()  # a file that is not there is told now

    @property
    def has_secret(self) -> bool:
        """Whether calls carry a key or a token."""
        return self._read is not None

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What each call carries; raises InvalidArgument where a token cannot be had."""
        if self._read is None:
            return ()
        return (("authorization", f"Bearer {_checked(self._read(), 'what the function gave')}"),)

    def __repr__(self) -> str:
        return (
            f"Credentials(secret={'***' if self._read else None}, tls={self.channel is not None})"
        )


class _FileContent:
    """The text of a file, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._looked_s = float("-inf")
        self._mark: tuple[int, int, int] | None = None
        self._text = ""

    def __call__(self) -> str:
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_S:
            return self._text
        with self._lock:
            self._looked_s = now_s
            try:
                info = self._path.stat()
                mark = (info.st_mtime_ns, info.st_ino, info.st_size)
                if mark != self._mark:
                    with self._path.open("rb") as file:
                        content = file.read(FILE_BYTES_MAX + 1)
                    self._text = _checked(_ascii(content), f"{self._path}")
                    self._mark = mark
            except OSError as error:
                if not self._text:  # one that is being exchanged is there again in a moment
                    reason = error.strerror or str(error)
                    raise InvalidArgument(f"{self._path}: cannot be read: {reason}") from None
            except InvalidArgument:
                if not self._text:  # one that is being written is empty for a moment
                    raise
            return self._text


def parts_of(
    credentials: "grpc.ChannelCredentials | Credentials | None", server: str, *, loopback: bool
) -> tuple[grpc.ChannelCredentials | None, Credentials | None]:
    """For the channel, and for each call.

    Raises:
        InvalidArgument: a key or a token would go to another machine in the clear, or they are
            no credentials.
    """
    if credentials is None or isinstance(credentials, grpc.ChannelCredentials):
        return credentials, None
    if not isinstance(credentials, Credentials):  # its value may be a secret
        raise InvalidArgument(
            'credentials are a Credentials, such as Credentials(api_key_file="key.txt"), or those '
            f"of gRPC, not {type(credentials).__name__}"
        )
    secret = credentials.has_secret
    if secret and credentials.channel is None and not loopback and not credentials.plain_text:
        raise InvalidArgument(
            f"a key or a token would go to {server} in the clear: connect with TLS (tls=True or "
            "ca=..), or say plain_text=True"
        )
    return credentials.channel, credentials if secret else None


def _ascii(content: bytes) -> str:
    return content.decode("ascii", "replace").strip()


def _checked(text: str, where: str) -> str:
    """The credential; never repeated in an error."""
    text = text.strip()
    if not _CREDENTIAL.fullmatch(text) or len(text) > FILE_BYTES_MAX:
        raise InvalidArgument(f"{where} does not look like a key or a token")
    return text


def _file(path: str | Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path}: cannot be read: {error.strerror or error}") from None
