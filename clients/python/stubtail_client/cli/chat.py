"""The commands `chat`, `embed`, `llms` and `providers`: language models on the terminal."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stubtail_client.chat_answers import ChatAnswer
from stubtail_client.cli.csv_rows import InputError
from stubtail_client.cli.tables import table
from stubtail_client.client import Client

_OPTIONS = ("system", "temperature", "max_tokens", "seed")


def chat(client: Client, arguments: Namespace) -> None:
    """Prints an answer as it comes. Ctrl-C cancels the call, as leaving the `with` does.

    Raises:
        InputError: a file cannot be read, or there is nothing to say.
        StubtailError: the answer failed; what came before is printed.
    """
    text = _text(arguments.text)
    options: Any = {
        name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name) is not None
    }
    if arguments.image:
        options["images"] = [_image(one) for one in arguments.image]
    if arguments.cache:
        options["cache"] = True
    with client.chat_stream(arguments.model, text, timeout=arguments.timeout, **options) as stream:
        begun = False
        try:
            for piece in stream:
                begun = True
                if not arguments.json:
                    sys.stdout.write(piece.text)
                    sys.stdout.flush()
        finally:
            if begun and not arguments.json:
                sys.stdout.write("\n")
                sys.stdout.flush()
        answer = stream.answer
    if arguments.json:
        sys.stdout.write(json.dumps(_document(answer), ensure_ascii=False) + "\n")
    elif arguments.usage:
        sys.stderr.write(_summary(answer) + "\n")


def embed(client: Client, arguments: Namespace) -> Iterator[str]:
    """One JSON array a line for each text.

    Raises:
        InputError: there is no text.
        StubtailError: the call failed.
    """
    texts = arguments.texts
    if texts == ["-"]:
        texts = [line for line in sys.stdin.read().splitlines() if line]
    if not texts:
        raise InputError("there is no text to embed")
    found = client.embed(arguments.model, texts, timeout=arguments.timeout)
    for vector in found.vectors:
        yield json.dumps([round(float(value), 7) for value in vector])


def llms(client: Client, _: Namespace) -> list[str]:
    """The language models and the aliases of the server."""
    found = client.language_models()
    rows = [[name, "stands for " + ", ".join(found.aliases[name])] for name in found.aliases]
    for one in found.models:
        price = "no price"
        if one.input_usd is not None:
            price = f"${one.input_usd:g} in, ${one.output_usd:g} out, a million tokens"
        rows.append([one.name, price])
    return table(["name", ""], rows)


def providers(client: Client, arguments: Namespace) -> list[str]:
    """How the providers are doing."""
    rows = []
    for one in client.providers(arguments.provider):
        first = "-" if one.first_token_s is None else f"{one.first_token_s * 1e3:.0f} ms"
        state = "throttled" if one.throttled else one.breaker.replace("_", "-")
        rows.append(
            [
                f"{one.provider}/{one.model}",
                state,
                str(one.in_flight),
                first,
                f"{one.failures:,} of {one.attempts:,}",
            ]
        )
    return table(["model", "breaker", "in flight", "first token", "failed"], rows)


def _text(words: list[str]) -> str:
    text = sys.stdin.read() if words == ["-"] else " ".join(words)
    if not text.strip():
        raise InputError("there is nothing to say: give the text, or - to read it")
    return text


def _image(name: str) -> str | bytes:
    if name.startswith(("https://", "http://", "data:")):
        return name
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None


def _document(answer: ChatAnswer) -> dict[str, Any]:
    usage = answer.usage
    return {
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "provider": answer.provider,
        "model": answer.model,
        "cached": answer.cached,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_nano_usd": usage.cost_nano_usd,
        "first_token_s": answer.first_token_s,
    }


def _summary(answer: ChatAnswer) -> str:
    usage = answer.usage
    cost = "" if usage.cost_nano_usd is None else f", ${usage.cost_nano_usd / 1e9:.6f}"
    return (
        f"{answer.provider}/{answer.model}: {usage.input_tokens} tokens in, "
        f"{usage.output_tokens} out{cost}, first after {answer.first_token_s * 1e3:.0f} ms"
    )
