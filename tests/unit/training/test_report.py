"""The page and the table that people read: complete, self-contained, the same each time."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from training import drawing, report, table
from training.__main__ import REPOSITORY
from training.plots import line, plot
from training.records import Record, shipped

RECORDS = shipped(REPOSITORY / "exported_models")
PLOT = plot(
    "A <title>",
    "x & more",
    "y",
    [line("ideal", [0, 1], [0, 1], "dashed"), line("model", [0, 1], [1, 0])],
)
RECORD = Record(
    Path("m", "3"),
    {
        "name": "m",
        "version": "3",
        "description": "Two < three.",
        "graph": {"bytes": 1500},
        "metrics": {
            "outputs": {
                "days": {
                    "rows": 5,
                    "model": {"mae": 2.0, "spearman": 0.5},
                    "baselines": {"mean": {"mae": 3.0}, "last_gap": {"mae": 2.5}},
                    "headline": ["mae", "spearman"],
                },
                "chance": {"rows": 5, "model": {"auc": 0.7}, "headline": ["auc"]},
            },
            "elasticity": {"brand_a": {"model": -2.5}, "brand_b": {"model": -1.5}},
            "not_a_table": {"x": {"y": "z"}},
        },
        "profiles": {"segments": [{"name": "very_loyal", "text": "They buy often & much."}]},
        "report": {"plots": [PLOT]},
    },
)


@pytest.fixture(scope="module")
def page() -> str:
    """The report on the shipped models."""
    return report.page(RECORDS)


def test_every_model_has_its_section_and_its_plots(page):
    """With all plots that its record holds."""
    for record in RECORDS:
        assert f'<h2 id="{record.name}">' in page
    plots = [plot for one in RECORDS for plot in one.document.get("report", {}).get("plots", [])]
    assert page.count("<svg") == len(plots) > 0


def test_the_page_needs_nothing_else(page):
    """No script, no picture, no style and no font from elsewhere."""
    assert not re.search(r"<script|<link|<img|@import|src=|url\((?!#)", page)


def test_the_page_is_the_same_each_time():
    """No date and no random names: a diff shows what changed in the models."""
    assert report.page([RECORD]) == report.page([RECORD])


def test_text_of_a_record_is_no_markup():
    """A description cannot become a part of the page."""
    made = report.page([RECORD])

    assert "Two &lt; three." in made
    assert "A &lt;title&gt;" in made
    assert "very loyal</td>" in made
    assert "They buy often &amp; much.</td>" in made


def test_other_measures_of_several_things_are_tables():
    """Members, levels, brands: what is numbers by name is shown."""
    made = report.page([RECORD])

    assert "<th>elasticity</th><th>model</th>" in made
    assert "<td>brand b</td><td>-1.5000</td>" in made
    assert "not a table" not in made


def test_a_plot_is_well_formed_svg():
    """With its title, its axes and the names of its lines as text."""
    root = ET.fromstring(drawing.svg(PLOT))

    shown = {"".join(text.itertext()).strip() for text in root.iter() if text.tag.endswith("}text")}
    assert {"A <title>", "x & more", "y", "ideal", "model"} <= shown


def test_a_long_legend_stands_beside_the_curves():
    """Twelve curves: a wider picture, all names."""
    series = [line(f"brand {number}", [0, 1], [number, 0]) for number in range(12)]

    root = ET.fromstring(drawing.svg(plot("Demand", "price", "cartons", series)))
    narrow = ET.fromstring(drawing.svg(PLOT))

    shown = "".join(root.itertext())
    assert all(f"brand {number}" in shown for number in range(12))
    assert float(root.attrib["width"][:-2]) > float(narrow.attrib["width"][:-2])


def test_the_command_writes_where_it_is_told(tmp_path, capsys):
    """Folders are made."""
    out = tmp_path / "deep" / "page.html"
    version = tmp_path / "models" / "m" / "3"
    version.mkdir(parents=True)
    (version / "model.json").write_text(json.dumps(RECORD.document))

    assert report.main(["--out", str(out), "--models", str(tmp_path / "models")]) == 0

    assert out.read_text().startswith("<!doctype html>")
    assert str(out) in capsys.readouterr().out


def test_the_table_names_the_best_baseline():
    """The least error or the highest rank; a dash where no baseline has the measure."""
    made = table.markdown([RECORD], {"m": 432.1})

    error = "mean absolute error (less is better)"
    assert made.splitlines()[2:] == [
        f"| m | days | {error} | 2.0000 | 2.5000 | last gap | 1.5 | 432 |",
        "|  |  | rank correlation | 0.5000 | — |  |  |  |",
        "|  | chance | AUC | 0.7000 | — |  |  |  |",
    ]


def test_a_page_without_a_place_for_the_table_is_told(tmp_path, capsys, monkeypatch):
    """Nothing is written then."""
    page = tmp_path / "page.md"
    page.write_text("no block")
    (tmp_path / "models").mkdir()
    monkeypatch.setattr("training.calls.p50_us", lambda *_: {})

    assert table.main(["--page", str(page), "--models", str(tmp_path / "models")]) == 1

    assert "<!-- table -->" in capsys.readouterr().err
    assert page.read_text() == "no block"
