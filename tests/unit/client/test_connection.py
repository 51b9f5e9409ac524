"""Pins the arguments of channels, and what settings are refused."""

import json
import math

import pytest

from stubtail_client import AsyncClient, Client, InvalidArgument, connection
from stubtail_client.options import Deadline, checked_timeout, priority_number


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan, None, "1", 1e9])
def test_no_call_waits_for_ever(timeout):
    """A timeout is a finite number of seconds above 0."""
    with pytest.raises(InvalidArgument, match="timeout"):
        checked_timeout(timeout)


@pytest.mark.parametrize("priority", ["urgent", 1, "", [], "HIGH"])
def test_priority_is_a_name(priority):
    """A priority is one of four names; anything else is refused with the four names."""
    with pytest.raises(InvalidArgument, match="critical, high, normal, low"):
        priority_number(priority)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"server": ""}, "server"),
        ({"server": 8500}, "server"),
        ({"server": "127.0.0.1"}, "server"),
        ({"server": "http://127.0.0.1:8500"}, "scheme"),
        ({"timeout": 0}, "timeout"),
        ({"connections": 0}, "connections"),
        ({"connections": 257}, "connections"),
        ({"connections": "2"}, "connections"),
        ({"connections": 2.5}, "connections"),
        ({"part_bytes_max": 10}, "part_bytes_max"),
        ({"part_rows_max": 0}, "part_rows_max"),
        ({"message_bytes_max": 1000}, "message_bytes_max"),
        ({"message_bytes_max": "1"}, "message_bytes_max"),
        ({"part_bytes_max": "1"}, "part_bytes_max"),
        ({"hedge_after": "1"}, "hedge_after"),
        ({"wait_for_ready": "no"}, "wait_for_ready"),
        ({"credentials": "a key"}, "credentials"),
        ({"hedge_after": 0}, "hedge_after"),
        ({"hedge_after": math.nan}, "hedge_after"),
        ({"metadata": {"Key": "x"}}, "metadata"),
        ({"metadata": {"key": "ä"}}, "metadata"),
        ({"metadata": {"key-bin": "x"}}, "metadata"),
        ({"metadata": [("key", b"x")]}, "metadata"),
    ],
)
def test_settings_are_checked_at_once(kind, options, word):
    """Both clients refuse what they could not use, when they are made."""
    with pytest.raises(InvalidArgument, match=word):
        kind(**options)


def settings(server: str = "10.0.0.1:8500") -> connection.Settings:
    """The settings of a client with nothing but defaults."""
    return connection.Settings(
        server=server,
        timeout=1.0,
        connections=1,
        part_rows_max=connection.PART_ROWS_MAX,
        part_bytes_max=connection.PART_BYTES_MAX,
        wait_for_ready=True,
        fixed_metadata=(),
    )


def test_the_addresses_of_a_name_take_turns():
    """Channels balance and wait; they retry nothing by a policy of their own."""
    arguments = dict(settings().channel_arguments())

    config = json.loads(str(arguments["grpc.service_config"]))

    assert config["loadBalancingConfig"] == [{"round_robin": {}}]
    assert config["methodConfig"] == [{"name": [{}], "waitForReady": True}]
    assert arguments["grpc.service_config_disable_resolution"] == 1


def test_channel_arguments():
    """Own connections, keepalive only while calls are under way, raised size limits."""
    arguments = dict(settings().channel_arguments())

    assert arguments["grpc.use_local_subchannel_pool"] == 1
    assert arguments["grpc.keepalive_time_ms"] == 30_000
    assert arguments["grpc.keepalive_permit_without_calls"] == 0
    assert arguments["grpc.max_receive_message_length"] == 64 * 1024 * 1024
    assert str(arguments["grpc.primary_user_agent"]).startswith("stubtail-client/")
    assert "grpc.enable_http_proxy" not in arguments


@pytest.mark.parametrize("server", ["127.0.0.1:8500", "localhost:1", "[::1]:1", "unix:/run/s"])
def test_loopback_needs_no_proxy(server):
    """A proxy from the environment is not asked for this machine itself."""
    assert dict(settings(server).channel_arguments())["grpc.enable_http_proxy"] == 0


def test_deadline_runs_down_to_zero():
    """A deadline in the past leaves no time, and never a negative one."""
    assert Deadline(1.0, 0.0).remaining() == 0.0
    assert 0 < Deadline.after(5.0).remaining() <= 5.0


@pytest.mark.parametrize(
    ("server", "ours"),
    [
        ("127.0.0.1:8500", True),
        ("dns:///localhost:8500", True),
        ("unix:/tmp/socket", True),
        ("dns:///models.internal:8500", False),
        ("dns://127.0.0.1:53/models.internal:8500", False),
        ("10.0.0.1:8500", False),
    ],
)
def test_what_is_this_machine(server, ours):
    """A token goes there in the clear, and no proxy is asked."""
    assert connection.is_loopback(server) is ours
