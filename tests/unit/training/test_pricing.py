"""Pricing: the data are found without R, demand never rises with the price, intervals hold."""

import csv
import io
import json
import lzma
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest

from training import intervals, pricing, pricing_data, pricing_record, pricing_rows, pricing_slopes
from training.__main__ import REPOSITORY
from training.export import open_session
from training.features import DataError
from training.pricing_data import BRANDS
from training.pricing_rows import FEATURES, NAMES

FOLDER = REPOSITORY / "exported_models" / "pricing" / "1"
DOCUMENT = json.loads((FOLDER / "model.json").read_text())
needs_data = pytest.mark.skipif(
    not pricing_data.available(),
    reason="no orange-juice data in .cache/pricing; `python -m training pricing` gets them",
)


@pytest.fixture(scope="module")
def session():
    """The shipped graph."""
    return open_session((FOLDER / "model.onnx").read_bytes())


@pytest.fixture(scope="module")
def example():
    """The example rows as the graph takes them."""
    brands = [name for name, _ in BRANDS.values()]
    with (REPOSITORY / "training" / "examples" / "pricing.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = [[brands.index(r[n]) if n == "brand" else float(r[n]) for n in NAMES] for r in rows]
    return np.array(table, np.float32)


def test_demand_never_rises_with_the_price(session, example):
    """Along a fine grid of prices, for every example row; and it does fall somewhere."""
    grid = np.linspace(0.5, 1.5, 101, dtype=np.float32)
    rows = np.repeat(example, grid.size, axis=0)
    rows[:, NAMES.index("price")] *= np.tile(grid, len(example))

    (cartons,) = session.run(["cartons"], {"features": rows})

    curves = cartons.reshape(len(example), grid.size)
    assert (np.diff(curves, axis=1) <= 0).all()
    assert (curves[:, -1] < curves[:, 0]).all()


def test_beyond_all_prices_revenue_falls(session, example):
    """So that the best price is not simply the highest that was asked about."""
    column, usual = (NAMES.index(name) for name in ("price", "usual_price"))
    rows = np.repeat(example, 2, axis=0)
    rows[:, column] = np.repeat(example[:, usual], 2) * np.tile([3.0, 6.0], len(example))

    (cartons,) = session.run(["cartons"], {"features": rows})

    revenue = (cartons.ravel() * rows[:, column]).reshape(-1, 2)
    assert (revenue[:, 1] < revenue[:, 0]).all()


def test_slopes_are_found_and_kept_steep():
    """Two brands with slopes of -2 and -0.5: seven tenths of the one, the limit for the other."""
    random = np.random.default_rng(1)
    rows = np.zeros((1100, len(NAMES)), np.float32)
    brand = np.tile(np.arange(1, 12), 100)
    rows[:, NAMES.index("brand")] = brand - 1
    rows[:, NAMES.index("price")] = random.uniform(1, 4, 1100)
    rows[:, NAMES.index("usual_price")] = random.uniform(1, 4, 1100)
    rows[:, NAMES.index("usual_cartons")] = random.uniform(10, 90, 1100)
    rows[:, NAMES.index("deal")] = random.integers(0, 2, 1100)
    rows[:, NAMES.index("feat")] = random.integers(0, 2, 1100)
    ratio = rows[:, NAMES.index("price")] / rows[:, NAMES.index("usual_price")]
    logs = np.where(brand == 1, -2.0, -0.5) * np.log(ratio)
    logs = logs + np.log(rows[:, NAMES.index("usual_cartons")])

    slopes = pricing_slopes.fit(pricing_rows.Rows(rows, logs, np.ones(1100, np.int64), brand))

    assert slopes.by_brand[:2] == (-1.4, pricing_slopes.LEAST)
    np.testing.assert_allclose(
        slopes.start(rows)[:2], [-1.4 * np.log(ratio[0]), -1.1 * np.log(ratio[1])], rtol=1e-5
    )


def test_the_prediction_does_not_look_at_the_cost(session, example):
    """It is there for objectives such as score * (price - cost)."""
    other = example.copy()
    other[:, NAMES.index("cost")] *= 7

    before, after = (session.run(["cartons"], {"features": rows})[0] for rows in (example, other))

    np.testing.assert_array_equal(before, after)


def test_the_record_tells_elasticities_of_every_brand():
    """Of the model and of a log-log regression; demand falls in all of them."""
    found = DOCUMENT["metrics"]["elasticity"]

    assert list(found) == [name for name, _ in BRANDS.values()]
    assert all(one["model"] < 0 and one["log_log_regression"] < 0 for one in found.values())
    assert DOCUMENT["metrics"]["price_rises_raise_demand"] == 0


def test_it_is_better_than_its_baselines():
    """In logs and in absolute error, on the held-out weeks; one has less squared error.

    The README says which, and by how much.
    """
    found = DOCUMENT["metrics"]
    page = (REPOSITORY / "training" / "README.md").read_text()

    for rival in found["baselines"].values():
        assert found["model"]["r2_log"] > rival["r2_log"]
        assert found["model"]["mae"] < rival["mae"]
        assert f"| {rival['r2_log']:.3f} | {rival['mae']:.1f} | {rival['rmse']:.1f} |" in page
    smaller = {n for n, one in found["baselines"].items() if one["rmse"] < found["model"]["rmse"]}
    assert smaller == {"log_log_regression_from_usual"}


def test_prices_of_no_experience_are_refused():
    """Demand beyond the prices of the data is not known."""
    price = DOCUMENT["features"][NAMES.index("price")]

    assert (price["name"], price["outside"]) == ("price", "refuse")


def test_log_log_finds_the_elasticity_it_is_made_of():
    """Rows of two brands with elasticities -2 and -0.5."""
    random = np.random.default_rng(1)
    rows = np.zeros((400, len(NAMES)), np.float32)
    rows[:, NAMES.index("price")] = random.uniform(1, 4, 400)
    rows[:, NAMES.index("deal")] = random.integers(0, 2, 400)
    rows[:, NAMES.index("feat")] = random.integers(0, 2, 400)
    brand = np.repeat([1, 2], 200)
    slope = np.where(brand == 1, -2.0, -0.5)
    logs = 3 + slope * np.log(rows[:, 0]) + 0.3 * rows[:, NAMES.index("deal")]
    made = pricing_rows.Rows(rows, logs, np.ones(400, np.int64), brand)

    found = pricing_record.log_log(made)

    assert found[1][1] == pytest.approx(-2, abs=1e-4)
    assert found[2][1] == pytest.approx(-0.5, abs=1e-4)


def deb(members) -> bytes:
    """A .deb with these files in its data archive."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    parts = {"debian-binary": b"2.0\n", "data.tar.xz": lzma.compress(plain.getvalue())}
    made = b"!<arch>\n"
    for name, content in parts.items():
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        made += content + b"\n" * (len(content) % 2)
    return made


def test_a_package_is_opened_without_tools():
    """The one file out of an ar archive of a tar archive."""
    package = deb({"./usr/other": b"no", f"./{pricing_data._MEMBER}": b"rows"})

    assert pricing_data._member(package) == b"rows"


@pytest.mark.parametrize("package", [deb({"./usr/other": b"no"}), b"<html>not found</html>"])
def test_a_package_without_the_file_is_told(package):
    """With what to do instead."""
    with pytest.raises(DataError, match="apt-get download r-cran-bayesm"):
        pricing_data._member(package)


def test_without_apt_the_message_says_what_to_do(monkeypatch, tmp_path):
    """Names the package, the file and where to put it."""
    monkeypatch.setattr("shutil.which", lambda _name: None)

    with pytest.raises(DataError, match=r"no apt-get .*orangeJuice\.rda to \.cache/pricing"):
        pricing_data.orange_juice(tmp_path)


def test_without_a_network_the_message_has_the_reason(monkeypatch, tmp_path):
    """The last line that apt-get said; nothing half fetched stays behind."""
    failed = SimpleNamespace(stderr="E: first\nE: Unable to locate package\n", returncode=100)
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr("subprocess.run", lambda *_arguments, **_options: failed)

    with pytest.raises(DataError, match="Unable to locate package"):
        pricing_data.orange_juice(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def built():
    """All rows, built once."""
    return pricing_rows.build(pricing_data.orange_juice())


@needs_data
def test_the_past_of_a_row_is_of_earlier_weeks(built):
    """`last_price` and `usual_price` are of the same shop and brand, worked out by hand."""
    data = pricing_data.orange_juice().sales.astype(float)
    one = data[(data.store == 2) & (data.brand == 1)].sort_values("week")
    price, week = (one["price1"] * 64).to_numpy(), one["week"].to_numpy()
    at = 30
    same = (built.week == week[at]) & (built.brand == 1)
    rows = built.rows[same]
    mine = rows[np.isclose(rows[:, NAMES.index("price")], price[at], rtol=1e-6)]

    usual = price[at - 13 : at].mean()
    assert np.isclose(mine[:, NAMES.index("last_price")], price[at - 1], rtol=1e-5).any()
    assert np.isclose(mine[:, NAMES.index("usual_price")], usual, rtol=1e-5).any()


@needs_data
def test_coverage_through_the_shipped_graph(session, built):
    """On the weeks that were held out, within two points of what was asked."""
    held = built.where(built.week > pricing.LAST_SEEN)
    cartons, spread = session.run(["cartons", "spread"], {"features": held.rows})

    outputs = {"cartons": cartons, "spread": spread}
    found = intervals.measure(DOCUMENT["output"]["interval"], outputs, "cartons", np.exp(held.logs))

    assert found["rows"] == DOCUMENT["metrics"]["rows"] == 17_435
    for one in found["coverages"]:
        assert abs(one["measured"] - one["nominal"]) <= intervals.COVERAGE_TOLERANCE, one


def test_the_example_rows_fit_the_features(example):
    """Twenty rows in the ranges of training."""
    assert len(example) == 20
    for index, feature in enumerate(DOCUMENT["features"]):
        if feature["type"] == "number":
            assert (example[:, index] >= feature["minimum"]).all(), feature["name"]
            assert (example[:, index] <= feature["maximum"]).all(), feature["name"]
    assert [feature.name for feature in FEATURES] == [f["name"] for f in DOCUMENT["features"]]


def test_the_readme_shows_the_committed_elasticities():
    """A training with other results has to bring its table along."""
    page = (REPOSITORY / "training" / "README.md").read_text()

    for brand, found in DOCUMENT["metrics"]["elasticity"].items():
        assert f"| {brand} | {found['model']:.2f} | {found['log_log_regression']:.2f} |" in page
