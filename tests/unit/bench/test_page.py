"""The HTML page: one file, well formed, with a picture for every question it can answer."""

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

from stubtail_bench.chart import Axis, Line, line_chart
from stubtail_bench.histogram import Histogram
from stubtail_bench.outcome import Outcome
from stubtail_bench.page import curve, page

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def run(name: str, offered: float | None, mean_s: float) -> dict[str, Any]:
    """A run of two thousand calls, some of which failed."""
    rng = np.random.default_rng(1)
    out = Outcome(5.0, issued=2_010)
    answered, failed = Histogram(20), Histogram(20)
    answered.add(rng.exponential(mean_s, 2_000), rng.integers(0, 20, 2_000))
    failed.add(np.full(10, 0.001), rng.integers(0, 20, 10))
    out.by = {("one <row>", "OK"): answered, ("one <row>", "UNAVAILABLE"): failed}
    out.lag.add(rng.exponential(1e-5, 2_010))
    return {"name": name, "offered_per_s": offered, "streams": None, **out.document()}


def document(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """A result around some runs."""
    return {
        "date": "2026-01-01T00:00:00Z",
        "mode": "open",
        "machine": {"cores": 2, "cpu": "A & B", "load_before": 0.1},
        "histogram": {"relative_error": 0.004},
        "workload": {"calls": [{"model": "churn"}]},
        "runs": runs,
    }


def test_a_sweep_has_every_picture_and_needs_nothing_else():
    """Goodput, percentiles, and two over time for each run; no script, link or image."""
    runs = [run("100/s", 100.0, 0.01), run("200/s <b>", 200.0, 0.02)]
    text = page(document(runs), ["careful & slow"])
    pictures = SVG.findall(text)
    assert len(pictures) == 2 + 2 * len(runs)
    for picture in pictures:
        ET.fromstring(picture)  # our own text
    assert not re.search(r"<script|<link|<img|src=|url\(|https?:", text)
    assert "careful &amp; slow" in text
    assert "200/s &lt;b&gt;" in text
    assert "<b>" not in text
    assert "Goodput against offered load" in text


def test_a_long_search_is_drawn_to_its_end():
    """The last runs of a search are those that count; what is left out is told."""
    text = page(document([run(f"{at}/s", float(at), 0.01) for at in range(1, 21)]), [])
    assert "Over time: 1/s" in text
    assert "Over time: 20/s" in text
    assert text.count("Over time") == 6
    assert "6 of 20 runs are drawn" in text


def test_one_run_has_no_goodput_curve():
    """A curve of one point says nothing."""
    assert "Goodput against" not in page(document([run("poisson", 100.0, 0.01)]), [])


def test_a_run_without_an_answer_still_has_a_page():
    """With a sentence in place of the pictures."""
    out = Outcome(5.0, issued=3)
    failed = Histogram(20)
    failed.add(np.full(3, 0.001))
    out.by = {("one", "UNAVAILABLE"): failed}
    empty = {"name": "a", "offered_per_s": 1.0, "streams": None, **out.document()}
    assert "Nothing was measured" in page(document([empty]), [])


def test_a_time_without_answers_is_a_gap():
    """A line across an outage would look as if all had been well."""
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, math.nan), (3.0, math.nan), (4.0, 1.0)]
    picture = line_chart([Line("p50", points)], Axis("s"), Axis("ms", log=True))
    (path,) = re.findall(r'class="line"[^>]* d="([^"]*)"', picture)
    assert [piece.count("L") for piece in path.split("M")[1:]] == [1, 0]


@pytest.mark.parametrize(("count", "name"), [(2, "OK"), (6, "DEADLINE_EXCEEDED"), (5, "x" * 60)])
def test_names_of_lines_stand_in_the_picture_and_on_no_other_text(count: int, name: str):
    """However many outcomes a storm has, and however long they are called."""
    points = [(0.0, 1.0), (1.0, 2.0)]
    lines = [Line(f"{name} {at}", points) for at in range(count)]
    title = "calls a second, by outcome and due time"
    picture = ET.fromstring(line_chart(lines, Axis("seconds"), Axis(title)))
    *_, width, height = map(float, picture.attrib["viewBox"].split())
    texts = [one for one in picture.iter("text") if (one.text or "").startswith((name, title))]
    assert len(texts) == count + 1
    taken: dict[float, float] = {}
    for one in sorted(texts, key=lambda one: float(one.attrib["x"])):
        x, y = float(one.attrib["x"]), float(one.attrib["y"])
        assert x >= taken.get(y, 0)
        taken[y] = x + 7 * len(one.text or "")
        assert taken[y] <= width
        assert y < height


def test_the_curve_ends_where_ten_calls_are_beyond():
    """2,000 calls tell of 99.5 %, no more."""
    points = curve(run("a", 1.0, 0.01)["answered"])
    assert points[-1][0] == pytest.approx(math.log10(200))
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert curve({"count": 3, "buckets": [5, 3]}) == []


def test_points_lie_where_the_axes_say():
    """Twice the value is twice the way, ten times the value the same way again on a log axis."""
    lines = [Line("a", [(0, 0), (1, 1), (2, 2)], dots=True)]
    zero = Axis("x", from_zero=True)
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', line_chart(lines, zero, zero))]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    lines = [Line("a", [(1, 1), (2, 10), (3, 100), (4, 0)], dots=True)]
    log = Axis("y", log=True)
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', line_chart(lines, zero, log))]
    assert len(heights) == 3, "0 has no place on a logarithmic axis"
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
