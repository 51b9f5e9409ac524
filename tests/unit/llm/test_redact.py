"""Redaction: what is found, what is left alone, and that requests stay what they are."""

import json
import random
import time

import pytest

from stubtail.llm.redact import Kinds, Redaction, luhn
from stubtail.v1 import llm_pb2

ALL = Kinds(emails=True, phones=True, cards=True)


def redacted(text: str, kinds: Kinds = ALL) -> str:
    """A text without what was found in it."""
    return Redaction(kinds).text(text)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.de",
        "jane.doe+news@mail.example.co.uk",
        "x_y%z@sub-domain.example.com",
        "jürgen@müller.de",
        "UPPER@EXAMPLE.ORG",
    ],
)
def test_addresses_are_found_wherever_they_stand(address: str) -> None:
    """In a sentence, in brackets, before a full stop."""
    assert redacted(f"Write to {address}.") == "Write to [EMAIL]."
    assert redacted(f"<{address}>,{address};") == "<[EMAIL]>,[EMAIL];"


@pytest.mark.parametrize(
    "number",
    [
        "+49 30 901820",
        "+49 (30) 90182-0",
        "+1 (555) 123-4567",
        "+44 20 7946 0958",
        "0049 171 1234567",
        "(555) 123-4567",
        "555-123-4567",
        "1-800-555-0199",
        "030 1234567",
        "0171/12345678",
        "+33 1 42 68 53 00",
    ],
)
def test_phone_numbers_are_found(number: str) -> None:
    """International, North American and with a leading zero."""
    assert redacted(f"Call {number}, please") == "Call [PHONE], please"


@pytest.mark.parametrize(
    "card",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "378282246310005",
        "6011000990139424",
        "3530111333300000",
    ],
)
def test_card_numbers_are_found(card: str) -> None:
    """With blanks, with dashes, without either: the numbers that card brands publish for tests."""
    assert redacted(f"pay with {card}!") == "pay with [CARD]!"


@pytest.mark.parametrize(
    "text",
    [
        "in 2026-11-21 at 12:30:45",
        "version 3.11.7, 1,234,567 rows, 0.000123",
        "order 4111111111111112 is not there",  # Luhn says no
        "id 1234567890123",
        "commit 24c8ff8 of 2026",
        "a @ b, @mention, user@localhost",
        "192.168.100.200",
        "pi is 3.14159265358979",
        "temperature -12.5 to +15 degrees",
        "https://example.com/a-b_c?d=e",
        "12345678901234567890123456789012",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    """Dates, versions, addresses of machines, long numbers."""
    assert redacted(text) == text


def test_only_the_kinds_that_are_asked_for() -> None:
    """Each by itself."""
    text = "a@b.de +49 30 901820 4111111111111111"
    assert redacted(text, Kinds(emails=True)) == "[EMAIL] +49 30 901820 4111111111111111"
    assert redacted(text, Kinds(phones=True)) == "a@b.de [PHONE] 4111111111111111"
    assert redacted(text, Kinds(cards=True)) == "a@b.de +49 30 901820 [CARD]"
    assert redacted(text, Kinds()) == text


def test_every_valid_card_of_any_grouping_is_found() -> None:
    """Luhn's digit is the only thing that tells a card: with it found, with another one left."""
    draw = random.Random(5)
    for _ in range(500):
        digits = [str(draw.randint(2, 6)), *(str(draw.randint(0, 9)) for _ in range(14))]
        last = next(str(one) for one in range(10) if luhn([*digits, str(one)]))
        wrong = str((int(last) + draw.randint(1, 9)) % 10)
        gap = draw.choice(["", " ", "-"])
        groups = ["".join([*digits, last])[at : at + 4] for at in range(0, 16, 4)]
        assert redacted(gap.join(groups)) == "[CARD]"
        assert redacted("".join([*digits, wrong]), Kinds(cards=True)) == "".join([*digits, wrong])


def test_a_whole_request_is_edited_and_the_original_is_not() -> None:
    """Texts, parts, arguments and results of tools, the name of the person."""
    message = llm_pb2.ChatMessage
    arguments = json.dumps({"to": "a@b.de", "card": 4111111111111111, "n": 5, "ok": True})
    request = llm_pb2.ChatRequest(
        model="m",
        end_user="jane@example.com",
        messages=[
            message(role=llm_pb2.CHAT_ROLE_SYSTEM, text="I am a@b.de"),
            message(
                role=llm_pb2.CHAT_ROLE_USER,
                parts=[
                    llm_pb2.ContentPart(text="call 555-123-4567"),
                    llm_pb2.ContentPart(image_url="https://example.com/a.png"),
                ],
            ),
            message(
                role=llm_pb2.CHAT_ROLE_ASSISTANT,
                tool_calls=[llm_pb2.ToolCall(id="1", name="t", arguments_json=arguments)],
            ),
            message(role=llm_pb2.CHAT_ROLE_TOOL, tool_call_id="1", text="sent to a@b.de"),
        ],
    )
    before = request.SerializeToString()
    redaction = Redaction(ALL)
    made = redaction(request)
    assert request.SerializeToString() == before
    assert made.end_user == "[EMAIL]"
    assert made.messages[0].text == "I am [EMAIL]"
    assert made.messages[1].parts[0].text == "call [PHONE]"
    assert made.messages[1].parts[1].image_url == "https://example.com/a.png"
    assert json.loads(made.messages[2].tool_calls[0].arguments_json) == {
        "to": "[EMAIL]",
        "card": "[CARD]",
        "n": 5,
        "ok": True,
    }
    assert made.messages[3].text == "sent to [EMAIL]"
    assert redaction.replaced == {"email": 4, "phone": 1, "card": 1}
    vectors = redaction(llm_pb2.EmbedRequest(model="m", inputs=["a@b.de", "b"]))
    assert list(vectors.inputs) == ["[EMAIL]", "b"]


def test_arguments_without_a_finding_stay_byte_for_byte() -> None:
    """And what is no JSON is edited as text."""
    request = llm_pb2.ChatRequest(messages=[llm_pb2.ChatMessage()])
    calls = request.messages[0].tool_calls
    for text in ('{ "a" :1.50 }', "{broken a@b.de"):
        calls.add(id="1", name="t", arguments_json=text)
    made = Redaction(ALL)(request).messages[0].tool_calls
    assert made[0].arguments_json == '{ "a" :1.50 }'
    assert made[1].arguments_json == "{broken [EMAIL]"


BEGINNINGS = ["a", "a.", "1", "1 ", "+1 ", "a@", "a@b.", "(0", "0-", "-", "4111 ", "a@a-", "ü%"]
# Runs of digits that can be cut into groups in many ways, none of which is a number.
ALMOST = [" +" + "1" * 31 + "a", " 00" + "1" * 31 + "a", " +1" + "(11111)" * 6 + "1a"]


def work(unit: str) -> float:
    """What 4 kB of this cost, in seconds of this thread alone; the least of some."""
    text, redaction, found = unit * (4000 // len(unit)), Redaction(ALL), []
    for _ in range(5):
        began_s = time.thread_time()
        redaction.text(text)
        found.append(time.thread_time() - began_s)
    return min(found)


@pytest.mark.parametrize("unit", ALMOST)
def test_what_is_almost_a_number_costs_little_more_than_others(unit: str) -> None:
    """A character of it was five hundred times the work of a digit; it is about as much."""
    assert work(unit) < 50 * work("1 ")


@pytest.mark.parametrize("unit", BEGINNINGS + ALMOST)
def test_no_text_takes_long(unit: str) -> None:
    """100 kB of what each pattern begins with: the test's own timeout is the bound."""
    text = unit * (100_000 // len(unit))
    assert redacted(text) is not None
