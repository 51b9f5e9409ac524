"""Times for the kernel: a little patience is not patience for ever."""

import struct

import pytest

from stubtail_bench.channel import timeval


@pytest.mark.parametrize(("seconds", "whole"), [(0.5, 0), (1e-9, 0), (1.0, 1), (10.25, 10)])
def test_a_timeout_keeps_its_part_of_a_second(seconds: float, whole: int):
    """Cut to whole seconds, half a second would be 0, which the kernel takes for ever."""
    found, micros = struct.unpack("ll", timeval(seconds))
    assert found == whole
    assert 0 <= micros < 1_000_000
    assert found + micros / 1e6 == pytest.approx(seconds, abs=2e-6)
    assert found or micros
