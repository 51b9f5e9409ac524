"""Frequencies by name and by times, and what comes after the last value on the calendar."""

import numpy as np
import pytest

from stubtail.forecasting import frequency
from stubtail.forecasting.task import SeriesError


def ms(*texts: str) -> np.ndarray:
    """Times as milliseconds since 1970."""
    return np.array(texts, "datetime64[ms]").astype(np.int64)


def of(text: str) -> frequency.Frequency:
    """The frequency of that name."""
    found = frequency.parse(text)
    assert found is not None
    return found


def within(times: np.ndarray) -> frequency.Frequency:
    """The frequency found in times."""
    found = frequency.infer(times)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "seconds"), [("s", 1), ("15s", 15), ("5min", 300), ("h", 3600), ("D", 86_400)]
)
def test_names(text, seconds):
    """Names."""
    assert of(text).seconds == seconds


@pytest.mark.parametrize("text", ["0h", "hours", "-1D", "1.5h", "5 min", "9999999s"])
def test_wrong_names_say_what_is_right(text):
    """Wrong names say what is right."""
    with pytest.raises(SeriesError, match="whole number and a unit"):
        frequency.parse(text)


def test_the_seasons_of_hours_are_a_day_and_a_week():
    """The seasons of hours are a day and a week."""
    assert of("h").cycles() == (24, 168)
    assert [round(cycle) for cycle in of("5min").cycles()] == [12, 288, 2016]
    assert of("M").cycles() == (12,)


@pytest.mark.parametrize(
    ("last", "step", "expected"),
    [
        ("2024-01-31", "M", ["2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2024-01-01", "M", ["2024-02-01", "2024-03-01", "2024-04-01"]),
        ("2023-11-15", "Q", ["2024-02-15", "2024-05-15", "2024-08-15"]),
        ("2024-02-28", "D", ["2024-02-29", "2024-03-01", "2024-03-02"]),
        ("2024-02-29", "Y", ["2025-02-28", "2026-02-28", "2027-02-28"]),
    ],
)
def test_the_future_keeps_to_the_calendar(last, step, expected):
    """The future keeps to the calendar."""
    future = of(step).future(int(ms(last)[0]), 3)
    assert future.astype("datetime64[ms]").astype("datetime64[D]").astype(str).tolist() == expected


def test_a_frequency_is_found_in_times():
    """A frequency is found in times."""
    assert within(ms("2024-01-01", "2024-02-01", "2024-03-01")).months == 1
    assert within(ms("2024-01-01T00:00", "2024-01-01T00:05")).seconds == 300
    assert frequency.infer(ms("2024-01-01")) is None


def test_steps_that_were_left_out_are_skipped():
    """Steps that were left out are skipped."""
    times = ms("2024-01-01", "2024-01-02", "2024-01-05")
    assert frequency.positions(times, of("D")).tolist() == [0, 1, 4]


@pytest.mark.parametrize(
    ("days", "field", "says"),
    [
        (("2024-01-02", "2024-01-01"), "timestamps_ms[1]", "before"),
        (("2024-01-01", "2024-01-01"), "timestamps_ms[1]", "same time"),
        (("2024-01-01", "2024-01-02T12:00"), "timestamps_ms[1]", "equal lengths"),
    ],
)
def test_wrong_times_are_named(days, field, says):
    """Wrong times are named."""
    with pytest.raises(SeriesError, match=says) as caught:
        frequency.positions(ms(*days), of("D"))
    assert caught.value.field == field
