"""The messages of a stream that are put together by hand are what protobuf makes."""

from hypothesis import given
from hypothesis import strategies as st

from stubtail.endpoints.llm import _message, _text
from stubtail.v1 import llm_pb2


@given(st.integers(0, 2**32 - 1), st.text(min_size=1, max_size=400))
def test_a_text_is_a_delta(seq: int, text: str):
    """With any number and any text, long ones and those outside ASCII too."""
    delta = llm_pb2.ChatDelta(text=text)
    expected = llm_pb2.ChatStreamResponse(seq=seq, delta=delta)
    assert llm_pb2.ChatStreamResponse.FromString(_text(seq, text)) == expected
    assert llm_pb2.ChatStreamResponse.FromString(_message(seq, delta)) == expected
