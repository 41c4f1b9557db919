"""Face packs: Parquet files of cropped, landmarked faces."""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import PackError
from dicface.images.pixels import FACE_PX, resize
from dicface.landmarks import KEYPOINTS
from dicface.runtime.parallel import usable_cores

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("source", pa.string()),
        ("identity", pa.int32()),
        ("image", pa.binary()),
        ("landmarks", pa.list_(pa.float32(), KEYPOINTS * 2)),
    ]
)
"""Columns of a pack."""
COLUMNS = tuple(SCHEMA.names)
NOMINAL_KEY = b"nominal_px"
"""Name of the Parquet metadata that holds the side of the nominal crop as decimal digits; 128 where it is absent."""
_NOMINAL_OF_SIDE = {288: 256}
"""Side of the nominal crop by side of the image, for packs of older versions without the metadata."""
_PACK_FORMATS = ("WEBP", "PNG", "JPEG")
_MAX_IMAGE_PX = 2048
"""Largest side of a pack's images in pixels."""


@dataclass(frozen=True)
class FacePack:
    """N decoded faces of one or more packs, in the order of the files.

    Attributes:
        keys: N keys, unique within their source.
        identities: (N,) int64, -1 where unknown.
        images: (N, H, H, 3) uint8 RGB.
        landmarks: (N, 68, 2) float32 x, y in pixels of the image, pixel centres at integers.
        nominal_px: side of the nominal crop, the central part of the image.
    """

    keys: tuple[str, ...]
    identities: NDArray[np.int64]
    images: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    nominal_px: int = FACE_PX

    def __len__(self) -> int:
        return len(self.keys)

    def nominal(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The nominal crop of every image, unresampled, and the landmarks in its pixels.

        Returns:
            (N, P, P, 3) uint8 RGB, where P is `nominal_px`, and (N, 68, 2) float32.
        """
        margin = (self.images.shape[1] - self.nominal_px) // 2
        inner = slice(margin, margin + self.nominal_px)
        return self.images[:, inner, inner], self.landmarks - np.float32(margin)

    def reduced(self, nominal_px: int) -> "FacePack":
        """The same faces with images reduced until the nominal crop has another side.

        Args:
            nominal_px: side of the nominal crop of the result, not above that of this pack.

        Raises:
            PackError: the faces would have to be enlarged.
        """
        if nominal_px > self.nominal_px:
            raise PackError(f"expected faces whose nominal crop has {nominal_px} px or more, got {self.nominal_px} px")
        if nominal_px == self.nominal_px:
            return self
        side = round(self.images.shape[1] * nominal_px / self.nominal_px)
        images = np.stack([resize(image, (side, side)) for image in self.images])
        landmarks = (self.landmarks + 0.5) * np.float32(side / self.images.shape[1]) - 0.5
        return FacePack(self.keys, self.identities, images, landmarks.astype(np.float32), nominal_px)

    def identified(self) -> "FacePack":
        """The faces of known identity, with identities renumbered from 0 without gaps."""
        known = np.flatnonzero(self.identities >= 0)
        _, identities = np.unique(self.identities[known], return_inverse=True)
        keys = tuple(self.keys[face] for face in known)
        images, landmarks = self.images[known], self.landmarks[known]
        return FacePack(keys, identities.astype(np.int64), images, landmarks, self.nominal_px)


def decode_image(row: tuple[str, bytes]) -> NDArray[np.uint8]:
    """Decode a row's image.

    Args:
        row: key, for errors, and encoded image.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        PackError: damaged, or too large.
    """
    key, encoded = row
    try:
        with Image.open(io.BytesIO(encoded), formats=_PACK_FORMATS) as image:
            if max(image.size) > _MAX_IMAGE_PX:
                raise PackError(
                    f"expected images of at most {_MAX_IMAGE_PX} px a side, got {image.size} for face {key!r}"
                )
            return np.asarray(image.convert("RGB"))
    except (PackError, MemoryError):
        raise
    except Exception as error:  # damaged files raise exceptions of any class
        raise PackError(f"expected an image for face {key!r}, could not decode it: {error}") from error


def _read_table(path: Path, limit: int | None) -> tuple[Any, int | None]:
    """Read the columns of a pack by `SCHEMA`, and the side of the nominal crop if it is in the metadata.

    Raises:
        PackError: not a pack, or a damaged one.
    """
    try:
        table: Any = pq.read_table(path)
        missing = [name for name in COLUMNS if name not in table.column_names]
        if missing:
            raise PackError(f"expected the columns {COLUMNS} in {str(path)!r}, missing {missing}; is this a face pack?")
        metadata = table.schema.metadata or {}
        nominal_px = int(metadata[NOMINAL_KEY]) if NOMINAL_KEY in metadata else None
        table = table.select(COLUMNS).slice(0, limit).cast(SCHEMA)
        # Until this check, lengths and strings are what the file claims.
        table.validate(full=True)
    except FileNotFoundError as error:
        raise PackError(f"expected a face pack (Parquet), found nothing at {str(path)!r}") from error
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise PackError(f"expected a face pack (Parquet), got {str(path)!r}: {error}") from error
    return table, nominal_px


def read_pack(path: Path, limit: int | None = None) -> FacePack:
    """Read and decode one pack.

    Args:
        path: Parquet file with the columns `COLUMNS`.
        limit: read only that many faces from the start.

    Returns:
        All faces, decoded.

    Raises:
        PackError: not a pack, an image that cannot be decoded, images that are not square, equal in size and at least
            128 px, or smaller than the nominal crop.
    """
    table, nominal_px = _read_table(path, limit)
    keys = tuple(key or "" for key in table["key"].to_pylist())
    with ThreadPoolExecutor(usable_cores()) as pool:
        images = list(pool.map(decode_image, zip(keys, table["image"].to_pylist(), strict=True)))
    sizes = {image.shape[:2] for image in images}
    if len(sizes) != 1 or any(h != w or h < FACE_PX for h, w in sizes):
        raise PackError(f"expected square images of one size, at least {FACE_PX} px, in {str(path)!r}, got {sizes}")
    side = images[0].shape[0]
    nominal_px = nominal_px or _NOMINAL_OF_SIDE.get(side, FACE_PX)
    if not FACE_PX <= nominal_px <= side:
        raise PackError(
            f"expected a nominal crop from {FACE_PX} px to the images' {side} px in {str(path)!r}, got {nominal_px} px"
        )
    flat = np.array(table["landmarks"].combine_chunks().flatten(), dtype=np.float32)
    if flat.size != len(keys) * KEYPOINTS * 2:
        raise PackError(
            f"expected {KEYPOINTS * 2} landmark numbers a face in {str(path)!r}, got {flat.size / len(keys):g}"
        )
    identities = np.array([-1 if i is None else i for i in table["identity"].to_pylist()], dtype=np.int64)
    return FacePack(keys, identities, np.stack(images), flat.reshape(-1, KEYPOINTS, 2), nominal_px)


def pack_files(paths: Sequence[Path]) -> list[Path]:
    """List pack files: the given files, and the `*.parquet` of given folders in the order of their names.

    Raises:
        PackError: no pack file, or a path that is not a file.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.parquet")) if path.is_dir() else [path])]
    if not files:
        raise PackError(f"expected face packs (*.parquet), found none in {[str(path) for path in paths]}")
    for file in files:
        if not file.is_file():
            raise PackError(f"expected a face pack (*.parquet) or a folder of them, found no file {str(file)!r}")
    return files


def read_packs(paths: Sequence[Path], nominal_px: int | None = None) -> FacePack:
    """Read several packs, or folders of packs, as one. A pack named twice counts twice.

    Args:
        paths: the packs.
        nominal_px: reduce the faces until their nominal crop has that side, so that packs of several sizes fit
            together; None leaves them as they are.

    Raises:
        PackError: as for `read_pack`; also no pack at all, images of different sizes, or faces smaller than
            `nominal_px`.
    """
    files = pack_files(paths)
    packs = [read_pack(file) if nominal_px is None else read_pack(file).reduced(nominal_px) for file in files]
    sizes = {pack.images.shape[1] for pack in packs}
    if len(sizes) != 1:
        raise PackError(
            f"expected packs of one image size, got sides of {sorted(sizes)} px in {[str(f) for f in files]}"
        )
    return FacePack(
        tuple(key for pack in packs for key in pack.keys),
        np.concatenate([pack.identities for pack in packs]),
        np.concatenate([pack.images for pack in packs]),
        np.concatenate([pack.landmarks for pack in packs]),
        packs[0].nominal_px,
    )
