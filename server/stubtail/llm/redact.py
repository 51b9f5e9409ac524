"""Takes e-mail addresses, phone numbers and card numbers out of requests; pure.

What is found is replaced by its kind, such as [EMAIL]: the model still sees that there was one. It
looks at texts, results and arguments of tools, texts to embed, and the name of the person who asks;
not at images, nor at what the application itself says of its tools.

Patterns are bounded in length and begin only where a word begins, so that a text of any form takes
a time in proportion to its length. Digits are taken for good: a run of them that could be cut into
groups in many ways would be tried in all of them.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from stubtail.llm.hooks import Request
from stubtail.v1 import llm_pb2

# Local parts of RFC 5321 without quoting; letters of any language, as RFC 6531 allows.
EMAIL: Final = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
# 13 to 19 digits, with single blanks or dashes between them (ISO/IEC 7812); Luhn decides.
CARD: Final = re.compile(r"(?<![\d.+-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\d-])")
# International (+49 30 1234567), North American (555-123-4567), and national with a leading 0 and a
# separator (030 1234567). Bare runs of digits are numbers of something else more often than not.
PHONE: Final = re.compile(
    r"(?<![\w.,+])(?:"
    r"(?:\+|00)[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,5}+\)?){2,6}"
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"
    r"|\(?0\d{1,4}\)?[ /-]\d{2,8}(?:[ -]\d{2,6}){0,3}"
    r")(?![\w])"
)
PHONE_DIGITS: Final = range(7, 16)  # E.164 ends at 15
_DIGITS: Final = re.compile(r"\d")

Edited = TypeVar("Edited", llm_pb2.ChatRequest, llm_pb2.EmbedRequest)


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is taken out."""

    emails: bool = False
    phones: bool = False
    cards: bool = False


class Redaction:
    """Replaces what the settings say; an `edit` of the proxy's hooks.

    Attributes:
        replaced: how much of each kind so far.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self.replaced: Counter[str] = Counter()

    def __call__(self, request: Edited) -> Edited:
        """A copy to send; the request itself stays as it came."""
        made = type(request)()
        made.CopyFrom(request)
        self._edit(made)
        return made

    def text(self, text: str) -> str:
        """The text without what the settings name."""
        # Cards first: a part of one may look like a phone number.
        if self._kinds.cards:
            text = CARD.sub(self._card, text)
        if self._kinds.emails:
            text = EMAIL.sub(lambda _: self._mark("EMAIL"), text)
        if self._kinds.phones:
            text = PHONE.sub(self._phone, text)
        return text

    def _edit(self, request: Request) -> None:
        request.end_user = self.text(request.end_user)
        if isinstance(request, llm_pb2.EmbedRequest):
            request.inputs[:] = [self.text(one) for one in request.inputs]
            return
        for message in request.messages:
            message.text = self.text(message.text)
            message.name = self.text(message.name)
            message.reasoning = self.text(message.reasoning)
            for part in message.parts:
                if part.WhichOneof("content") == "text":
                    part.text = self.text(part.text)
            for call in message.tool_calls:
                call.arguments_json = self._json(call.arguments_json)

    def _json(self, text: str) -> str:
        """JSON stays JSON: its texts are edited, and a number that is a card becomes a text."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        edited = self._value(document)
        return text if edited == document else json.dumps(edited, ensure_ascii=False)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self._value(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._value(one) for one in value]
        if isinstance(value, int) and not isinstance(value, bool):
            told = self.text(str(value)) if abs(value) < 10**19 else str(value)
            return value if told == str(value) else told
        return value

    def _card(self, found: re.Match[str]) -> str:
        return self._mark("CARD") if luhn(_DIGITS.findall(found[0])) else found[0]

    def _phone(self, found: re.Match[str]) -> str:
        count = len(_DIGITS.findall(found[0]))
        return self._mark("PHONE") if count in PHONE_DIGITS else found[0]

    def _mark(self, kind: str) -> str:
        self.replaced[kind.lower()] += 1
        return f"[{kind}]"


def luhn(digits: list[str]) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0
