"""The few pieces of the protobuf wire format that replies are put together from.

A message is its fields one after the other, so the constant fields of a reply can be serialised
once and the tensor bytes appended (https://protobuf.dev/programming-guides/encoding/).
"""

LENGTH_DELIMITED = 2


def varint(value: int) -> bytes:
    """A non-negative integer, seven bits a byte, least significant first."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def opening(field: int, size_bytes: int) -> bytes:
    """The tag and the length that stand before a string, bytes, message or packed field."""
    return varint(field << 3 | LENGTH_DELIMITED) + varint(size_bytes)


def text(field: int, value: str) -> bytes:
    """A string field; nothing when empty, as proto3 serialises it."""
    raw = value.encode()
    return opening(field, len(raw)) + raw if raw else b""
