"""Pins which component is named as the cause of an incident."""

from stubtail.anomaly.findings import Finding, Kind, Severity
from stubtail.anomaly.incidents import INCIDENTS_MAX, Member, below, incidents


def finding(start: int, size: float, p_value: float = 1e-5, end: int = 0) -> Finding:
    """A spike of so many widths of the band."""
    return Finding(Kind.SPIKE, start, end or start + 1, start, p_value, size, 0.0, -1.0, 1.0)


def member(name: str, *findings: Finding, component: str = "") -> Member:
    """One series."""
    return Member(name, component or name, findings)


def test_findings_at_one_time_are_one_incident() -> None:
    """And those much later another one; the gravest comes first."""
    found = incidents(
        [
            member("a", finding(10, 5), finding(100, 5, 0.005)),
            member("b", finding(12, 5), finding(101, 5, 0.005)),
        ],
        {},
    )
    assert [(one.start, one.end, one.severity) for one in found] == [
        (10, 13, Severity.CRITICAL),
        (100, 102, Severity.MEDIUM),
    ]
    assert [one.series_count for one in found] == [2, 2]
    assert incidents([member("a")], {}) == []


def test_the_larger_and_the_earlier_deviation_is_likelier() -> None:
    """The weights of all causes add up to 1."""
    (larger,) = incidents([member("a", finding(10, 4)), member("b", finding(10, 40))], {})
    (earlier,) = incidents([member("a", finding(12, 9)), member("b", finding(10, 9))], {})
    for one in (larger, earlier):
        assert [cause.component for cause in one.causes] == ["b", "a"]
        assert abs(sum(cause.weight for cause in one.causes) - 1) < 1e-9


def test_what_a_failing_component_depends_on_is_the_likelier_cause() -> None:
    """The front is as far off as the database behind the shop, and is explained by it."""
    series = [member(name, finding(10, 9)) for name in ("front", "shop", "database")]
    graph = {"front": ["shop"], "shop": ["database"]}
    (found,) = incidents(series, graph)
    assert found.causes[0].component == "database"
    assert [cause.explained for cause in found.causes] == [0.0, 1.0, 1.0]


def test_a_focus_leaves_out_what_it_does_not_depend_on() -> None:
    """A neighbour that fails harder is not the cause of my trouble."""
    graph = {"me": ["store"], "other": ["store"], "store": ["me"]}  # a circle does no harm
    assert below("me", graph) == {"me", "store"}
    series = [member("me", finding(10, 3)), member("other", finding(10, 50))]
    (found,) = incidents(series, graph, "me")
    assert [cause.component for cause in found.causes] == ["me"]


def test_series_of_one_component_make_one_cause() -> None:
    """With the series that show it, the most unusual first."""
    (found,) = incidents(
        [
            member("slow", finding(10, 3), component="web"),
            member("errors", finding(11, 30), component="web"),
        ],
        {},
    )
    (cause,) = found.causes
    assert (cause.component, cause.start, cause.series) == ("web", 10, ("errors", "slow"))


def test_incidents_and_causes_are_bounded() -> None:
    """A storm does not make an endless answer."""
    many = [member(f"s{at}", *(finding(20 * k, 5) for k in range(40))) for at in range(30)]
    found = incidents(many, {})
    assert len(found) == INCIDENTS_MAX
    assert all(len(one.causes) == 10 and one.series_count == 30 for one in found)


def test_many_ways_to_a_component_are_as_good_as_one() -> None:
    """60 diamonds in a row have 2^60 ways, and an edge may be named often."""
    graph: dict[str, list[str]] = {}
    for step in range(60):
        graph[f"a{step}"] = [f"b{step}", f"c{step}"]
        graph[f"b{step}"] = graph[f"c{step}"] = [f"a{step + 1}"]
    assert len(below("a0", graph)) == 181
    often = {"a": ["b"] * 1300, "b": ["c"] * 1300, "c": ["d"] * 1300}
    (found,) = incidents([member(name, finding(10, 9)) for name in "ad"], often)
    assert [cause.explained for cause in found.causes] == [0.0, 1.0]
