"""Records messages as bytes, for clients to read for ever: vectors/recorded.json.

python -m clients.conformance.record: adds messages that are new. What was recorded once is never
written again: those bytes are out there, in logs, queues and older servers.
"""

import json
import sys
from typing import Any

from google.protobuf.message import Message

from clients.conformance import messages
from clients.conformance.cases import FOLDER

PATH = FOLDER / "vectors" / "recorded.json"
DEPTH_MAX = 4
# A field that no version has: what a newer server might send. Number 2000, wire type 2, "new".
FUTURE = bytes.fromhex("827d036e6577")


def filled(name: str, variant: int) -> Message:
    """A message with every field set; of each oneof the member with this number, counted around."""
    one = messages.message(name)
    _fill(one, variant, 0)
    return one


def _fill(one: Message, variant: int, depth: int) -> None:
    for field in one.DESCRIPTOR.fields:
        group = field.containing_oneof
        if group is not None and group.fields[variant % len(group.fields)] is not field:
            continue
        values: Any = getattr(one, field.name)
        if field.message_type is None:
            sample = _sample(field, depth)
            if field.is_repeated:
                values.extend([sample, sample])
            else:
                setattr(one, field.name, sample)
        elif depth < DEPTH_MAX and field.message_type is not one.DESCRIPTOR:
            if field.message_type.GetOptions().map_entry:
                _fill(values["clé"], variant, depth + 1)
            elif field.is_repeated:
                _fill(values.add(), variant, depth + 1)
            else:
                values.SetInParent()
                _fill(values, variant, depth + 1)


def _sample(field: Any, depth: int) -> Any:
    """A value that shows when it is read as another field or type."""
    number = field.number + depth * 100
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING:
        return number.to_bytes(2, "big") if field.type == field.TYPE_BYTES else f"é{number}"
    if kind == field.CPPTYPE_BOOL:
        return True
    if kind == field.CPPTYPE_ENUM:
        return field.enum_type.values[-1].number
    if kind in {field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE}:
        return number + 0.5
    if kind in {field.CPPTYPE_INT64, field.CPPTYPE_UINT64}:
        return 2**53 + number
    return number


def cases() -> list[dict[str, Any]]:
    """A case for each variant of each message of each method, and one from a newer version."""
    found: dict[str, dict[str, Any]] = {}
    for method in messages.methods():
        for kind in (method.input_type, method.output_type):
            if kind.full_name.startswith("grpc."):
                continue
            for variant in range(max([len(group.fields) for group in kind.oneofs] or [1])):
                one = filled(kind.full_name, variant)
                name = f"recorded-{kind.name}-{variant + 1}"
                found[name] = _case(name, one, one.SerializeToString(deterministic=True))
    newer = filled("stubtail.v1.ScoreResponse", 0)
    name = "recorded-with-unknown-field"
    found[name] = _case(name, newer, newer.SerializeToString(deterministic=True) + FUTURE)
    return list(found.values())


def _case(name: str, one: Message, wire: bytes) -> dict[str, Any]:
    document = messages.to_json(one)
    return {
        "name": name,
        "server": "none",
        "calls": [{"decode": one.DESCRIPTOR.full_name, "bytes": wire.hex()}],
        "expect": {"calls": [{"status": "OK", "replies": [document], "exact": True}]},
    }


def main() -> None:
    """Adds what is new to the file."""
    old = json.loads(PATH.read_text(encoding="utf-8"))["cases"] if PATH.exists() else []
    names = {case["name"] for case in old}
    new = [case for case in cases() if case["name"] not in names]
    about = "Messages of v1 as bytes, which every client must read. Written by record.py."
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in [*old, *new])
    PATH.write_text(f'{{"about": "{about}", "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    sys.stdout.write(f"recorded {len(new)} messages, kept {len(old)}\n")


if __name__ == "__main__":
    main()
