"""Annotations of faces: landmark files, the authors' pickles, CelebA's lists.

Points and boxes are in the frame of the upright photo, as viewers show it (ADR 15).
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dicface.errors import InputError, UsageError
from dicface.files import file_digest, read_text
from dicface.landmarks import KEYPOINTS
from dicface.preparation.plain_pickle import read_plain_pickle

_T = TypeVar("_T")
_COMMENT = re.compile(r"(#|//).*")

# From CelebA's five points to the box of 68 points: its side, relative to the longer side of the five points' box, and
# its shift down. Medians of celeba-val, with five points derived from its 68.
_FIVE_TO_68, _FIVE_DOWN = 2.07, 0.17
# From CelebA's face boxes (hair to below the chin, ear to ear) to landmark boxes. Fitted on the first faces of its
# lists; the landmark network refines the result.
_BOX_WIDTH, _BOX_HEIGHT, _BOX_DOWN = 0.74, 0.58, 0.05


class Annotation(NamedTuple):
    """The annotated face of a photo: its landmarks or its box.

    Attributes:
        landmarks: (68, 2) float32 x, y in pixels of the photo, pixel centres at integers; None if unknown.
        box: left, top, right, bottom of the face, brows to chin, in pixels of the photo, edges; None with landmarks.
    """

    landmarks: NDArray[np.float32] | None
    box: tuple[float, float, float, float] | None = None


class Annotations(Protocol):
    """A source of annotations."""

    description: str
    """Identifies source and content: equal descriptions mean equal annotations."""

    def find(self, photo: Path, name: str) -> Annotation | None:
        """The annotated face of a photo; None if it is not annotated.

        Args:
            photo: path of the photo.
            name: name of the photo, see `find_by_name`.

        Raises:
            InputError: its annotation is unusable.
        """
        ...

    def file_of(self, photo: Path) -> Path | None:
        """The file that holds the annotation of this photo alone; None if one file holds all."""
        ...


def find_by_name(table: Mapping[str, _T], name: str) -> _T | None:
    """Look up a photo by its path, its file name, or its file name with suffix `.jpg` (CelebA is also stored as PNG).

    Args:
        table: values by name.
        name: path of a photo relative to the given folder, with `/` as separator.

    Returns:
        The value of the first of these names in the table; None if there is none.
    """
    file = PurePosixPath(name).name
    for key in (name, file, str(PurePosixPath(file).with_suffix(".jpg"))):
        if key in table:
            return table[key]
    return None


def read_pts(path: Path) -> NDArray[np.float32]:
    """Landmarks from an iBUG `.pts` file.

    Args:
        path: text file with `version`, `n_points` and a brace-enclosed list of 1-based pixel coordinates. Comments go
            from `#` or `//` to the end of their line.

    Returns:
        (68, 2) float32 x, y in pixels of the photo, pixel centres at integers from 0.

    Raises:
        InputError: unreadable, not 68 points, or non-finite coordinates.
    """
    try:
        text = _COMMENT.sub("", read_text(path))
        body = text.partition("{")[2].partition("}")[0]
        points = np.array(body.split(), dtype=np.float32).reshape(-1, 2)
    except (OSError, ValueError) as error:
        raise InputError(f"expected an iBUG .pts file, could not read {path.name!r}: {error}") from error
    if len(points) != KEYPOINTS:
        raise InputError(f"expected {KEYPOINTS} points in {path.name!r}, got {len(points)}")
    if not np.isfinite(points).all():
        raise InputError(f"expected finite coordinates in {path.name!r}")
    return points - 1


class PtsFiles:
    """One `.pts` file per photo: beside it, or of the same stem in another folder."""

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

    Crops are computed from the landmarks; `bbox` is not used.
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
    """Landmarks of an entry, or the text of an error that concerns its photo alone."""
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
    """Face boxes from CelebA's `list_landmarks(_align)_celeba.txt` (five points) or `list_bbox_celeba.txt`."""

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
    """Read one of CelebA's text lists: a file name and integers per line.

    Args:
        path: the list. It may begin with a line for the number of photos and one for the names of the columns.

    Returns:
        (K,) int64 by file name.

    Raises:
        InputError: unreadable, or a line of another form.
    """
    try:
        lines = read_text(path).splitlines()
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
    """Read `identity_CelebA.txt` or `list_eval_partition.txt`: one integer per photo.

    Raises:
        InputError: not such a list.
    """
    rows = read_celeba_list(path)
    if {len(row) for row in rows.values()} != {1}:
        raise InputError(f"expected one number a photo in {path.name!r}, got {len(next(iter(rows.values())))}")
    return {name: int(row[0]) for name, row in rows.items()}


def open_annotations(source: str) -> Annotations | None:
    """Open annotations by name or path.

    Args:
        source: `network`, `pts`, a folder of `.pts` files, a pickle of the authors, or one of CelebA's lists.

    Returns:
        The annotations; None for `network`, that is, faces are detected.

    Raises:
        UsageError: unknown source.
        InputError: an unusable file.
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
