"""What the client adds is taken of what the stub costs, not of what keeping the pace costs."""

from benchmarks.client_cost import _figures


def test_the_pace_is_taken_off_both():
    """Blocks of 300 and 350 us, of which 100 us are the pace: a quarter more, not a sixth."""
    raw, ours, pace = [300e-6] * 3, [350e-6] * 3, [100e-6] * 3

    found = _figures([raw, ours, pace])

    assert found == {"pace_us": 100.0, "raw_us": 200.0, "client_us": 250.0, "added_percent": 25.0}
