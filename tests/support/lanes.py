"""Which cases of a test the quick lane leaves out."""

from collections.abc import Iterable
from typing import Any

import pytest


def slow(values: Iterable[Any]) -> list[Any]:
    """Values of a parameter, each marked slow."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]
