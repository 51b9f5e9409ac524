"""Requests whose blocks of floats arrive as bytes, so that numpy can read them without a copy.

The classes here are derived from the public messages: the same fields with the same numbers, but
every packed `repeated float` or `repeated double` of a request is declared `repeated bytes`. On
the wire that is the same thing: a packed field is a tag, a length and little-endian numbers end to
end, and a bytes field is a tag, a length and bytes; even the wire type (2) is the same. So parsing
costs one slice instead of one Python float for each value, and the bits are those that were sent,
NaN payloads included. A submessage has the wire form of bytes as well, so that a field of them can
be left to a reader that knows a faster way than one object for each.

`repeated` and not a single field, because an encoder may send one packed field in several pieces
and a parser must join them: each entry is one piece, in the order sent, and the values of the
field are those of all pieces end to end.

What a reader of these messages has to do, because the public message would have done it:

* A piece whose length is no multiple of the item (4 or 8 bytes) is malformed; the public message
  refuses it as well.
* The unpacked encoding, one tag (wire type 5 or 1) for each value, is legal protobuf too, and here
  lands among the unknown fields. Who finds fewer values than expected parses the request again
  with the public message before complaining. No usual encoder writes it.

The one remaining difference: a request that has all the values it needs packed, and yet more of
them unpacked, is too long for the public message and complete for this one.
"""

from collections.abc import Collection
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from google.protobuf.message import Message

from stubtail.descriptors import messages_of, with_imports
from stubtail.oip import inference_pb2
from stubtail.v1 import decision_pb2, forecasting_pb2, scoring_pb2

_FIXED = (  # repeated fields of these are arrays of numpy on the wire
    FieldDescriptorProto.TYPE_FLOAT,
    FieldDescriptorProto.TYPE_DOUBLE,
    FieldDescriptorProto.TYPE_SFIXED64,
)


def derive(public: type[Message], unparsed: Collection[str] = ()) -> Any:
    """The class of a request with its packed floats as bytes, in a descriptor pool of its own.

    Args:
        public: a message of a proto3 file, where repeated numbers are packed unless they say not.
        unparsed: full names of fields whose messages are left as bytes, for a reader of its own.
    """
    request = public.DESCRIPTOR
    files = with_imports(request.file)
    messages = {name: message for file in files for name, message in messages_of(file)}
    for name in _reachable(request.full_name, messages):
        for field in messages[name].field:
            if _is_packed_numbers(field):
                field.type = FieldDescriptorProto.TYPE_BYTES
                field.options.ClearField("packed")
            elif f"{name}.{field.name}" in unparsed:
                field.type = FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(request.full_name))


def _is_packed_numbers(field: FieldDescriptorProto) -> bool:
    unpacked = field.options.HasField("packed") and not field.options.packed
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    return repeated and field.type in _FIXED and not unpacked


def _reachable(root: str, messages: dict[str, DescriptorProto]) -> set[str]:
    """The full names of `root` and of every message below its fields."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        types = (field.type_name.removeprefix(".") for field in messages[name].field)
        waiting += [type_name for type_name in types if type_name in messages]
    return found


ScoreRequest: Any = derive(scoring_pb2.ScoreRequest, {"stubtail.v1.NamedRows.columns"})
"""stubtail.v1.ScoreRequest; `dense.values` are pieces of bytes, `named.columns` are unparsed."""

Column: Any = derive(scoring_pb2.Column)
"""stubtail.v1.Column; `numbers` are pieces of bytes."""

ModelInferRequest: Any = derive(inference_pb2.ModelInferRequest)
"""inference.ModelInferRequest; `fp32_contents` and `fp64_contents` are pieces of bytes."""

DecideRequest: Any = derive(decision_pb2.DecideRequest)
"""stubtail.v1.DecideRequest; `numbers` of columns and `values` of axes are pieces of bytes."""

ForecastRequest: Any = derive(forecasting_pb2.ForecastRequest)
"""stubtail.v1.ForecastRequest; values, times, levels and season lengths are pieces of bytes."""
