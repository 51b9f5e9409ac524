"""The tokens of BERT's uncased vocabulary: greedy pieces of words; pure.

Method: Devlin et al. (2019), BERT; Wu et al. (2016) for the pieces. Special tokens in a text are
text here: nobody can end a text early by writing "[SEP]".
"""

import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import Final

CLS: Final = "[CLS]"
SEP: Final = "[SEP]"
UNKNOWN: Final = "[UNK]"
WORD_CHARACTERS_MAX: Final = 100  # longer ones are unknown, as in training
WORDS_KEPT: Final = 8192  # texts repeat their words
# Blocks of CJK ideographs, which stand alone; kana and hangul are words.
IDEOGRAPHS: Final = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)


class WordPiece:
    """Text to the numbers of tokens."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self._vocabulary = vocabulary
        self._unknown = vocabulary[UNKNOWN]
        self._pieces = lru_cache(WORDS_KEPT)(self._pieces_of)

    @classmethod
    def load(cls) -> "WordPiece":
        """With the vocabulary of this package."""
        text = (files("stubtail.llm") / "data" / "minilm_vocab.txt").read_text(encoding="utf-8")
        return cls({token: number for number, token in enumerate(text.splitlines())})

    def numbers(self, text: str, most: int) -> list[int]:
        """At most so many tokens, the first and the last special; what is beyond is left out."""
        found = [self._vocabulary[CLS]]
        for word in _words(text):
            found += self._pieces(word)
            if len(found) >= most:
                break
        return [*found[: most - 1], self._vocabulary[SEP]]

    def _pieces_of(self, word: str) -> tuple[int, ...]:
        if len(word) > WORD_CHARACTERS_MAX:
            return (self._unknown,)
        found: list[int] = []
        at = 0
        while at < len(word):
            for end in range(len(word), at, -1):
                piece = word[at:end] if not at else f"##{word[at:end]}"
                number = self._vocabulary.get(piece)
                if number is not None:
                    found.append(number)
                    at = end
                    break
            else:
                return (self._unknown,)
        return tuple(found)


def _words(text: str) -> list[str]:
    """Words without case and accents, punctuation and ideographs each by itself."""
    plain = "".join(_spaced(character) for character in text)
    # One by one: a word's last sigma would become another letter, which the vocabulary lacks.
    lowered = (one.lower() for one in unicodedata.normalize("NFD", plain))
    bare = (one for part in lowered for one in part if unicodedata.category(one) != "Mn")
    return "".join(f" {one} " if _is_punctuation(one) else one for one in bare).split()


@lru_cache(WORDS_KEPT)
def _spaced(character: str) -> str:
    if character in "\t\n\r":
        return " "
    category = unicodedata.category(character)
    if character in "\0\ufffd" or category in {"Cc", "Cf", "Co"}:
        return ""
    if category == "Zs":
        return " "
    number = ord(character)
    if any(first <= number <= last for first, last in IDEOGRAPHS):
        return f" {character} "
    return character


@lru_cache(WORDS_KEPT)
def _is_punctuation(character: str) -> bool:
    if character.isascii():
        return not character.isalnum() and character.isprintable() and character != " "
    return unicodedata.category(character).startswith("P")
