"""The tokens of BERT, against those that the reference library (tokenizers 0.23) gives."""

import pytest

from stubtail.llm.local_wordpiece import WordPiece

REFERENCE = [
    ("", [101, 102]),
    ("Hello, world!", [101, 7592, 1010, 2088, 999, 102]),
    ("unaffable embeddings", [101, 14477, 20961, 3468, 7861, 8270, 4667, 2015, 102]),
    ("Größe ändert sich", [101, 24665, 2080, 17499, 1998, 8743, 14387, 2232, 102]),
    ("日本語 text", [101, 1864, 1876, 1950, 3793, 102]),
    ("naïve café", [101, 15743, 7668, 102]),
    (
        "\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3",
        [101, 1173, 18199, 29733, 29735, 29736, 29730, 29733, 102],
    ),
    ("a\u200bb\tc\x00d", [101, 11113, 3729, 102]),
    ("🙂 smile", [101, 100, 2868, 102]),
    ("x" * 101, [101, 100, 102]),
    ("İstanbul's №5 \u2014 100%", [101, 9960, 1005, 1055, 1578, 2629, 1517, 2531, 1003, 102]),
]  # fmt: skip


@pytest.fixture(scope="module")
def words() -> WordPiece:
    """With the vocabulary of the package."""
    return WordPiece.load()


@pytest.mark.parametrize(("text", "numbers"), REFERENCE)
def test_tokens_are_those_of_the_reference(words: WordPiece, text: str, numbers: list[int]) -> None:
    """Case, accents, ideographs, what cannot be seen, and what is not known."""
    assert words.numbers(text, 256) == numbers


def test_a_long_text_is_cut_and_ends_as_it_should(words: WordPiece) -> None:
    """The last token is the special one, whatever is left out."""
    numbers = words.numbers("many words " * 1000, 256)
    assert len(numbers) == 256
    assert (numbers[0], numbers[-1]) == (101, 102)


def test_special_tokens_in_a_text_are_text(words: WordPiece) -> None:
    """Nobody ends a text by writing the name of its end."""
    assert 102 not in words.numbers("a [SEP] b [CLS]", 256)[1:-1]
