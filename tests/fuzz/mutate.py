"""Inputs made from others: bytes changed at random, and messages filled at random by their type."""

from collections.abc import Sequence
from math import isnan
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

BYTES_MAX: Final = 20_000  # larger inputs are slower and no stranger
DEPTH_MAX: Final = 5  # of messages in messages
NUMBERS: Final = (0, 1, -1, 2, 7, 255, 65_536, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 10**6)
FLOATS: Final = (0.0, -0.0, 1.0, 0.5, 1e308, -1e308, 5e-324, float("nan"), float("inf"))
VARINTS: Final = (b"\x00", b"\x7f", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\x80" * 11)
TEXTS: Final = ("", "\0", "é", "\ud7ff", "a" * 300, "../../etc/passwd", "%s%n", "{", '"', "@", "-1")


def mutated(data: bytes, others: Sequence[bytes], words: Sequence[bytes], random: Random) -> bytes:
    """A few random changes of `data`: bits, bytes, pieces of it, of other inputs, known words."""
    content = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randrange(len(content) + 1)
        kind = random.randrange(8)
        if kind == 0 and content:
            content[at % len(content)] ^= 1 << random.randrange(8)
        elif kind == 1 and content:
            content[at % len(content)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x5B))
        elif kind == 2:
            content[at:at] = random.randbytes(random.randrange(1, 9))
        elif kind == 3:
            del content[at : at + random.randrange(1, 17)]
        elif kind == 4:
            piece = content[at : at + random.randrange(1, 65)]
            content[at:at] = piece * random.choice((1, 1, 2, 50))
        elif kind == 5 and others:
            other = random.choice(others)
            begin = random.randrange(len(other) + 1)
            content[at:at] = other[begin : begin + random.randrange(1, 257)]
        elif kind == 6 and words:
            content[at:at] = random.choice(words)
        else:
            content[at : at + 1] = random.choice(VARINTS)
    return bytes(content[:BYTES_MAX])


def random_message(kind: Descriptor, words: Sequence[str], random: Random) -> bytes:
    """A message of this type with random fields set, in the wire format."""
    message = GetMessageClass(kind)()
    _fill(message, words, random, 0)
    return bytes(message.SerializeToString())


def _fill(message: Any, words: Sequence[str], random: Random, depth: int) -> None:
    fields = message.DESCRIPTOR.fields
    chosen = [field for field in fields if random.random() < max(0.25, 3 / len(fields))]
    for field in chosen:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _fill_map(getattr(message, field.name), field, words, random, depth)
        elif field.is_repeated:
            items = getattr(message, field.name)
            for _ in range(random.choice((0, 1, 1, 2, 3, 20))):
                if field.message_type is None:
                    items.append(_scalar(field, words, random))
                elif depth < DEPTH_MAX:
                    _fill(items.add(), words, random, depth + 1)
        elif field.message_type is None:
            setattr(message, field.name, _scalar(field, words, random))
        elif depth < DEPTH_MAX:
            inner = getattr(message, field.name)
            inner.SetInParent()
            _fill(inner, words, random, depth + 1)


def _fill_map(
    entries: Any, field: FieldDescriptor, words: Sequence[str], random: Random, depth: int
) -> None:
    assert field.message_type is not None
    key, value = (
        field.message_type.fields_by_name["key"],
        field.message_type.fields_by_name["value"],
    )
    for _ in range(random.choice((0, 1, 2, 20))):
        name = _scalar(key, words, random)
        if value.message_type is None:
            entries[name] = _scalar(value, words, random)
        elif depth < DEPTH_MAX:
            _fill(entries[name], words, random, depth + 1)


def _scalar(field: FieldDescriptor, words: Sequence[str], random: Random) -> Any:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        text = random.choice(words if random.random() < 0.8 else TEXTS)
        return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return random.random() < 0.5
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None
        return random.choice([value.number for value in field.enum_type.values])
    if kind in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
        number = random.choice(FLOATS) if random.random() < 0.3 else random.uniform(-100, 100)
        is_single = kind == FieldDescriptor.CPPTYPE_FLOAT
        return max(-3e38, min(3e38, number)) if is_single and not isnan(number) else number
    number = random.choice(NUMBERS) if random.random() < 0.4 else random.randrange(0, 50)
    bits = 32 if kind in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32} else 64
    if kind in {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}:
        return number % 2**bits
    return (number + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
