"""What `prepare` leaves: packs, the list of what was skipped, the contact sheet."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.data.packs import PackRow, open_pack
from dicface.errors import UsageError
from dicface.files import written_whole
from dicface.images.draw import contact_sheet, draw_landmarks
from dicface.images.photo import Photo, check_writable, write_photo
from dicface.preparation.assignment import OUT, Sorting
from dicface.preparation.cutting import FAILURES
from dicface.preparation.parts import PartFolder, Skipped

SHEET_FACES = 240
"""Most faces of a contact sheet; of more, that many are drawn, evenly spread."""
_SKIPPED_HEADER = ("photo", "face", "reason", "detail", "left", "top", "right", "bottom")
_FACES_HEADER = ("key", "photo", "face", "left", "top", "side", "peak")


@dataclass(frozen=True)
class Results:
    """The files.

    Attributes:
        target: `DATA.parquet`; with a split `DATA-train.parquet` and so on beside it instead.
        skipped: CSV with what was skipped and why.
        sides: see `Choice.sides`.
        sheet: picture of the faces kept; None for none.
        faces: CSV with where each face kept was cut out; None for none.
        overwrite: they may replace files.
    """

    target: Path
    skipped: Path
    sides: tuple[str, ...] = ("",)
    sheet: Path | None = None
    faces: Path | None = None
    overwrite: bool = False

    @property
    def parts(self) -> Path:
        """Folder of the parts."""
        return self.target.with_name(f"{self.target.name}.parts")

    @property
    def packs(self) -> list[Path]:
        """The packs, in the order of the sides."""
        return [self.target.with_stem(f"{self.target.stem}-{side}") if side else self.target for side in self.sides]

    def all(self) -> list[Path]:
        """Every file that may be written."""
        return [*self.packs, self.skipped, *(path for path in (self.sheet, self.faces) if path is not None)]

    def check(self) -> None:
        """Refuse, before any work is done, what would replace something or cannot be written.

        Raises:
            UsageError: not named as a pack, a file is in the way, or would be written twice.
            OutputError: a contact sheet in a format that cannot be written.
        """
        if self.target.suffix != ".parquet":
            raise UsageError(f"expected an output ending in .parquet, got {self.target.name!r}")
        if self.sheet is not None:
            check_writable(self.sheet, 1, 1, alpha=False)
        if len({path.resolve() for path in self.all()}) < len(self.all()):
            raise UsageError(f"expected a file of its own for each result, got {[str(path) for path in self.all()]}")
        for path in self.all():
            if path.is_dir():
                raise UsageError(f"expected a file name to write to, {str(path)!r} is a folder")
            if path.exists() and not self.overwrite:
                raise UsageError(f"{str(path)!r} exists; add `overwrite` to replace it, or choose another output")


class Written(NamedTuple):
    """What came out.

    Attributes:
        faces: how many went to each pack that was written.
        reasons: how many faces or photos were skipped for each reason.
        failures: photos that could not be used.
    """

    faces: dict[Path, int]
    reasons: Counter[str]
    failures: list[Skipped]


def write_results(folder: PartFolder, parts: int, results: Results, sorting: Sorting, source: str) -> Written:
    """Write everything; each file appears whole or not at all, and none if the disk is full.

    Args:
        folder: with all its parts.
        parts: how many.
        results: where to.
        sorting: what becomes of each face.
        source: name of the data set.

    Raises:
        OutputError: a file cannot be written.
    """
    counts = [int((sorting.sides == side).sum()) for side in range(len(results.sides))]
    kept = np.flatnonzero(sorting.sides != OUT)
    drawn = set(kept[np.linspace(0, len(kept) - 1, min(len(kept), SHEET_FACES)).round().astype(int)].tolist())
    tiles: dict[int, NDArray[np.uint8]] = {}
    reasons: Counter[str] = Counter()
    failures: list[Skipped] = []
    with ExitStack() as stack:
        list_skipped = stack.enter_context(_open_csv(results.skipped, _SKIPPED_HEADER))
        list_kept = stack.enter_context(_open_csv(results.faces, _FACES_HEADER)) if results.faces else _list_nowhere
        # Entered last, they appear first, and the lists only if they did.
        packs = {
            side: stack.enter_context(open_pack(path)) for side, path in enumerate(results.packs) if counts[side] > 0
        }
        index = 0
        for number in range(parts):
            skipped = folder.skipped(number)
            for image, landmarks in folder.crops(number):
                side = int(sorting.sides[index])
                if side == OUT:
                    skipped.append(sorting.skipped[index])
                else:
                    row = PackRow(sorting.keys[index], source, sorting.identities[index], image, landmarks)
                    packs[side].add(row)
                    place = sorting.places[index]
                    list_kept((row.key, place.photo, place.face, *place.square, f"{place.peak:.3f}"))
                    if results.sheet is not None and index in drawn:
                        tiles[index] = _tile(image, landmarks)
                index += 1
            for entry in skipped:
                box = ("",) * 4 if entry.box is None else entry.box
                list_skipped((entry.photo, entry.face or "", entry.reason, entry.detail, *box))
                reasons[entry.reason] += 1
                if entry.reason in FAILURES:
                    failures.append(entry)
        for pack in packs.values():
            pack.flush()
        if results.sheet is not None and tiles:
            captions = [sorting.keys[index] for index in tiles]
            write_photo(results.sheet, Photo(contact_sheet(list(tiles.values()), captions)))
    for side, path in enumerate(results.packs):
        if results.overwrite and counts[side] == 0:
            # Else an earlier call's pack would stay beside the new ones.
            path.unlink(missing_ok=True)
    faces = {path: count for path, count in zip(results.packs, counts, strict=True) if count}
    return Written(faces, reasons, failures)


def _tile(image: bytes, landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(image)) as opened:
        return draw_landmarks(np.asarray(opened.convert("RGB")), landmarks)


def _list_nowhere(row: Iterable[object]) -> None:
    """For a list that nobody asked for."""


@contextmanager
def _open_csv(path: Path, header: Sequence[str]) -> Generator[Callable[[Iterable[object]], object]]:
    """Begin a CSV file; gives what writes a row. The file appears when the block ends without an error."""
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        yield writer.writerow
