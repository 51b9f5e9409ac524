"""The keys of providers: read from the environment or from files, never printed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from stubtail.config.llm import ProviderSettings

KEY_BYTES_MAX = 16 * 1024  # a header line; a wrong path may have anything


class Secret:
    """A text that shows itself to nobody but `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(***)" if self._text else "Secret()"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


def read_key(provider: ProviderSettings, environ: Mapping[str, str]) -> Secret:
    """The key of a provider; an empty one where none is configured.

    Raises:
        ValueError: it is configured and cannot be read; the message says why, without the key.
    """
    if provider.api_key_env and environ.get(provider.api_key_env):
        return _checked(environ[provider.api_key_env], f"variable {provider.api_key_env}")
    if provider.api_key_file:
        path = Path(provider.api_key_file)
        try:
            with path.open("rb") as file:
                content = file.read(KEY_BYTES_MAX + 1)
            return _checked(content.decode("ascii"), f"file {path}")
        except OSError as error:
            raise ValueError(f"file {path} cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"file {path} does not look like a key") from error
    if provider.api_key_env:
        raise ValueError(f"the environment variable {provider.api_key_env} is not set")
    return Secret("")


def key_conflicts(
    providers: Mapping[str, ProviderSettings], environ: Mapping[str, str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The providers whose keys cannot be read: the keys of the settings and why."""
    for name, provider in providers.items():
        try:
            read_key(provider, environ)
        except ValueError as error:
            field = "api_key_env" if provider.api_key_env else "api_key_file"
            yield (f"llm.providers.{name}.{field}",), str(error)


def _checked(text: str, where: str) -> Secret:
    key = text.strip()
    if not key or len(key) > KEY_BYTES_MAX or not key.isascii() or not key.isprintable():
        raise ValueError(f"{where} does not look like a key")
    return Secret(key)
