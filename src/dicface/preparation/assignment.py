"""Which of the faces that were cut out go to which pack: near duplicates out, the rest divided."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.data.packs import LARGEST_IDENTITY
from dicface.errors import InputError, UsageError
from dicface.preparation.annotations import find_by_name, read_celeba_numbers
from dicface.preparation.cutting import Reason
from dicface.preparation.duplicates import Hashes, differing_bits, first_copies
from dicface.preparation.parts import PartFolder, Place, Skipped
from dicface.preparation.splits import SIDES, Shares, check_shares, deal, group_faces, hold_back

OUT = -1
"""In place of a side: the face is not written."""


@dataclass(frozen=True)
class Choice:
    """Which faces are written, and to which pack.

    Attributes:
        source: name of the data set, with which keys begin.
        keep_duplicates: also faces that nearly repeat an earlier one.
        identities: CelebA's `identity_CelebA.txt`, or a list like it.
        split: None for one pack; `identity` or `file` for several; or CelebA's `list_eval_partition.txt`, or a list
            like it (0 training, 1 validation, 2 test).
        shares: of validation and test, if `split` is `identity` or `file`.
        seed: of the draw.
    """

    source: str = "photos"
    keep_duplicates: bool = False
    identities: Path | None = None
    split: str | None = None
    shares: Shares = field(default_factory=Shares)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split in ("identity", "file"):
            check_shares(self.shares)
        if self.split == "identity" and self.identities is None:
            raise UsageError("a split by identity needs `identities`, a list of photos and numbers of people")
        if self.split not in (None, "identity", "file") and not Path(self.split).is_file():
            raise UsageError(f"expected `split` identity, file or a partition list, got {self.split!r}")

    @property
    def sides(self) -> tuple[str, ...]:
        """What is added to the packs' names; nothing if there is no split."""
        match self.split:
            case None:
                return ("",)
            case "identity" | "file":
                return tuple(side for side, share in zip(SIDES, (1.0, *self.shares), strict=True) if share > 0)
            case _:
                return SIDES


class Lists(NamedTuple):
    """Numbers of people and sides, by photo; None if not asked for."""

    identities: dict[str, int] | None
    partition: dict[str, int] | None


def read_lists(choice: Choice) -> Lists:
    """The lists that a choice names.

    Raises:
        InputError: not such lists, people whose numbers a pack cannot hold, or sides other than 0, 1 and 2.
    """
    identities = None if choice.identities is None else read_celeba_numbers(choice.identities)
    for name, person in (identities or {}).items():
        if not 0 <= person <= LARGEST_IDENTITY:
            raise InputError(
                f"expected numbers of people from 0 to {LARGEST_IDENTITY} in {str(choice.identities)!r}, got {person} "
                f"for {name!r}; number them anew"
            )
    if choice.split in (None, "identity", "file"):
        return Lists(identities, None)
    partition = read_celeba_numbers(Path(choice.split))
    if not set(partition.values()) <= {0, 1, 2}:
        raise InputError(
            f"expected 0 (training), 1 (validation) and 2 (test) in {choice.split!r}, "
            f"got {sorted(set(partition.values()))[:5]}"
        )
    return Lists(identities, partition)


class Sorting(NamedTuple):
    """What becomes of each face, in the order of the parts.

    Attributes:
        keys: `SOURCE/PHOTO#FACE`.
        places: where they were cut out.
        identities: number of the person, None if unknown.
        sides: (N,) int64, index into `Choice.sides`, or `OUT`.
        skipped: why, for those that are out.
    """

    keys: list[str]
    places: list[Place]
    identities: list[int | None]
    sides: NDArray[np.int64]
    skipped: dict[int, Skipped]


def sort_faces(folder: PartFolder, parts: int, choice: Choice, lists: Lists) -> Sorting:
    """Decide what becomes of each face; images are not read.

    Args:
        folder: with all its parts.
        parts: how many.
        choice: what is wanted.
        lists: see `read_lists`.

    Raises:
        UsageError: too few faces for the split.
    """
    places = [place for number in range(parts) for place in folder.places(number)]
    hashes = np.concatenate([folder.hashes(number) for number in range(parts)])
    keys = [f"{choice.source}/{place.photo}#{place.face}" for place in places]
    identities = _looked_up(lists.identities, places)
    given = None if lists.partition is None else _looked_up(lists.partition, places)
    skipped: dict[int, Skipped] = {}
    for index, side in enumerate(given or ()):
        if side is None:
            skipped[index] = _skip(places[index], Reason.NO_SIDE)
    sides = np.array([side or 0 for side in given or [0] * len(places)], dtype=np.int64)
    left = _without(skipped, len(places))
    if not choice.keep_duplicates:
        # Of faces that repeat each other the first one stays; with a given partition, that of the test before others.
        left = left[np.argsort(-sides[left], kind="stable")]
        originals = first_copies(hashes[left])
        for index, original in zip(left.tolist(), originals.tolist(), strict=True):
            if original >= 0:
                detail = _nearness(hashes, index, int(left[original]), keys)
                skipped[index] = _skip(places[index], Reason.DUPLICATE, detail)
        left = _without(skipped, len(places))
    if choice.split is not None and len(left):
        marks: list[Sequence[Hashable]] = [[places[index].photo for index in left]]
        if choice.split != "file":
            marks.append([identities[index] for index in left])
        groups = group_faces(hashes[left], *marks)
        if given is None:
            dealt = deal(groups, choice.shares, choice.seed)
            sides[left] = np.searchsorted([SIDES.index(side) for side in choice.sides], dealt)
        else:
            for member, rival in hold_back(groups, sides[left]).items():
                index, other = int(left[member]), int(left[rival])
                detail = f"belongs with {keys[other]}, which is in {choice.sides[sides[other]]}"
                skipped[index] = _skip(places[index], Reason.HELD_BACK, detail)
    sides[list(skipped)] = OUT
    return Sorting(keys, places, identities, sides, skipped)


def _looked_up(table: dict[str, int] | None, places: Sequence[Place]) -> list[int | None]:
    return [None if table is None else find_by_name(table, place.photo) for place in places]


def _without(skipped: dict[int, Skipped], count: int) -> NDArray[np.int64]:
    return np.array([index for index in range(count) if index not in skipped], dtype=np.int64)


def _skip(place: Place, reason: Reason, detail: str = "") -> Skipped:
    left, top, side = place.square
    return Skipped(place.photo, place.face, reason, detail, (left, top, left + side, top + side))


def _nearness(hashes: Hashes, index: int, original: int, keys: Sequence[str]) -> str:
    bits = int(differing_bits(hashes[index][None], hashes[original][None])[0, 0])
    return f"differs in {bits} of 256 bits from {keys[original]}"
