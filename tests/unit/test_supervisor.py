"""Tests of the supervisor's decisions and texts: no process, no socket, time passed in."""

import io

import pytest

from stubtail.config import ServerSettings, Settings, SupervisorSettings, TlsSettings
from stubtail.supervisor.control import ForegroundControl, Heartbeats
from stubtail.supervisor.pages import Family, exposition, merge
from stubtail.supervisor.policy import WorkerLife, may_announce, must_give_up
from stubtail.supervisor.ports import join

SETTINGS = SupervisorSettings(
    restart_backoff_min_ms=200,
    restart_backoff_max_ms=1000,
    stable_after_ms=30_000,
    start_timeout_ms=60_000,
    heartbeat_timeout_ms=15_000,
)


def crashed(times: int) -> WorkerLife:
    """A worker that never was ready."""
    life = WorkerLife(SETTINGS)
    for _ in range(times):
        life.started(0.0)
        life.ended(1.0)
    return life


def ready(now_s: float = 1.0) -> WorkerLife:
    """A worker that serves."""
    life = WorkerLife(SETTINGS)
    life.started(0.0)
    life.became_ready(now_s)
    return life


def test_backoff_doubles_to_its_bound():
    """Crashes in a row wait 200, 400, 800 ms and then always a second."""
    life = WorkerLife(SETTINGS)

    waits = []
    for start_s in range(40):
        life.started(start_s)
        waits.append(round(life.ended(start_s) - start_s, 3))

    assert waits[:5] == [0.2, 0.4, 0.8, 1.0, 1.0]
    assert set(waits[5:]) == {1.0}


def test_stable_time_forgets_crashes():
    """A worker that was ready for 30 s starts anew at the first wait; one of 29 s does not."""
    life = crashed(3)
    life.started(10.0)
    life.became_ready(11.0)
    assert life.ended(40.9) == pytest.approx(41.9)

    life.started(50.0)
    life.became_ready(51.0)
    assert life.ended(81.0) == pytest.approx(81.2)


def test_silence_is_hung_only_after_ready():
    """Loading may be silent; serving may not, and the age of the quietest part counts."""
    life = WorkerLife(SETTINGS)
    life.started(0.0)
    assert life.hung(59.0) is None
    life.became_ready(59.0)
    assert life.hung(74.0) is None

    life.heard(74.0, 0.1)
    assert life.hung(88.0) is None
    assert "heartbeat_timeout_ms" in (life.hung(89.0) or "")


def test_stuck_part_is_not_hidden_by_the_others():
    """Signs of life from the control thread do not keep a worker whose lane is stuck."""
    life = ready(0.0)
    for second in range(1, 20):
        life.heard(float(second), float(second))

    assert life.hung(19.0) is not None


def test_start_has_a_time_limit():
    """A worker that is never ready is killed after the start's limit."""
    life = WorkerLife(SETTINGS)
    life.started(0.0)

    assert "start_timeout_ms" in (life.hung(60.1) or "")


def test_ready_line_waits_for_all_or_for_failures():
    """All ready, or some ready and every other one failed at least once."""
    starting = WorkerLife(SETTINGS)

    assert may_announce([ready(), ready()])
    assert may_announce([ready(), crashed(1)])
    assert not may_announce([ready(), starting])
    assert not may_announce([crashed(2), starting])
    assert not may_announce([crashed(3), crashed(3)])


def test_giving_up_needs_every_worker_to_fail():
    """One worker that ever was ready, or that has tries left, keeps the supervisor going."""
    assert must_give_up([crashed(3), crashed(4)], 3)
    assert not must_give_up([crashed(3), crashed(2)], 3)
    was_ready = ready()
    was_ready.ended(2.0)
    assert not must_give_up([crashed(9), was_ready], 3)


def test_silence_is_that_of_the_quietest_part():
    """The lane's silence counts although the loop beats; nothing counts before the first beat."""
    now_s = 10.0
    beats = Heartbeats(lambda: now_s)
    assert beats.silence_s() == 0.0

    beats.heartbeat("lane")
    now_s = 14.0
    beats.heartbeat("loop")

    assert beats.silence_s() == 4.0


def test_foreground_announces_and_complains():
    """A server without supervisor tells people itself."""
    told, errors = [], io.StringIO()
    control = ForegroundControl(Settings(), lambda *addresses: told.append(addresses), errors)

    control.start(lambda: None)
    control.ready("127.0.0.1:8500", "127.0.0.1:8501")
    control.failed("no port")

    assert told == [("127.0.0.1:8500", "http://127.0.0.1:8501")]
    assert errors.getvalue() == "stubtail: no port\n"
    assert control.http_address == ("127.0.0.1", 8501)


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "https://x:1"), ("127.0.0.1", "http://x:1")])
def test_the_pages_are_announced_as_they_are_spoken_to(host: str, url: str):
    """With the certificate where others reach them, without one on this machine."""
    settings = Settings(
        server=ServerSettings(http_host=host), tls=TlsSettings(cert_file="c.pem", key_file="k.pem")
    )
    told = []
    ForegroundControl(settings, lambda _, pages: told.append(pages), io.StringIO()).ready("", "x:1")
    assert told == [url]


def test_merge_labels_and_groups():
    """Samples get the label worker; a family's lines stand together under one HELP and TYPE."""
    first = (
        "# HELP a_total Calls.\n# TYPE a_total counter\n"
        'a_total{model="x y",p="{"} 1.0\na_total 2.0\n# EOF\n'
    )
    second = "# HELP b Bytes.\n# TYPE b gauge\nb 3.0\n" + first

    assert merge({0: first, 1: second}) == (
        "# HELP a_total Calls.\n# TYPE a_total counter\n"
        'a_total{worker="0",model="x y",p="{"} 1.0\na_total{worker="0"} 2.0\n'
        'a_total{worker="1",model="x y",p="{"} 1.0\na_total{worker="1"} 2.0\n'
        '# HELP b Bytes.\n# TYPE b gauge\nb{worker="1"} 3.0\n'
    )


def test_own_metrics_in_both_formats():
    """A counter's family ends in _total in the older format only."""
    families: list[Family] = [("restarts", "counter", "Ends.", {0: 1.0})]

    assert exposition(families, suffix_counters=True) == (
        "# HELP restarts_total Ends.\n# TYPE restarts_total counter\n"
        'restarts_total{worker="0"} 1.0\n'
    )
    assert exposition(families, suffix_counters=False).startswith("# HELP restarts Ends.\n")


def test_addresses_are_written_as_clients_write_them():
    """IPv6 addresses stand in brackets."""
    assert join("127.0.0.1", 1) == "127.0.0.1:1"
    assert join("::1", 1) == "[::1]:1"
