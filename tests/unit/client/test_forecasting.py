"""Series of any kind to a request, and a reply to arrays; no I/O."""

import numpy as np
import pytest

from stubtail.v1 import forecasting_pb2
from stubtail_client.errors import Internal, InvalidArgument
from stubtail_client.forecasting import ForecastQuestion, decode_forecasts, series_of

pd = pytest.importorskip("pandas")


def sent(series, **options):
    """The request that is sent for it."""
    message, _ = ForecastQuestion(series=series, horizon=3, **options).encode()
    return forecasting_pb2.ForecastRequest.FromString(message)


def reply(**fields):
    """A reply with two steps for one series."""
    message = forecasting_pb2.ForecastResponse(
        **{"model": "auto", "horizon": 2, "points": [1, 2], "series": [{"id": "a"}], **fields}
    )
    return message.SerializeToString()


@pytest.mark.parametrize(
    ("series", "ids"),
    [
        ([1, 2, None], [""]),
        (np.array([1.0, 2.0, np.nan]), [""]),
        ([[1, 2, None], [4, 5, 6]], ["0", "1"]),
        (np.array([[1, 2, np.nan], [4, 5, 6]]), ["0", "1"]),
        ({"a": [1, 2, None], "b": (4, 5)}, ["a", "b"]),
        (pd.Series([1, 2, None], name="x"), ["x"]),
        (pd.DataFrame({"x": [1, 2, None], "y": [4, 5, 6]}), ["x", "y"]),
    ],
)
def test_series_of_all_kinds(series, ids):
    """Their names and values; None is missing."""
    request = sent(series)
    assert [one.id for one in request.series] == ids
    values = list(request.series[0].values)
    assert values[:2] == [1, 2]
    assert np.isnan(values[2])


@pytest.mark.parametrize(
    ("freq", "name"), [("h", "h"), ("5min", "5min"), ("D", "D"), ("MS", "M"), ("QE", "Q")]
)
def test_an_index_of_times_is_sent(freq, name):
    """With its frequency in the server's words, and times in UTC."""
    index = pd.date_range("2024-01-31", periods=4, freq=freq, tz="Europe/Berlin")
    request = sent(pd.Series(range(4), index=index))
    assert request.series[0].frequency == name
    expected = index.tz_convert("UTC").tz_localize(None).to_numpy()
    expected = expected.astype("datetime64[ms]").astype(np.int64).tolist()
    assert list(request.series[0].timestamps_ms) == expected


def test_the_index_is_continued():
    """In the time zone of the past."""
    index = pd.date_range("2024-01-01", periods=3, freq="D", tz="Europe/Berlin")
    _, given = ForecastQuestion(series=pd.Series([1.0, 2, 3], index=index), horizon=2).encode()
    stamps = pd.date_range("2024-01-04", periods=2, freq="D", tz="Europe/Berlin")
    times = [int(stamp.timestamp() * 1000) for stamp in stamps]
    frame = decode_forecasts(reply(timestamps_ms=times), given)[0].to_frame()
    assert list(frame.index) == list(stamps)
    assert list(frame.point) == [1, 2]


def test_covariates_and_options_are_sent():
    """By name, with the horizon."""
    request = sent([1, 2], covariates={"p": [1, 2, 3, 4, 5]}, integer=True, frequency="D")
    assert list(request.series[0].covariates[0].values) == [1, 2, 3, 4, 5]
    assert request.integer
    assert request.frequency == "D"


@pytest.mark.parametrize(
    "series", ["text", [], {}, [["a"]], {"a": [[1, 2]]}, np.zeros((2, 2, 2)), [1, "x"]]
)
def test_what_is_no_series_is_refused(series):
    """Before anything is sent."""
    with pytest.raises(InvalidArgument):
        sent(series)


def test_what_cannot_be_sent_is_refused():
    """A horizon that no uint32 holds."""
    with pytest.raises(InvalidArgument) as caught:
        ForecastQuestion(series=[1.0], horizon=-1).encode()
    assert [one.field for one in caught.value.violations] == ["horizon"]


def test_quantiles_by_level():
    """In the order of the reply."""
    message = reply(quantile_levels=[0.1, 0.9], quantiles=[0, 1, 3, 4])
    found = decode_forecasts(message, series_of([1, 2]))
    assert found[0].quantile(0.9).tolist() == [3, 4]
    assert found["a"].point.tolist() == [1, 2]
    assert found.points.shape == (1, 2)


@pytest.mark.parametrize("fields", [{"points": [1]}, {"quantile_levels": [0.5]}])
def test_a_reply_of_another_shape_is_an_error(fields):
    """Never a wrong array."""
    with pytest.raises(Internal):
        decode_forecasts(reply(**fields), series_of([1, 2]))
