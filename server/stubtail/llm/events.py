"""What a stream tells: the events of an answer in their order."""

from collections.abc import Callable

from stubtail.v1 import llm_pb2

# A text stands for a delta that has nothing else: the most frequent event costs no message.
Push = Callable[[str], bool]  # takes a text at once, and says whether it has done so
Event = str | llm_pb2.ChatStart | llm_pb2.ChatDelta | llm_pb2.ChatRestart | llm_pb2.ChatEnd
