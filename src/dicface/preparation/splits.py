"""Splits into training, validation and test that divide no identity, no photo and no group of faces alike."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dicface.errors import UsageError
from dicface.preparation.duplicates import Hashes, alike

SPLITS = ("train", "val", "test")


class Shares(NamedTuple):
    """Shares of the faces for validation and test, 0 to 1; the rest is for training. Checked by `check_shares`."""

    val: float = 0.1
    test: float = 0.0


def check_shares(shares: Shares) -> None:
    """Check shares.

    Raises:
        UsageError: a share below 0, both 0, or a sum of 1 or more.
    """
    if not (min(shares) >= 0 and 0 < sum(shares) < 1):
        raise UsageError(
            f"expected shares from 0 to 1 for validation and test, not both 0 and below 1 together, got {shares.val:g} "
            f"and {shares.test:g}"
        )


def group_faces(hashes: Hashes, *keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """Group faces that must stay together: faces alike, and faces with a key in common.

    Args:
        hashes: (N, 2, 4) uint64, see `face_hashes`.
        keys: sequences of N keys each, such as photos or identities. A key of None is in common with none.

    Returns:
        (N,) int64, the number of the first face of each face's group.
    """
    members = np.arange(len(hashes))
    edges = [(members, _first_with_key(sequence)) for sequence in keys]
    edges += [(np.full(len(others), face), others) for face, others in alike(hashes)]
    if not edges:
        return members
    ends = tuple(np.concatenate(nodes) for nodes in zip(*edges, strict=True))
    graph = coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(len(hashes), len(hashes)))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    return first[component]


def _first_with_key(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """(N,) int64, for each member the first one with its key; itself for a key of None."""
    first: dict[Hashable, int] = {}
    numbers = [number if key is None else first.setdefault(key, number) for number, key in enumerate(keys)]
    return np.array(numbers, dtype=np.int64)


def assign(groups: NDArray[np.int64], shares: Shares, seed: int) -> NDArray[np.int64]:
    """Assign groups of faces to splits at random.

    Groups come in an order drawn from the seed; each goes to the split that lacks most faces.

    Args:
        groups: (N,) int64, the group of each face.
        shares: of validation and test.
        seed: seed of the order.

    Returns:
        (N,) int64, index into `SPLITS`.

    Raises:
        UsageError: too few groups for every split to get one.
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
            "together (identities, photos, near duplicates); give more photos or larger shares"
        )
    return split_of[member]


def holdout(groups: NDArray[np.int64], splits: NDArray[np.int64]) -> dict[int, int]:
    """Find the faces to leave out so that a given partition divides no group.

    Args:
        groups: (N,) int64, the group of each face.
        splits: (N,) int64, index into `SPLITS`, given for each face.

    Returns:
        The number of each face to leave out, with that of a face of its group in a later split, which stays: test
        takes precedence over validation, validation over training.
    """
    kept: dict[int, int] = {}
    for index, group in enumerate(groups.tolist()):
        if group not in kept or splits[index] > splits[kept[group]]:
            kept[group] = index
    rivals = [kept[group] for group in groups.tolist()]
    return {index: rival for index, rival in enumerate(rivals) if splits[rival] != splits[index]}
