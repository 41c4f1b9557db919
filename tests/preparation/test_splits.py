"""Nothing that belongs together is divided."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicface.errors import UsageError
from dicface.preparation.splits import Shares, assign, group_faces, holdout
from tests.support.hashes import flipped, random_hashes


def test_groups_join_over_everything() -> None:
    hashes = random_hashes(6)
    hashes[4] = flipped(hashes[0], 50)
    photos = ["a", "a", "b", "c", "d", "e"]
    identities = [None, 1, 1, None, None, None]
    assert group_faces(hashes, photos, identities).tolist() == [0, 0, 0, 3, 0, 5]
    assert group_faces(hashes).tolist() == [0, 1, 2, 3, 0, 5]


@given(st.lists(st.integers(0, 8), min_size=30, max_size=60), st.integers(0, 5))
def test_a_group_stays_on_one_side(members: list[int], seed: int) -> None:
    groups = np.array([*members, *range(9, 40)])
    splits = assign(groups, Shares(0.2, 0.1), seed)
    for group in set(members):
        assert len(set(splits[groups == group].tolist())) == 1


def test_shares_are_met_and_fixed_by_the_seed() -> None:
    groups = np.arange(1000) // 2
    splits = assign(groups, Shares(0.2, 0.1), 3)
    assert np.bincount(splits).tolist() == [700, 200, 100]
    np.testing.assert_array_equal(splits, assign(groups, Shares(0.2, 0.1), 3))
    assert (splits != assign(groups, Shares(0.2, 0.1), 4)).any()


def test_a_side_without_a_share_gets_nothing() -> None:
    # One group larger than its side leaves all others in want.
    groups = np.array([0] * 50 + list(range(1, 11)))
    for seed in range(10):
        assert set(assign(groups, Shares(0.1, 0), seed).tolist()) == {0, 1}


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(UsageError, match="expected faces enough for 3 splits, got 2 groups of 10 faces"):
        assign(np.arange(10) // 5, Shares(0.1, 0.1), 0)


@pytest.mark.parametrize("shares", [(0, 0), (0.5, 0.5), (-0.1, 0.3), (float("nan"), 0.1)])
def test_senseless_shares_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="expected shares from 0 to 1 for validation and test"):
        assign(np.arange(10), Shares(*shares), 0)


def test_a_given_division_keeps_the_test_and_drops_the_rest() -> None:
    groups = np.array([0, 0, 0, 3, 3, 5])
    splits = np.array([0, 2, 1, 0, 0, 1])
    assert holdout(groups, splits) == {0: 1, 2: 1}
