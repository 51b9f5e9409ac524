"""The Python client and its command line: intervals, reasons and several models, end to end."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from stubtail_client import AsyncClient, Client, InvalidArgument, Scores
from stubtail_client.cli.run import main
from tests import score_models
from tests.server_process import ServerProcess

ROW = {"amount": 2.0, "age": 30.0, "note": 1.0, "plan": "plus"}
CODES = np.array([[2.0, 30.0, 1.0, 1.0]])


@pytest.fixture
def client(detail_server: ServerProcess) -> Iterator[Client]:
    """A client of the server with the models of `score_models`."""
    with Client(detail_server.address) as client:
        yield client


def check(scores: Scores) -> None:
    """One row of `risk` with everything."""
    row = scores[0]
    assert row.score is not None
    assert row.lower == pytest.approx(max(row.score - 0.5, 0))
    assert row.upper == pytest.approx(min(row.score + 0.7, 1))
    assert row.level == "medium"
    assert scores.reasons is not None
    assert row.reasons is not None
    assert len(row.reasons) == 2
    total = scores.reasons.base_value + sum(reason.contribution for reason in row.reasons)
    total += float(scores.reasons.rest[0])
    assert total == pytest.approx(score_models.logits(CODES)[0], abs=1e-4)
    assert scores.reasons.link == "logit"


async def test_sync_and_async_give_the_same(client: Client, detail_server: ServerProcess) -> None:
    """For one row with everything that can be asked for."""
    check(client.score("risk", ROW, coverage=0.9, explain=2))
    async with AsyncClient(detail_server.address) as other:
        check(await other.score("risk", ROW, coverage=0.9, explain=2))
        answers = await other.score_models(["days", "risk"], ROW, coverage=0.9)
    assert list(answers) == ["days", "risk"]
    expected = client.score_models(["days", "risk"], ROW, coverage=0.9)
    assert [answer[0] for answer in answers.values()] == [one[0] for one in expected.values()]
    assert expected["days"].outputs is not None
    assert expected["days"].outputs["days"].scores.tolist() == [7.0]


def test_many_explained_rows_go_in_parts(client: Client) -> None:
    """The server bounds the rows of an explained call; the client need not know."""
    rows = np.random.default_rng(1).normal(size=(40, score_models.WIDE_FEATURES))
    scores = client.score("wide", rows, explain=3)
    assert scores.reasons is not None
    assert scores.reasons.contributions.shape == (40, 3)
    sums = scores.reasons.contributions.sum(axis=1) + scores.reasons.rest
    np.testing.assert_allclose(scores.reasons.base_value + sums, scores.scores, atol=1e-5)


def test_warnings_of_all_parts(client: Client) -> None:
    """Their rows count from the first row of the input."""
    rows = [{**ROW, "amount": 50.0 if index == 20 else 1.0} for index in range(40)]
    (warning,) = client.score("risk", rows, explain=1).warnings
    assert (warning.feature, warning.kind, warning.rows) == ("amount", "clipped", (20,))


def test_refusals_name_the_field(client: Client) -> None:
    """What the client cannot know, the server says."""
    with pytest.raises(InvalidArgument) as caught:
        client.score("risk", ROW, coverage=0.7)
    assert caught.value.violations[0].field == "coverage"
    with pytest.raises(InvalidArgument) as caught:
        client.score_models(["risk", "wide"], ROW)
    assert "wide: named.columns" in str(caught.value)


def test_command_line_explains(
    detail_server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bars for people, JSON for programs; a model without reasons says so."""
    words = ["--server", detail_server.address, "--row", json.dumps(ROW | {"amount": 12})]
    assert main(["explain", "risk", *words, "--coverage", "0.9"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("risk 1: ")
    assert "with 90 % coverage" in out
    assert "amount: clipped" in out
    assert "what moved the log-odds of the score" in out
    assert "█" in out or "#" in out
    assert main(["explain", "risk", *words, "--json", "--top", "1"]) == 0
    assert len(json.loads(capsys.readouterr().out)["reasons"]) == 1
    assert main(["explain", "days", *words]) == 1
    assert "days has no background rows" in capsys.readouterr().err
