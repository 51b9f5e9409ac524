"""Pins that the requests of stubtail.wire hold exactly what the public messages hold."""

import numpy as np
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given
from hypothesis import strategies as st

from stubtail import wire
from stubtail.oip import inference_pb2
from stubtail.v1 import scoring_pb2

FLOATS = st.lists(st.floats(width=32), max_size=40)
DOUBLES = st.lists(st.floats(), max_size=40)
NAMES = st.text(max_size=8)


def floats(pieces, dtype="<f4"):
    """The values of all pieces of a packed field."""
    return np.frombuffer(b"".join(pieces), dtype)


def same_bits(pieces, values, dtype):
    """Whether the pieces have the bits of `values`, which the public message gave."""
    return b"".join(pieces) == np.array(values, dtype).tobytes()


def length_delimited(field, payload):
    """One field of wire type 2 with fewer than 128 bytes."""
    return bytes([field << 3 | 2, len(payload)]) + payload


@given(model=NAMES, priority=st.integers(0, 4), values=FLOATS)
def test_dense_rows_are_the_public_messages_bits(model, priority, values):
    """Every field is read alike, and the values are the bits that were sent."""
    payload = scoring_pb2.ScoreRequest(
        model=model, priority=priority, dense={"values": values}
    ).SerializeToString()
    public, private = (
        kind.FromString(payload) for kind in (scoring_pb2.ScoreRequest, wire.ScoreRequest)
    )
    assert (private.model, private.priority) == (public.model, public.priority)
    assert private.WhichOneof("rows") == "dense"
    assert same_bits(private.dense.values, public.dense.values, "<f4")
    assert private.SerializeToString() == payload


@given(columns=st.lists(st.tuples(NAMES, DOUBLES, st.lists(NAMES, max_size=5)), max_size=4))
def test_named_columns_are_the_public_messages_bits(columns):
    """Numbers of named columns are 64-bit floats; strings stay strings."""
    request = scoring_pb2.ScoreRequest(model="churn")
    request.named.SetInParent()
    for name, numbers, strings in columns:
        request.named.columns.add(name=name, numbers=numbers, strings=strings)
    private = wire.ScoreRequest.FromString(request.SerializeToString())
    assert private.WhichOneof("rows") == "named"
    for public, unparsed in zip(request.named.columns, private.named.columns, strict=True):
        column = wire.Column.FromString(unparsed)
        assert (column.name, list(column.strings)) == (public.name, list(public.strings))
        assert same_bits(column.numbers, public.numbers, "<f8")


@given(singles=FLOATS, doubles=DOUBLES, integers=st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_infer_contents_are_the_public_messages_bits(singles, doubles, integers):
    """fp32 and fp64 contents become bytes; all other contents stay as they are."""
    request = inference_pb2.ModelInferRequest(model_name="m", raw_input_contents=[b"raw", b""])
    request.parameters["priority"].uint64_param = 2
    contents = request.inputs.add(name="x", datatype="FP32", shape=[-1, 2]).contents
    contents.fp32_contents.extend(singles)
    contents.fp64_contents.extend(doubles)
    contents.int_contents.extend(integers)
    contents.bytes_contents.append(b"text")
    private = wire.ModelInferRequest.FromString(request.SerializeToString())
    read = private.inputs[0].contents
    assert same_bits(read.fp32_contents, contents.fp32_contents, "<f4")
    assert same_bits(read.fp64_contents, contents.fp64_contents, "<f8")
    assert list(read.int_contents) == integers
    assert list(read.bytes_contents) == [b"text"]
    assert list(private.raw_input_contents) == [b"raw", b""]
    assert private.parameters["priority"].uint64_param == 2
    assert list(private.inputs[0].shape) == [-1, 2]


@given(st.lists(FLOATS, min_size=2, max_size=5))
def test_a_field_in_several_pieces_is_complete(parts):
    """An encoder may split a packed field, or repeat its message; the pieces keep their order."""
    payload = b"".join(
        scoring_pb2.ScoreRequest(dense={"values": part}).SerializeToString() for part in parts
    )
    public = scoring_pb2.ScoreRequest.FromString(payload).dense.values
    private = wire.ScoreRequest.FromString(payload).dense.values
    assert len(private) == sum(bool(part) for part in parts)
    assert same_bits(private, public, "<f4")


def test_two_pieces_within_one_message():
    """The same within one DenseRows, which is how a streaming encoder would split it."""
    pieces = [np.array(values, "<f4").tobytes() for values in ([1, 2], [3])]
    dense = b"".join(length_delimited(15, piece) for piece in pieces)
    payload = length_delimited(15, dense)
    assert list(scoring_pb2.ScoreRequest.FromString(payload).dense.values) == [1, 2, 3]
    assert list(wire.ScoreRequest.FromString(payload).dense.values) == pieces


def test_unpacked_values_are_left_to_the_public_message():
    """One tag for each value is legal protobuf: it shows as missing values and unknown fields."""
    dense = b"".join(bytes([15 << 3 | 5]) + np.float32(value).tobytes() for value in (1, 2))
    payload = length_delimited(15, dense)
    private = wire.ScoreRequest.FromString(payload)
    assert list(private.dense.values) == []
    assert len(UnknownFieldSet(private.dense)) == 2
    assert list(scoring_pb2.ScoreRequest.FromString(payload).dense.values) == [1, 2]


def test_packed_and_unpacked_values_mixed():
    """Values that came unpacked are missing here, so the count tells that they were there."""
    packed = length_delimited(15, np.array([1, 2], "<f4").tobytes())
    unpacked = bytes([15 << 3 | 5]) + np.float32(3).tobytes()
    payload = length_delimited(15, packed + unpacked)
    assert list(floats(wire.ScoreRequest.FromString(payload).dense.values)) == [1, 2]
    assert list(scoring_pb2.ScoreRequest.FromString(payload).dense.values) == [1, 2, 3]


def test_a_piece_that_holds_no_whole_number_of_values():
    """The public message refuses it; here the reader has to, by the length."""
    payload = length_delimited(15, length_delimited(15, b"12345"))
    with pytest.raises(DecodeError):
        scoring_pb2.ScoreRequest.FromString(payload)
    assert list(wire.ScoreRequest.FromString(payload).dense.values) == [b"12345"]


@pytest.mark.parametrize("request_type", [wire.ScoreRequest, wire.ModelInferRequest])
def test_an_empty_request_is_empty(request_type):
    """No bytes are a message with nothing in it, as with the public ones."""
    empty = request_type.FromString(b"")
    assert empty.ListFields() == []
    assert empty.SerializeToString() == b""


def test_an_empty_block_has_no_pieces():
    """A request that says dense and holds nothing has no pieces, and is known to be dense."""
    payload = scoring_pb2.ScoreRequest(dense={}).SerializeToString()
    private = wire.ScoreRequest.FromString(payload)
    assert private.WhichOneof("rows") == "dense"
    assert list(private.dense.values) == []


def test_replies_keep_their_floats():
    """Only what a request reaches is changed."""
    reply = wire.ScoreRequest.DESCRIPTOR.file.message_types_by_name["ScoreResponse"]
    public = scoring_pb2.ScoreResponse.DESCRIPTOR
    assert [field.type for field in reply.fields] == [field.type for field in public.fields]


def test_the_private_messages_stay_private():
    """The default pool still has the public ScoreRequest, so both can live in one process."""
    found = descriptor_pool.Default().FindMessageTypeByName("stubtail.v1.DenseRows")
    values = found.fields_by_name["values"]
    assert values.type == values.TYPE_FLOAT
