"""The table in training/README.md has every exported model, with the measures of its record."""

from itertools import pairwise

import pytest

from training.__main__ import REPOSITORY
from training.records import Record, number, shipped, title
from training.table import rows

RECORDS = shipped(REPOSITORY / "exported_models")


@pytest.fixture(scope="module")
def table() -> list[list[str]]:
    """The cells of the committed table; the name of the model stands in its first line only."""
    page = (REPOSITORY / "training" / "README.md").read_text()
    block = page.partition("<!-- table -->\n")[2].partition("<!-- /table -->")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()[2:]]
    for above, line in pairwise(lines):
        line[0] = line[0] or above[0]
    return lines


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_the_table_shows_the_committed_measures(table, record: Record):
    """A training with other results has to bring its table along: `python -m training table`."""
    shown = [line[1:6] for line in table if line[0] == record.name]

    assert shown == [[output, *cells] for output, cells in rows(record)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_the_table_shows_size_and_time(table, record: Record):
    """The size of the graph as it is, and a time that somebody measured."""
    line = next(line for line in table if line[0] == record.name)

    assert line[6] == f"{record.size / 1000:.1f}"
    assert float(line[7]) > 0


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_every_model_has_a_section(record: Record):
    """With its name as the heading."""
    assert f"\n## {record.name}\n" in (REPOSITORY / "training" / "README.md").read_text()


def test_churn_gains_over_its_members(table):
    """The numbers in the prose are those of the record too."""
    record = next(record for record in RECORDS if record.name == "churn")
    found = record.document["metrics"]["cross_validation"]
    page = (REPOSITORY / "training" / "README.md").read_text()

    for name, values in {**found["members"], "ensemble": found["ensemble"]}.items():
        cells = f"| {number(values['auc'])} | {number(values['auc_std'])} | "
        assert any(name in line.lower() and cells in line for line in page.splitlines()), (
            f"{title('auc')} of {name}"
        )
