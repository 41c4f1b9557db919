"""What is known of faces beforehand: landmark files, the authors' pickles, CelebA's lists.

Points and boxes are those of the upright photo, as viewers show it (ADR 15).
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dicface.errors import InputError, UsageError
from dicface.files import file_digest
from dicface.landmarks import KEYPOINTS
from dicface.preparation.plain_pickle import read_plain_pickle

_T = TypeVar("_T")

# From CelebA's five points to the box of 68: its side in longer sides of the five points' box, and how far down.
# Median of celeba-val, whose five points are taken from its 68.
_FIVE_TO_68, _FIVE_DOWN = 2.07, 0.17
# From CelebA's face boxes, which go from the hair to below the chin and from ear to ear, to those of the landmarks.
# Worked out by the first faces of its lists; the landmark network looks again from there.
_BOX_WIDTH, _BOX_HEIGHT, _BOX_DOWN = 0.74, 0.58, 0.05


class Annotation(NamedTuple):
    """What is known of the face of a photo: its landmarks, or else where it is.

    Attributes:
        landmarks: (68, 2) float32 x, y in pixels of the photo, pixel centres at integers; None if not known.
        box: left, top, right, bottom about the face, brows to chin, in pixels of the photo, edges; None if not needed.
    """

    landmarks: NDArray[np.float32] | None
    box: tuple[float, float, float, float] | None = None


class Annotations(Protocol):
    """Anything that knows faces of photos."""

    description: str
    """Says which annotations they are, down to their content; differs if they do."""

    def find(self, photo: Path, name: str) -> Annotation | None:
        """The face of a photo, None if it is not annotated.

        Raises:
            InputError: it is, but not in a usable way.
        """
        ...

    def file_of(self, photo: Path) -> Path | None:
        """The file that annotates this photo alone, if it is so kept."""
        ...


def find_by_name(table: Mapping[str, _T], name: str) -> _T | None:
    """Look a photo up by its path, else by its file's name, else by that with `.jpg` (CelebA exists as PNG, too).

    Args:
        table: by name.
        name: of a photo, with the folders below the one that was given, `/` between them.
    """
    file = PurePosixPath(name).name
    for key in (name, file, str(PurePosixPath(file).with_suffix(".jpg"))):
        if key in table:
            return table[key]
    return None


def read_pts(path: Path) -> NDArray[np.float32]:
    """Landmarks from an iBUG `.pts` file.

    Args:
        path: text file with `version`, `n_points` and a brace-enclosed list of 1-based pixel coordinates.

    Returns:
        (68, 2) float32 x, y in pixels of the photo, pixel centres at integers from 0.

    Raises:
        InputError: unreadable, not 68 points, or coordinates that are no numbers.
    """
    try:
        body = path.read_text(encoding="ascii").partition("{")[2].partition("}")[0]
        points = np.array(body.split(), dtype=np.float32).reshape(-1, 2)
    except (OSError, ValueError) as error:
        raise InputError(f"expected an iBUG .pts file, could not read {path.name!r}: {error}") from error
    if len(points) != KEYPOINTS:
        raise InputError(f"expected {KEYPOINTS} points in {path.name!r}, got {len(points)}")
    if not np.isfinite(points).all():
        raise InputError(f"expected finite coordinates in {path.name!r}")
    return points - 1


class PtsFiles:
    """A `.pts` file for each photo: beside it, or under its name in a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.description = ".pts files" if folder is None else f".pts files in {folder}"

    def file_of(self, photo: Path) -> Path:
        """See `Annotations`."""
        return (self._folder or photo.parent) / f"{photo.stem}.pts"

    def find(self, photo: Path, name: str) -> Annotation | None:
        """See `Annotations`."""
        path = self.file_of(photo)
        return Annotation(read_pts(path)) if path.exists() else None


class _OneFile:
    """Annotations of many photos in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.description = f"{path.name}, SHA-256 {file_digest(path)}"

    def file_of(self, photo: Path) -> None:
        """See `Annotations`."""


class AuthorsPickle(_OneFile):
    """The DIC authors' annotations: a dict by file name of dicts with `landmark` (68 pairs) and `bbox` (their crop).

    The crop is made anew from the landmarks; `bbox` is not used.
    """

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            InputError: see `read_plain_pickle`; also another structure.
        """
        super().__init__(path)
        content = read_plain_pickle(path)
        if not isinstance(content, dict) or not content:
            raise InputError(
                f"expected a dict by file name in {path.name!r}, got {type(content).__name__} "
                f"{'' if content else '(empty)'}".rstrip()
            )
        self._faces: dict[str, Any] = {str(name): _as_array(entry) for name, entry in content.items()}

    def find(self, photo: Path, name: str) -> Annotation | None:
        """See `Annotations`."""
        entry = find_by_name(self._faces, name)
        if entry is None:
            return None
        if isinstance(entry, str):
            raise InputError(f"{entry} in {self.path.name!r}")
        return Annotation(entry)


def _as_array(entry: object) -> NDArray[np.float32] | str:
    """Landmarks of an entry, or what is wrong with it; a bad entry spoils its photo alone."""
    if not isinstance(entry, dict) or "landmark" not in entry:
        keys = sorted(map(str, entry)) if isinstance(entry, dict) else type(entry).__name__
        return f"expected an entry with 'landmark', got {keys}"
    try:
        points = np.array(entry["landmark"], dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        return f"expected {KEYPOINTS} pairs of numbers as 'landmark', got something else"
    if points.shape != (KEYPOINTS, 2):
        return f"expected {KEYPOINTS} points as 'landmark', got an array of shape {points.shape}"
    if not np.isfinite(points).all():
        return "expected finite coordinates as 'landmark'"
    return points


class CelebAPlaces(_OneFile):
    """Where faces are, by CelebA's `list_landmarks(_align)_celeba.txt` (five points) or `list_bbox_celeba.txt`."""

    def __init__(self, path: Path) -> None:
        """Read a list.

        Raises:
            InputError: not such a list.
        """
        super().__init__(path)
        self._rows = read_celeba_list(path)
        widths = {len(row) for row in self._rows.values()}
        if len(widths) != 1 or not widths <= {4, 10}:
            raise InputError(
                f"expected 4 numbers a photo (a box) or 10 (five points) in {path.name!r}, got {sorted(widths)}"
            )

    def find(self, photo: Path, name: str) -> Annotation | None:
        """See `Annotations`."""
        row = find_by_name(self._rows, name)
        if row is None:
            return None
        if len(row) == 10:
            points = row.reshape(5, 2)
            low, high = points.min(axis=0), points.max(axis=0)
            side = float((high - low).max())
            width = height = side * _FIVE_TO_68
            across, down = (low + high) / 2 + (0.5, 0.5 + _FIVE_DOWN * side)
        else:
            left, top, wide, high = row
            width, height = wide * _BOX_WIDTH, high * _BOX_HEIGHT
            across, down = left + wide / 2, top + (0.5 + _BOX_DOWN) * high
        if not (width > 0 and height > 0):
            raise InputError(f"expected a face of some size for {name!r} in {self.path.name!r}, got {row.tolist()}")
        edges = (across - width / 2, down - height / 2, across + width / 2, down + height / 2)
        left, top, right, bottom = (float(edge) for edge in edges)
        return Annotation(None, (left, top, right, bottom))


def read_celeba_list(path: Path) -> dict[str, NDArray[np.int64]]:
    """One of CelebA's text lists: a file's name and some whole numbers a line.

    Args:
        path: the list; a first line with the number of photos and one with the names of the columns may be there.

    Returns:
        The numbers by file name.

    Raises:
        InputError: unreadable, or a line of another kind.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"expected one of CelebA's lists, could not read {str(path)!r}: {error}") from error
    rows: dict[str, NDArray[np.int64]] = {}
    for number, line in enumerate(lines, 1):
        name, *values = line.split() or [""]
        if not values and (not name or (number == 1 and name.isdigit())):
            continue
        try:
            rows[name] = np.array([int(value) for value in values], dtype=np.int64)
        except (ValueError, OverflowError) as error:
            if number <= 2:
                continue
            raise InputError(
                f"expected a file name and whole numbers in line {number} of {path.name!r}, got {line!r}"
            ) from error
    if not rows:
        raise InputError(f"expected one of CelebA's lists, found no photo in {path.name!r}")
    return rows


def read_celeba_numbers(path: Path) -> dict[str, int]:
    """`identity_CelebA.txt` or `list_eval_partition.txt`: one number a photo.

    Raises:
        InputError: not such a list.
    """
    rows = read_celeba_list(path)
    if {len(row) for row in rows.values()} != {1}:
        raise InputError(f"expected one number a photo in {path.name!r}, got {len(next(iter(rows.values())))}")
    return {name: int(row[0]) for name, row in rows.items()}


def open_annotations(source: str) -> Annotations | None:
    """Annotations by the name of their kind or by their file.

    Args:
        source: `network`, `pts`, a folder of `.pts` files, a pickle of the authors, or one of CelebA's lists.

    Returns:
        None for `network`: faces are to be detected.

    Raises:
        UsageError: nothing of that kind.
        InputError: a file that cannot be used.
    """
    if source == "network":
        return None
    if source == "pts":
        return PtsFiles()
    path = Path(source)
    if path.is_dir():
        return PtsFiles(path)
    if path.is_file():
        match path.suffix.lower():
            case ".pkl" | ".pickle":
                return AuthorsPickle(path)
            case ".txt":
                return CelebAPlaces(path)
            case _:
                pass
    raise UsageError(
        "expected `landmarks` network, pts, a folder of .pts files, a pickle (.pkl, .pickle) or one of CelebA's lists "
        f"(.txt), got {source!r}"
    )
