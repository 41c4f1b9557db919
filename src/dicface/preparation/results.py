"""Results of `prepare`: packs, lists of skipped and kept faces, contact sheet."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.data.pack_writing import PackRow, open_pack
from dicface.errors import OutputError, UsageError
from dicface.files import check_target, written_whole
from dicface.images.draw import contact_sheet, draw_landmarks
from dicface.images.photo import Photo, check_writable, write_photo
from dicface.preparation.assignment import FaceRow
from dicface.preparation.cutting import FAILURES, Reason
from dicface.preparation.parts import PartFolder, Skipped

SHEET_FACES = 240
"""Largest number of faces on a contact sheet."""
_SKIPPED_HEADER = ("photo", "face", "reason", "detail", "left", "top", "right", "bottom")
_FACES_HEADER = ("key", "photo", "face", "left", "top", "side", "heatmap_confidence")


@dataclass(frozen=True)
class Results:
    """The files that `prepare` writes.

    Attributes:
        target: `DATA.parquet`; with a split, `DATA-train.parquet` and so on are written in its place.
        skipped: CSV of skipped photos and faces with reasons.
        splits: see `Selection.splits`.
        sheet: picture of kept faces; None for none.
        faces: CSV of where each kept face was cut out; None for none.
        overwrite: replace existing files.
    """

    target: Path
    skipped: Path
    splits: tuple[str, ...] = ("",)
    sheet: Path | None = None
    faces: Path | None = None
    overwrite: bool = False

    @property
    def parts(self) -> Path:
        """Folder of the part files."""
        return self.target.with_name(f"{self.target.name}.parts")

    @property
    def packs(self) -> list[Path]:
        """The packs, in the order of the splits."""
        return [self.target.with_stem(f"{self.target.stem}-{name}") if name else self.target for name in self.splits]

    def all(self) -> list[Path]:
        """Every file that may be written."""
        return [*self.packs, self.skipped, *(path for path in (self.sheet, self.faces) if path is not None)]

    def check(self) -> None:
        """Check before any work that all files may be written.

        Raises:
            UsageError: `target` does not end in .parquet, a file exists, or two results have one path.
            OutputError: a contact sheet in a format that cannot be written.
        """
        if self.target.suffix != ".parquet":
            raise UsageError(f"expected an output ending in .parquet, got {self.target.name!r}")
        if self.sheet is not None:
            check_writable(self.sheet, 1, 1, alpha=False)
        if len({path.resolve() for path in self.all()}) < len(self.all()):
            raise UsageError(f"expected a file of its own for each result, got {[str(path) for path in self.all()]}")
        for path in self.all():
            try:
                check_target(path, overwrite=self.overwrite)
            except OutputError as error:
                # Nothing is done yet, so the call is wrong.
                raise UsageError(str(error)) from error


class Written(NamedTuple):
    """Summary of the written results.

    Attributes:
        faces: number of faces in each pack that was written.
        reasons: number of skipped faces and photos by reason.
        failures: photos that could not be used.
        lists: the lists were written; they are not where no photo could be read.
    """

    faces: dict[Path, int]
    reasons: Counter[str]
    failures: list[Skipped]
    lists: bool = True


def write_results(folder: PartFolder, parts: Sequence[Sequence[FaceRow]], results: Results, source: str) -> Written:
    """Write packs, lists and contact sheet. Each file appears complete or not at all, and no pack if the disk is full.

    Where no photo could be read, nothing is written or replaced: the call named something else than was meant.

    Args:
        folder: with all its parts.
        parts: the faces of each part, see `assign_faces`.
        results: the files to write.
        source: name of the data set.

    Raises:
        OutputError: a file cannot be written.
    """
    if (unreadable := _none_was_read(folder, parts)) is not None:
        return Written({}, Counter({Reason.UNREADABLE: len(unreadable)}), unreadable, lists=False)
    kept = [face for faces in parts for face in faces if face.skipped is None]
    with ExitStack() as lists:
        reasons, failures = _write_skipped(lists.enter_context(written_whole(results.skipped)), folder, parts)
        if results.faces is not None:
            _write_kept(lists.enter_context(written_whole(results.faces)), kept)
        if results.sheet is not None and kept:
            _write_sheet(results.sheet, folder, parts, kept)
        # The packs appear when they are written, the lists when this block ends: no list without its packs.
        counts = _write_packs(folder, parts, results, source)
    for split, path in zip(results.splits, results.packs, strict=True):
        if results.overwrite and not counts[split]:
            # A pack of an earlier call would stay beside the new ones.
            path.unlink(missing_ok=True)
    faces = {path: counts[split] for split, path in zip(results.splits, results.packs, strict=True) if counts[split]}
    return Written(faces, reasons, failures)


def _none_was_read(folder: PartFolder, parts: Sequence[Sequence[FaceRow]]) -> list[Skipped] | None:
    """All photos as skipped, if none of them could be read; None if at least one could."""
    unreadable: list[Skipped] = []
    if any(parts):
        return None
    for number in range(len(parts)):
        skipped = folder.skipped(number)
        if any(entry.reason != Reason.UNREADABLE for entry in skipped):
            return None
        unreadable += skipped
    return unreadable


def _write_skipped(
    path: Path, folder: PartFolder, parts: Sequence[Sequence[FaceRow]]
) -> tuple[Counter[str], list[Skipped]]:
    """List what was skipped; count the reasons and collect the failures."""
    reasons: Counter[str] = Counter()
    failures: list[Skipped] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_SKIPPED_HEADER)
        for number, faces in enumerate(parts):
            for entry in (*folder.skipped(number), *(face.skipped for face in faces if face.skipped is not None)):
                box = ("",) * 4 if entry.box is None else entry.box
                writer.writerow((entry.photo, entry.face or "", entry.reason, entry.detail, *box))
                reasons[entry.reason] += 1
                if entry.reason in FAILURES:
                    failures.append(entry)
    return reasons, failures


def _write_kept(path: Path, kept: Sequence[FaceRow]) -> None:
    """List where each kept face was cut out, and its landmark confidence."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_FACES_HEADER)
        for face in kept:
            origin = face.origin
            confidence = f"{origin.heatmap_confidence:.3f}"
            writer.writerow((face.key, origin.photo, origin.face, *origin.square, confidence))


def _write_sheet(path: Path, folder: PartFolder, parts: Sequence[Sequence[FaceRow]], kept: Sequence[FaceRow]) -> None:
    """Draw at most `SHEET_FACES` of the kept faces with their landmarks, evenly spread."""
    chosen = np.linspace(0, len(kept) - 1, min(len(kept), SHEET_FACES)).round().astype(int)
    drawn = {kept[index].key for index in chosen.tolist()}
    tiles: dict[str, NDArray[np.uint8]] = {}
    for number, faces in enumerate(parts):
        if any(face.key in drawn for face in faces):
            for face, (image, landmarks) in zip(faces, folder.crops(number), strict=True):
                if face.key in drawn:
                    tiles[face.key] = _tile(image, landmarks)
    write_photo(path, Photo(contact_sheet(list(tiles.values()), list(tiles))))


def _write_packs(folder: PartFolder, parts: Sequence[Sequence[FaceRow]], results: Results, source: str) -> Counter[str]:
    """Write the kept faces; returns how many went to each split. Packs without faces are not written."""
    counts = Counter(face.split for faces in parts for face in faces if face.skipped is None)
    with ExitStack() as stack:
        packs = {
            split: stack.enter_context(open_pack(path))
            for split, path in zip(results.splits, results.packs, strict=True)
            if counts[split]
        }
        for number, faces in enumerate(parts):
            for face, (image, landmarks) in zip(faces, folder.crops(number), strict=True):
                if face.skipped is None:
                    packs[face.split].add(PackRow(face.key, source, face.identity, image, landmarks))
        for pack in packs.values():
            pack.flush()
    return counts


def _tile(image: bytes, landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(image)) as opened:
        return draw_landmarks(np.asarray(opened.convert("RGB")), landmarks)
