"""Events that say the same as an earlier one but for their text: only that is read; pure.

Nearly all chunks of a stream are one JSON document with another text in it. To read them as JSON
each time is a third of what a token costs our Python.
"""

import re
from typing import Final

LEARNT_BYTES_MAX: Final = 4096  # of an event; it is kept as long as its stream
LEARNT_MAX: Final = 8  # times in a stream: some providers change more than the text each time
_TEXT: Final = re.compile(rb'"content"[ \t\r\n]*:[ \t\r\n]*"([^"\\\x00-\x1f]*)"')
_KEY: Final = b'"content"'
_SPECIAL: Final = re.compile(rb'["\\\x00-\x1f]')  # ends a text, or stands for something else


class Mould:
    """What stands around the text of an event.

    It is learnt where the document has no escape and `"content"` is in it once: then every quote
    begins or ends a string, and this one is the key whose text was read. Any text without a quote,
    an escape or a control character can take its place, and the document says the same otherwise.
    """

    __slots__ = ("_after", "_before", "_left")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._left = LEARNT_MAX

    def text_of(self, data: bytes) -> str:
        """The text of an event that is like the one learnt; empty for all others."""
        before, after = self._before, self._after
        if not before or not data.startswith(before) or not data.endswith(after):
            return ""
        raw = data[len(before) : -len(after)]
        if _SPECIAL.search(raw):
            return ""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return ""

    def learn(self, data: bytes, text: str) -> bool:
        """Learns from an event whose `content` was read, and was this text; whether it did."""
        if not self._left or len(data) > LEARNT_BYTES_MAX:
            return False
        self._left -= 1
        found = _TEXT.search(data)
        if found is None or b"\\" in data or data.count(_KEY) != 1 or found[1] != text.encode():
            return False
        self._before, self._after = data[: found.start(1)], data[found.end(1) :]
        return True
