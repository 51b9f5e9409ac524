"""The memory that a check may take: from cgroups and the machine, whatever their texts say."""

import pytest

from stubtail.models.confine import cgroup_left, memory_left

MIB = 2**20


@pytest.mark.parametrize(
    ("most", "used", "parts", "left"),
    [
        ("max\n", "5\n", "", None),
        ("", "", "", None),
        ("100\n", "30\n", "", 70),
        ("100\n", "130\n", "", 0),
        ("100\n", "90\n", "anon 5\ninactive_file 40\nactive_file 20\n", 70),
        ("100\n", "90\n", "inactive_file 400\n", 100),
        ("-1", "5", "", None),
    ],
)
def test_what_a_cgroup_has_left(most, used, parts, left):
    """Files in the cache are given back at need, so they do not count as used."""
    assert cgroup_left(most, used, parts) == left


def test_what_this_machine_has_left():
    """Some memory, or nobody tells."""
    left = memory_left()
    assert left is None or left > MIB
