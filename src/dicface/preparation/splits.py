"""Dividing faces into training, validation and test, so that no person, photo or picture is on two splits."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.preparation.duplicates import Hashes, alike

SPLITS = ("train", "val", "test")


class Shares(NamedTuple):
    """How many of the faces go to validation and test; the rest trains.

    Raises:
        UsageError: by `check_shares`.
    """

    val: float = 0.1
    test: float = 0.0


def check_shares(shares: Shares) -> None:
    """Refuse shares that leave nothing to train on.

    Raises:
        UsageError: a share below 0, none above, or both of 1 and more together.
    """
    if not (min(shares) >= 0 and 0 < sum(shares) < 1):
        raise UsageError(
            f"expected shares from 0 to 1 for validation and test, not both 0 and below 1 together, got {shares.val:g} "
            f"and {shares.test:g}"
        )


class _Groups:
    """Disjoint sets of numbers."""

    def __init__(self, count: int) -> None:
        self.parents = np.arange(count)

    def root(self, member: int) -> int:
        while (parent := int(self.parents[member])) != member:
            self.parents[member] = self.parents[parent]
            member = parent
        return member

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self.parents[high] = low


def group_faces(hashes: Hashes, *keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """Faces that must stay together: those alike, and those with a mark in common.

    Args:
        hashes: (N, 2, 4), see `face_hashes`.
        keys: any number of sequences of N keys, such as photos or identities; None marks nothing.

    Returns:
        (N,) int64, the number of the first face of each face's group.
    """
    groups = _Groups(len(hashes))
    for sequence in keys:
        first: dict[Hashable, int] = {}
        for index, key in enumerate(sequence):
            if key is not None:
                groups.join(index, first.setdefault(key, index))
    for index, others in alike(hashes):
        # Most of many others are in one group already.
        for parent in np.unique(groups.parents[others]):
            groups.join(index, int(parent))
    return np.array([groups.root(index) for index in range(len(hashes))], dtype=np.int64)


def assign(groups: NDArray[np.int64], shares: Shares, seed: int) -> NDArray[np.int64]:
    """Deal groups of faces to the splits.

    Groups come in an order drawn from the seed; each goes to the side that lacks most of its share.

    Args:
        groups: (N,) int64, the group of each face.
        shares: of validation and test.
        seed: the same gives the same.

    Returns:
        (N,) int64, index into `SPLITS`.

    Raises:
        UsageError: too few groups for every side to get one.
    """
    check_shares(shares)
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    wanted = np.array([1 - sum(shares), *shares]) * len(groups)
    needed = int((wanted > 0).sum())
    split_of = np.zeros(len(sizes), dtype=np.int64)
    lacking = np.where(wanted > 0, wanted, -np.inf)
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        split_of[group] = lacking.argmax()
        lacking[split_of[group]] -= sizes[group]
    if len(np.unique(split_of)) < needed:
        raise UsageError(
            f"expected faces enough for {needed} splits, got {len(sizes)} groups of {len(groups)} faces that belong "
            "together (people, photos, near duplicates); give more photos or larger shares"
        )
    return split_of[member]


def holdout(groups: NDArray[np.int64], splits: NDArray[np.int64]) -> dict[int, int]:
    """Where a given division puts one group on several splits, find whom to leave out.

    Args:
        groups: (N,) int64, the group of each face.
        splits: (N,) int64, index into `SPLITS`, of a division that is fixed.

    Returns:
        Those faces, each with one of its group that stays, on a later side: test goes before validation, validation
        before training.
    """
    kept: dict[int, int] = {}
    for index, group in enumerate(groups.tolist()):
        if group not in kept or splits[index] > splits[kept[group]]:
            kept[group] = index
    rivals = [kept[group] for group in groups.tolist()]
    return {index: rival for index, rival in enumerate(rivals) if splits[rival] != splits[index]}
