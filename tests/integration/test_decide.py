"""Decide over real connections, on both transports: its answers, alone and in company."""

import concurrent.futures
from pathlib import Path

import grpc
import numpy as np
import pytest

from stubtail.endpoints.decide import PATH
from stubtail.v1 import decision_pb2
from tests.decision_models import units
from tests.integration.calls import dense, score, unary
from tests.integration.customers import Customers
from tests.integration.decide_calls import decide, request, values


def test_the_best_price_within_a_change(shop: grpc.Channel) -> None:
    """A grid, a limit on the change, and the least that must be sold."""
    made = request(coverage=0.9, top=2, curve=True)
    made.grid.axes.add(name="price", range=decision_pb2.Range(first=1.0, last=4.0, steps=31))
    made.constraints.add().max_change.CopyFrom(decision_pb2.MaxChange(name="price", relative=0.4))
    made.constraints.add(name="sales").limit.CopyFrom(
        decision_pb2.Limit(expression="units", at_least=4.5)
    )

    reply = decide(shop, made)

    prices = np.linspace(1, 4, 31)
    allowed = [p for p in prices if abs(p - 2) <= 0.8 + 1e-9 and units(p) >= 4.5]
    best = sorted(allowed, key=lambda p: -(p - 1) * units(p))[:2]
    np.testing.assert_allclose(reply.ranked.changes[0].numbers, best)
    np.testing.assert_allclose(reply.ranked.predicted, [units(p) for p in best], rtol=1e-6)
    np.testing.assert_allclose(reply.ranked.upper, [units(p) + p / 2 for p in best], rtol=1e-6)
    np.testing.assert_allclose(
        reply.ranked.slacks[0].values, [0.8 - abs(p - 2) for p in best], atol=1e-9
    )
    np.testing.assert_allclose(reply.curve.predicted, [units(p) for p in prices], rtol=1e-6)
    assert reply.feasible_count == len(allowed) == sum(reply.curve.feasible)
    assert {one.reason for one in reply.exclusions} == {"price within 40 %", "sales"}


def test_offers_to_a_customer(shop: grpc.Channel, shipped_models: Path) -> None:
    """Contract and support of the shipped churn model, each predicted as Score predicts it."""
    customers = Customers(shipped_models)
    rows = customers.rows(1, seed=7)
    columns = customers.columns(rows)
    made = request(
        model="churn",
        context=values({name: column[0] for name, column in columns.items()}),
        parameters=values({"year": 12.0}),
        objective=decision_pb2.Objective(
            direction=decision_pb2.DIRECTION_MINIMISE,
            expression='score * monthly_charges * year + (contract == "Two year" ? 60 : 0)',
        ),
        curve=True,
    )
    contracts = ["Month-to-month", "One year", "Two year"]
    support = ["No", "Yes"]
    made.grid.axes.add(name="contract").texts.values.extend(contracts)
    made.grid.axes.add(name="tech_support").texts.values.extend(support)

    reply = decide(shop, made)

    expected = []
    for contract in contracts:
        for answer in support:
            row = rows.copy()
            for name, text in (("contract", contract), ("tech_support", answer)):
                categories = customers.features[customers.column(name)]["categories"]
                row[0, customers.column(name)] = categories.index(text)
            expected.append(customers.scores(row)[0])
    np.testing.assert_allclose(reply.curve.predicted, expected, atol=1e-6)
    np.testing.assert_allclose(reply.baseline.predicted, customers.scores(rows), atol=1e-6)
    charges = columns["monthly_charges"][0]
    costs = [s * charges * 12 + 60 * (i >= 4) for i, s in enumerate(expected)]
    np.testing.assert_allclose(reply.curve.objective, costs, rtol=1e-5)
    assert reply.ranked.positions[0] == int(np.argmin(costs))


def test_nothing_feasible_is_an_answer_and_no_error(shop: grpc.Channel) -> None:
    """Status OK, with the nearest candidate."""
    made = request(1.0, 2.0)
    made.constraints.add().bounds.CopyFrom(decision_pb2.Bounds(name="price", minimum=3.0))

    reply = decide(shop, made)

    assert not reply.feasible
    assert list(reply.nearest.changes[0].numbers) == [2.0]
    assert [one.reason for one in reply.violations] == ["price must be at least 3 and is 2"]


def test_overflow_and_division_by_zero_are_no_errors(shop: grpc.Channel) -> None:
    """Candidates without a finite objective are excluded."""
    for text in ("1 / (price - 1)", "exp(1000 * price)", "pow(1e300, price + 1)", "sqrt(-price)"):
        objective = decision_pb2.Objective(expression=text)
        reply = decide(shop, request(1.0, 3.0, objective=objective, explain_excluded=True))
        assert reply.exclusions[-1].reason == "objective is not finite"
        assert reply.excluded.positions[0] == 0


def test_the_largest_request_is_answered(shop: grpc.Channel) -> None:
    """10,000 candidates with everything asked for."""
    made = request(curve=True, explain_excluded=True, top=10_000, coverage=0.5)
    for name, last in (("price", 8.0), ("week", 50.0)):
        made.grid.axes.add(name=name, range=decision_pb2.Range(first=1.0, last=last, steps=100))
    made.constraints.add().limit.CopyFrom(decision_pb2.Limit(expression="units", at_least=1.0))

    reply = decide(shop, made)

    assert reply.candidate_count == len(reply.curve.predicted) == 10_000
    assert reply.feasible_count == len(reply.ranked.positions) == sum(reply.curve.feasible)
    assert reply.feasible_count + len(reply.excluded.positions) == 10_000
    objective = np.array(reply.ranked.objective)
    assert (np.diff(objective) <= 0).all()


def test_timing_is_that_of_the_lane(shop: grpc.Channel) -> None:
    """Decide asks for its timing like Score; the rows are the candidates and the context."""
    reply, answered = unary(shop, PATH).with_call(
        request(2.0, 3.0).SerializeToString(), timeout=20, metadata=[("stubtail-timing", "1")]
    )
    assert decision_pb2.DecideResponse.FromString(reply).feasible
    assert "batch_rows=3" in dict(answered.trailing_metadata())["stubtail-timing"]


def test_decisions_and_scores_at_once(shop: grpc.Channel) -> None:
    """Calls of both methods to one model, many at a time: each gets its own answer."""

    def one(number: int) -> None:
        price = 1 + number % 40 / 10
        if number % 2:
            reply = score(shop, dense("shop", [[price, 1, 0]]))
            np.testing.assert_allclose(reply.scores, [units(price, "plus")], rtol=1e-6)
        else:
            answer = decide(shop, request(price, 1.5))
            places = {p: i for i, p in enumerate(answer.ranked.changes[0].numbers)}
            assert answer.ranked.predicted[places[price]] == pytest.approx(units(price), rel=1e-6)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(200)))
