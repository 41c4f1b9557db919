"""Tests of a group go to one process."""

import os

import pytest


@pytest.mark.xdist_group("groups")
def test_the_scheduler_is_told_the_group(request: pytest.FixtureRequest) -> None:
    """By the name of the test, which some versions of pytest do not let pytest-xdist change."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@groups")


@pytest.fixture(scope="module")
def shared() -> str:
    return "made once"


def test_tests_that_share_what_their_module_makes_are_a_group(shared: str, request: pytest.FixtureRequest) -> None:
    assert shared
    (mark,) = request.node.iter_markers("xdist_group")
    assert mark.args == ("tests/test_groups.py",)
