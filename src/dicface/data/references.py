"""Reference faces for evaluation, from a pack or a folder of high-resolution faces."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.data.packs import read_pack
from dicface.errors import ImageError, InputError, PackError
from dicface.images.photo import READ_SUFFIXES, read_photo, readable_suffixes
from dicface.images.pixels import FACE_PX, resize


class References(NamedTuple):
    """N high-resolution faces with annotations.

    Attributes:
        name: name of the pack or folder.
        keys: key of each face.
        hr: (N, R, R, 3) uint8 RGB.
        landmarks: (N, 68, 2) float32 x, y in pixels of `hr`, pixel centres at integers; None if unknown.
        identities: (N,) int64, -1 where unknown.
    """

    name: str
    keys: tuple[str, ...]
    hr: NDArray[np.uint8]
    landmarks: NDArray[np.float32] | None
    identities: NDArray[np.int64]


class Unreadable(NamedTuple):
    """An image of a folder that cannot be used, and the error."""

    path: Path
    error: InputError


def _read_face(path: Path, face_px: int) -> NDArray[np.uint8]:
    pixels = read_photo(path).pixels
    height, width = pixels.shape[:2]
    if height != width or height < face_px:
        raise ImageError(
            f"expected a square face of at least {face_px} px, got {width}x{height}; "
            "`dicface prepare` cuts faces out of photos"
        )
    return pixels if height == face_px else resize(pixels, (face_px, face_px))


def _read_folder(folder: Path, limit: int | None, face_px: int) -> tuple[References, list[Unreadable]]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in READ_SUFFIXES)
    if not paths:
        raise PackError(
            f"expected a folder with images ({' '.join(readable_suffixes())}), found none in {str(folder)!r}"
        )
    faces: dict[str, NDArray[np.uint8]] = {}
    left_out: list[Unreadable] = []
    for path in paths:
        if limit is not None and len(faces) == limit:
            break
        try:
            faces[path.relative_to(folder).as_posix()] = _read_face(path, face_px)
        except InputError as error:
            left_out.append(Unreadable(path, error))
    if not faces:
        first = left_out[0]
        raise PackError(
            f"expected high-resolution faces in {str(folder)!r}, could use none of {len(paths)} images; the first, "
            f"{first.path.name!r}: {first.error}"
        )
    unknown = np.full(len(faces), -1, np.int64)
    return References(folder.name, tuple(faces), np.stack(list(faces.values())), None, unknown), left_out


def read_references(
    path: Path, limit: int | None = None, *, face_px: int = FACE_PX
) -> tuple[References, list[Unreadable]]:
    """Read reference faces.

    Args:
        path: a pack, whose nominal crops are taken; or a folder with square images in it and in its subfolders. Larger
            faces are reduced with Pillow's bicubic.
        limit: number of faces from the start (of a folder, in the order of names); all if None.
        face_px: R, side of the faces in pixels.

    Returns:
        The faces, and the images of a folder that cannot be used.

    Raises:
        PackError: not a pack, or no usable face.
    """
    if path.is_dir():
        return _read_folder(path, limit, face_px)
    try:
        pack = read_pack(path, limit).reduced(face_px)
        hr, landmarks = pack.nominal()
    except PackError as error:
        if str(path) in str(error):
            raise
        # What is said of a face alone does not say where it lies.
        raise PackError(f"{error}, in {str(path)!r}") from error
    return References(path.name, pack.keys, hr, landmarks, pack.identities), []
