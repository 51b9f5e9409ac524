"""`decide` of the Python client and of its command line, on both transports."""

import io
import json
import re
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format

from stubtail.v1 import decision_pb2
from stubtail_client import (
    AsyncClient,
    Client,
    InvalidArgument,
    Limit,
    MaxChange,
    Profit,
    Range,
    ValueAtRisk,
)
from stubtail_client.cli.run import main
from tests.decision_models import CONTEXT, units
from tests.integration.customers import Customers
from tests.integration.decide_calls import decide
from tests.server_process import ROOT, ServerProcess

README = ROOT / "clients" / "README.md"
TIMEOUT_S = 20.0


def test_the_price_for_most_profit_within_a_tenth(shop_server: ServerProcess) -> None:
    """The example of the README, with bounds and the curve."""
    with Client(shop_server.address, timeout=TIMEOUT_S) as client:
        decision = client.decide(
            "shop",
            CONTEXT,
            grid={"price": Range(1.5, 3.5, 41)},
            maximise=Profit(price="price", cost="cost"),
            parameters={"cost": 1.2},
            constraints=[MaxChange("price", relative=0.1), Limit("units", at_least=5)],
            coverage=0.9,
            curve=True,
        )
    best = decision.best
    assert best is not None
    assert best["price"] == pytest.approx(2.2)
    assert best.predicted == pytest.approx(units(2.2))
    assert best.objective == pytest.approx(1.0 * units(2.2))
    assert best.upper == pytest.approx(units(2.2) + 2.2 / 2)
    assert best.slacks["price within 10 %"] == pytest.approx(0, abs=1e-9)
    assert decision.baseline.objective == pytest.approx(0.8 * units(2.0))
    assert decision.curve is not None
    assert len(decision.curve) == 41


async def test_the_async_client_decides_alike(shop_server: ServerProcess) -> None:
    """The same answer, and the same errors."""
    async with AsyncClient(shop_server.address, timeout=TIMEOUT_S) as client:
        decision = await client.decide(
            "shop",
            CONTEXT,
            candidates=[{"plan": "plus", "cost": 3.0}, {"price": 1.0}],
            minimise=ValueAtRisk("price", "cost", "units"),
            parameters={"cost": 0.0},
        )
        assert [option.position for option in decision.ranked] == [1, 0]
        assert decision.ranked[1].objective == pytest.approx(2 * units(2, "plus") + 3)
        with pytest.raises(InvalidArgument) as error:
            await client.decide("shop", CONTEXT, grid={"price": [1.0]}, maximise="price +")
    (violation,) = error.value.violations
    assert violation.field == "objective.expression"
    assert violation.description == "at character 8: expected a value, got the end"


def run(
    server: ServerProcess,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *words: str,
) -> tuple[int, str, str]:
    """The command with the context on stdin: its exit code, stdout and stderr."""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(CONTEXT)))
    code = main(["decide", "shop", "--row", "-", "--server", server.address, *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_prints_a_ranked_table(
    shop_server: ServerProcess,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is now, the best candidates, and why others are not among them."""
    words = ["--try", "price=1.5:3.5:101", "--try", "plan=basic,plus", "--profit", "price,cost"]
    words += ["--set", "cost=1.2", "--within", "price=10%", "--require", "units >= 8", "--top", "2"]
    code, out, err = run(shop_server, capsys, monkeypatch, *words)

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "shop 1: 21 of 202 candidates keep all constraints"
    assert lines[1:3] == ["  160 excluded: price within 10 %", "  21 excluded: units at least 8"]
    header, now, first, second = (line.split() for line in lines[4:8])
    assert header[:5] == ["rank", "price", "plan", "predicted", "objective"]
    assert now[:5] == ["now", "2", "basic", "6", "4.8"]
    assert first[:5] == ["1", "2.2", "plus", "8.6", "8.6"]
    assert second[:3] == ["2", "2.18", "plus"]
    assert "association" in lines[-1]


def test_the_command_says_when_nothing_is_feasible(
    shop_server: ServerProcess,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which is an answer: the exit code is 0."""
    words = ["--candidates", '[{"price": 3}, {"price": 2.5}]', "--revenue", "price"]
    code, out, _ = run(shop_server, capsys, monkeypatch, *words, "--require", "units >= 9")
    assert code == 0
    assert "nothing is feasible; the nearest candidate violates:" in out
    assert "  - units must be at least 9 and is 5" in out

    words = ["--try", "price=2,3", "--value-at-risk", "price", "--between", "price=:1", "--json"]
    code, out, _ = run(shop_server, capsys, monkeypatch, *words)
    document = json.loads(out)
    assert (code, document["feasible"]) == (0, False)
    assert document["nearest"]["changes"] == {"price": 2.0}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--maximise", "score"], 2, "what could be done?"),
        (["--try", "price=1", "--try", "price=2", "--maximise", "score"], 2, "is there twice"),
        (["--try", "price=a,b", "--maximise", "score"], 2, "are not all numbers"),
        (["--try", "price=1", "--candidates", "[]", "--maximise", "score"], 2, "give either"),
        (["--try", "price=1", "--maximise", "scor"], 1, "objective.expression: at character 1"),
    ],
)
def test_the_command_says_what_is_wrong(
    shop_server: ServerProcess,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    message: str,
) -> None:
    """With the exit code of a wrong command, or of a refusal."""
    found, _, err = run(shop_server, capsys, monkeypatch, *words)
    assert (found, message in err) == (code, True), err


@pytest.mark.parametrize(
    "words",
    [
        ["--try", "price"],
        ["--try", "price=1:x:3"],
        ["--within", "price=ten"],
        ["--between", "price=3"],
        ["--profit", "price"],
        ["--candidates", "{}"],
        ["--set", "cost"],
        ["--top", "0"],
        ["--maximise", "a", "--minimise", "b"],
    ],
)
def test_words_that_cannot_be_read(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The parser refuses them before any call."""
    with pytest.raises(SystemExit) as stop:
        main(["decide", "shop", "--row", "{}", "--maximise", "score", *words])
    assert stop.value.code == 2
    assert capsys.readouterr().err


def test_the_request_of_the_readme(shop: grpc.Channel, shipped_models: Path) -> None:
    """Its JSON, with the rest of the context where it says so, is answered."""
    (text,) = re.findall(r"```jsonc\n(.*?)```", README.read_text(), re.DOTALL)
    customers = Customers(shipped_models)
    columns = customers.columns(customers.rows(1, seed=3))
    rest = {
        name: {"text" if isinstance(column[0], str) else "number": column[0]}
        for name, column in columns.items()
        if name not in ("tenure", "contract")
    } | {"monthly_charges": {"number": 79.9}}
    whole = text.replace("...", json.dumps(rest)[1:-1])
    request = json_format.Parse(whole, decision_pb2.DecideRequest())

    reply = decide(shop, request)

    assert reply.candidate_count == 22
    assert reply.constraints[1] == "monthly_charges within 10 %"
    assert [change.name for change in reply.baseline.changes] == ["tech_support", "monthly_charges"]
