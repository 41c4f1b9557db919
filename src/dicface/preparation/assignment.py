"""Assignment of cut-out faces to packs: near duplicates are skipped, the rest is split."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.data.pack_writing import LARGEST_IDENTITY
from dicface.errors import InputError, UsageError
from dicface.preparation.annotations import find_by_name, read_celeba_numbers
from dicface.preparation.cutting import Reason
from dicface.preparation.duplicates import Hashes, differing_bits, first_copies
from dicface.preparation.parts import CropOrigin, PartFolder, Skipped
from dicface.preparation.splits import SPLITS, Shares, assign, check_shares, group_faces, holdout


@dataclass(frozen=True)
class Selection:
    """Which faces are kept, and how they are split into packs.

    Attributes:
        source: name of the data set; keys begin with it.
        keep_duplicates: also keep faces that nearly repeat an earlier one.
        identities: list of photo names and identities, as CelebA's `identity_CelebA.txt`.
        split: None for one pack; `identity` or `file` for a random split by identity or photo; or a partition list, as
            CelebA's `list_eval_partition.txt` (0 training, 1 validation, 2 test).
        shares: shares of validation and test for a random split.
        seed: seed of a random split.
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
            raise UsageError("a split by identity needs `identities`, a list of photos and identities")
        if self.split not in (None, "identity", "file") and not Path(self.split).is_file():
            raise UsageError(f"expected `split` identity, file or a partition list, got {self.split!r}")

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the packs' splits; one empty name if there is no split."""
        match self.split:
            case None:
                return ("",)
            case "identity" | "file":
                return tuple(split for split, share in zip(SPLITS, (1.0, *self.shares), strict=True) if share > 0)
            case _:
                return SPLITS


class Lists(NamedTuple):
    """Identities and splits by photo name; None if not given."""

    identities: dict[str, int] | None
    partition: dict[str, int] | None


def read_lists(selection: Selection) -> Lists:
    """Read the lists of identities and splits that a selection names.

    Raises:
        InputError: not such lists, identities that a pack cannot hold, or splits other than 0, 1 and 2.
    """
    identities = None if selection.identities is None else read_celeba_numbers(selection.identities)
    for name, identity in (identities or {}).items():
        if not 0 <= identity <= LARGEST_IDENTITY:
            raise InputError(
                f"expected identities from 0 to {LARGEST_IDENTITY} in {str(selection.identities)!r}, got {identity} "
                f"for {name!r}; renumber them"
            )
    if selection.split in (None, "identity", "file"):
        return Lists(identities, None)
    partition = read_celeba_numbers(Path(selection.split))
    if not set(partition.values()) <= {0, 1, 2}:
        raise InputError(
            f"expected 0 (training), 1 (validation) and 2 (test) in {selection.split!r}, "
            f"got {sorted(set(partition.values()))[:5]}"
        )
    return Lists(identities, partition)


@dataclass
class FaceRow:
    """One row of the table of faces that were cut out.

    Attributes:
        key: `SOURCE/PHOTO#FACE`.
        origin: where it was cut out.
        hashes: (2, 4) uint64, see `face_hashes`.
        identity: None if unknown.
        split: one of `Selection.splits`, the pack that it goes to.
        skipped: why it goes to no pack; None if it is kept.
    """

    key: str
    origin: CropOrigin
    hashes: Hashes
    identity: int | None
    split: str = ""
    skipped: Skipped | None = None

    def skip(self, reason: Reason, detail: str = "") -> None:
        """Keep it out of the packs."""
        left, top, side = self.origin.square
        box = (left, top, left + side, top + side)
        self.skipped = Skipped(self.origin.photo, self.origin.face, reason, detail, box)


def assign_faces(folder: PartFolder, parts: int, selection: Selection, lists: Lists) -> list[list[FaceRow]]:
    """Decide for each face that was cut out whether it is kept, and in which pack. Reads no images.

    Args:
        folder: with all its parts.
        parts: number of parts.
        selection: which faces are kept and how they are split.
        lists: see `read_lists`.

    Returns:
        The faces of each part, in the order of the parts.

    Raises:
        UsageError: too few faces for the split.
    """
    by_part = [_read_rows(folder, number, selection.source, lists.identities) for number in range(parts)]
    table = [face for faces in by_part for face in faces]
    if lists.partition is not None:
        _take_partition(table, lists.partition)
    if not selection.keep_duplicates:
        _skip_duplicates(_kept(table))
    if selection.split is not None and (kept := _kept(table)):
        groups = _group(kept, by_identity=selection.split != "file")
        if lists.partition is None:
            for face, split in zip(kept, assign(groups, selection.shares, selection.seed).tolist(), strict=True):
                face.split = SPLITS[split]
        else:
            _skip_held_out(kept, groups)
    return by_part


def _read_rows(folder: PartFolder, number: int, source: str, identities: dict[str, int] | None) -> list[FaceRow]:
    return [
        FaceRow(
            f"{source}/{origin.photo}#{origin.face}",
            origin,
            hashes,
            None if identities is None else find_by_name(identities, origin.photo),
        )
        for origin, hashes in zip(folder.origins(number), folder.hashes(number), strict=True)
    ]


def _kept(table: Sequence[FaceRow]) -> list[FaceRow]:
    return [face for face in table if face.skipped is None]


def _hashes(faces: Sequence[FaceRow]) -> Hashes:
    return np.stack([face.hashes for face in faces]) if faces else np.empty((0, 2, 4), np.uint64)


def _take_partition(table: Sequence[FaceRow], partition: dict[str, int]) -> None:
    """Take splits from a list; skip the faces of photos that are not in it."""
    for face in table:
        if (split := find_by_name(partition, face.origin.photo)) is None:
            face.skip(Reason.NO_SPLIT)
        else:
            face.split = SPLITS[split]


def _skip_duplicates(kept: Sequence[FaceRow]) -> None:
    """Skip faces that nearly repeat another: the first one stays, with a given partition that of the test split."""
    later_splits_first = sorted(kept, key=lambda face: -SPLITS.index(face.split) if face.split else 0)
    for face, original in zip(later_splits_first, first_copies(_hashes(later_splits_first)).tolist(), strict=True):
        if original >= 0:
            first = later_splits_first[original]
            bits = int(differing_bits(face.hashes[None], first.hashes[None])[0, 0])
            face.skip(Reason.DUPLICATE, f"differs in {bits} of 256 bits from {first.key}")


def _group(kept: Sequence[FaceRow], *, by_identity: bool) -> NDArray[np.int64]:
    """Groups of faces that must not be divided: of one photo, alike, and of one identity if asked for."""
    keys: list[Sequence[Hashable]] = [[face.origin.photo for face in kept]]
    if by_identity:
        keys.append([face.identity for face in kept])
    return group_faces(_hashes(kept), *keys)


def _skip_held_out(kept: Sequence[FaceRow], groups: NDArray[np.int64]) -> None:
    """Skip faces that belong with one of a later split of a given partition."""
    splits = np.array([SPLITS.index(face.split) for face in kept])
    for member, rival in holdout(groups, splits).items():
        other = kept[rival]
        kept[member].skip(Reason.HELD_OUT, f"belongs with {other.key}, which is in {other.split}")
