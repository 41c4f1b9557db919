"""Means with their intervals, alone and in pairs."""

import numpy as np
import pytest

from dicface.evaluation.statistics import Estimate, bootstrap_interval, estimate, paired


def test_the_interval_holds_the_mean_and_narrows() -> None:
    values = np.random.default_rng(1).normal(25, 2, 400)
    low, high = bootstrap_interval(values)
    assert low < values.mean() < high
    # Half width of a mean's 95 % interval: 1.96 sigma / sqrt(n).
    assert abs((high - low) / 2 - 1.96 * values.std() / 20) < 0.03
    assert bootstrap_interval(values) == [low, high]


def test_the_interval_of_many_is_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).normal(0, 1, 100)
    whole = bootstrap_interval(values)
    monkeypatch.setattr("dicface.evaluation.statistics._DRAWN_AT_ONCE", 700)
    assert bootstrap_interval(values) == whole


def test_an_infinite_mean_is_none() -> None:
    assert estimate(np.array([30.0, np.inf])) == Estimate(None, None)
    assert estimate(np.array([30.0, np.inf])).text(2) == "infinite"


def test_an_estimate_reads_well() -> None:
    assert Estimate(0.0567, [0.05, 0.06]).text(1, 100, sign="+") == "+5.7 [+5.0, +6.0]"


def test_pairs_by_hand() -> None:
    pair = paired(np.array([3.0, 5.0, 1.0, 2.0]), np.array([2.0, 2.0, 1.0, 3.0]))
    assert pair.difference.mean == pytest.approx(0.75)
    assert pair.win_rate == pytest.approx((2 + 0.5) / 4)
    assert pair.worse == pytest.approx(1 / 4)
    assert paired(np.array([1.0, 2.0]), np.array([2.0, 1.0]), lower_is_better=True).win_rate == 0.5
    assert paired(np.array([1.0, 3.0, 4.0]), np.array([2.0, 1.0, 1.0]), lower_is_better=True).worse == pytest.approx(
        2 / 3
    )
    assert paired(np.array([1.0, 0.5]), np.array([2.0, 1.0]), lower_is_better=True).win_rate == 1


def test_two_that_are_exact_tie() -> None:
    pair = paired(np.array([np.inf, 30.0]), np.array([np.inf, 20.0]))
    assert pair.json == {"difference": 5, "ci95": [0, 10], "win_rate": 0.75, "worse": 0}
    only_one = paired(np.array([np.inf, 30.0]), np.array([25.0, 20.0]))
    assert only_one.json == {"difference": None, "ci95": None, "win_rate": 1, "worse": 0}
