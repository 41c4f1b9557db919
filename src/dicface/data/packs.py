"""Face packs: Parquet files of cropped, landmarked faces."""

import io
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import PackError, UsageError
from dicface.files import written_whole
from dicface.images.pixels import FACE_PX
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
"""What a pack holds."""
COLUMNS = tuple(SCHEMA.names)
_FORMATS = ("WEBP", "PNG", "JPEG")
_MAX_SIDE = 2048
"""Larger images are no faces of a pack, and would not fit in memory many times."""


@dataclass(frozen=True)
class FacePack:
    """Decoded faces of one or more packs, in the order of the files.

    Attributes:
        keys: name of each face, unique within its source.
        identities: (N,) int64, -1 where unknown.
        images: (N, H, H, 3) uint8 RGB.
        landmarks: (N, 68, 2) float32 x, y in pixels of the image, pixel centres at integers.
    """

    keys: tuple[str, ...]
    identities: NDArray[np.int64]
    images: NDArray[np.uint8]
    landmarks: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.keys)

    def nominal(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The central 128x128 of every image, unresampled, and the landmarks in its pixels.

        Returns:
            (N, 128, 128, 3) uint8 RGB and (N, 68, 2) float32.
        """
        margin = (self.images.shape[1] - FACE_PX) // 2
        inner = slice(margin, margin + FACE_PX)
        return self.images[:, inner, inner], self.landmarks - np.float32(margin)

    def identified(self) -> "FacePack":
        """The faces whose person is known, people renumbered from 0 without gaps."""
        known = np.flatnonzero(self.identities >= 0)
        _, people = np.unique(self.identities[known], return_inverse=True)
        keys = tuple(self.keys[face] for face in known)
        return FacePack(keys, people.astype(np.int64), self.images[known], self.landmarks[known])


def _decode(row: tuple[str, bytes]) -> NDArray[np.uint8]:
    key, encoded = row
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            if max(image.size) > _MAX_SIDE:
                raise PackError(f"expected images of at most {_MAX_SIDE} px a side, got {image.size} for face {key!r}")
            return np.asarray(image.convert("RGB"))
    except (PackError, MemoryError):
        raise
    except Exception as error:  # decoders of damaged files raise whatever their parsing trips over
        raise PackError(f"expected an image for face {key!r}, could not decode it: {error}") from error


def _read_table(path: Path, limit: int | None) -> Any:
    """The columns of a pack, as `SCHEMA` has them.

    Raises:
        PackError: not a pack, or a damaged one.
    """
    try:
        table: Any = pq.read_table(path)
        missing = [name for name in COLUMNS if name not in table.column_names]
        if missing:
            raise PackError(f"expected the columns {COLUMNS} in {str(path)!r}, missing {missing}; is this a face pack?")
        table = table.select(COLUMNS).slice(0, limit).cast(SCHEMA)
        # Lengths and texts inside are only what the file claims until then.
        table.validate(full=True)
    except (OSError, KeyError, UnicodeDecodeError, pa.ArrowException) as error:
        raise PackError(f"expected a face pack (Parquet), got {str(path)!r}: {error}") from error
    return table


def read_pack(path: Path, limit: int | None = None) -> FacePack:
    """Read and decode one pack.

    Args:
        path: Parquet file with the columns `COLUMNS`.
        limit: read only that many faces from the start.

    Returns:
        All faces, decoded.

    Raises:
        PackError: not a pack, an image that cannot be decoded, images that are not square, equal in size and at least
            128 px.
    """
    table = _read_table(path, limit)
    keys = tuple(key or "" for key in table["key"].to_pylist())
    with ThreadPoolExecutor(usable_cores()) as pool:
        images = list(pool.map(_decode, zip(keys, table["image"].to_pylist(), strict=True)))
    sizes = {image.shape[:2] for image in images}
    if len(sizes) != 1 or any(h != w or h < FACE_PX for h, w in sizes):
        raise PackError(f"expected square images of one size, at least {FACE_PX} px, in {str(path)!r}, got {sizes}")
    flat = np.array(table["landmarks"].combine_chunks().flatten(), dtype=np.float32)
    if flat.size != len(keys) * KEYPOINTS * 2:
        raise PackError(
            f"expected {KEYPOINTS * 2} landmark numbers a face in {str(path)!r}, got {flat.size / len(keys):g}"
        )
    identities = np.array([-1 if i is None else i for i in table["identity"].to_pylist()], dtype=np.int64)
    return FacePack(keys, identities, np.stack(images), flat.reshape(-1, KEYPOINTS, 2))


def pack_files(paths: Sequence[Path]) -> list[Path]:
    """The pack files that paths stand for: themselves, or the `*.parquet` of a folder in the order of their names.

    Raises:
        PackError: there is none, or one is no file.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.parquet")) if path.is_dir() else [path])]
    if not files:
        raise PackError(f"expected face packs (*.parquet), found none in {[str(path) for path in paths]}")
    for file in files:
        if not file.is_file():
            raise PackError(f"expected a face pack (*.parquet) or a folder of them, found no file {str(file)!r}")
    return files


def read_packs(paths: Sequence[Path]) -> FacePack:
    """Read several packs, or folders of packs, as one. A pack named twice counts twice.

    Raises:
        PackError: as `read_pack`; also no pack at all, or image sizes that differ from pack to pack.
    """
    files = pack_files(paths)
    packs = [read_pack(file) for file in files]
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
    )


CROP_FORMATS = ("webp", "webp-lossless", "png", "jpeg")


def encode_crop(pixels: NDArray[np.uint8], kind: str, quality: int) -> bytes:
    """A face as the bytes of an image file.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        kind: one of `CROP_FORMATS`; `webp-lossless` and `png` keep every pixel.
        quality: 1 to 100, for `webp` and `jpeg`.

    Raises:
        UsageError: another format.
    """
    file = BytesIO()
    match kind:
        case "webp":
            Image.fromarray(pixels).save(file, "WEBP", quality=quality)
        case "webp-lossless":
            Image.fromarray(pixels).save(file, "WEBP", lossless=True)
        case "png":
            Image.fromarray(pixels).save(file, "PNG")
        case "jpeg":
            Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
        case _:
            raise UsageError(f"expected a format, one of {', '.join(CROP_FORMATS)}, got {kind!r}")
    return file.getvalue()


LARGEST_IDENTITY = 2**31 - 1
GROUP_FACES = 500
"""Faces of a row group, about 3 MB."""


class PackRow(NamedTuple):
    """One face of a pack.

    Attributes:
        key: unique in the pack.
        source: name of the data set.
        identity: number of the person, 0 to `LARGEST_IDENTITY`; None if unknown.
        image: encoded square RGB of at least 128 px.
        landmarks: (68, 2) float32 x, y in pixels of the image, pixel centres at integers.
    """

    key: str
    source: str
    identity: int | None
    image: bytes
    landmarks: NDArray[np.float32]


class PackWriter:
    """An open pack. Made by `open_pack`."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._rows: list[PackRow] = []

    def add(self, row: PackRow) -> None:
        """Add a face at the end."""
        self._rows.append(row)
        if len(self._rows) == GROUP_FACES:
            self.flush()

    def flush(self) -> None:
        """Write what waits for its row group to be full."""
        if self._rows:
            rows = [{**row._asdict(), "landmarks": row.landmarks.reshape(-1)} for row in self._rows]
            self._writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
            self._rows = []


@contextmanager
def open_pack(path: Path) -> Generator[PackWriter]:
    """Begin a pack, which appears under its name when the block ends without an error.

    Args:
        path: the Parquet file; replaced if it exists.

    Raises:
        OutputError: it cannot be written.
    """
    # pyarrow compresses each column by itself; images are compressed already.
    with written_whole(path) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd") as parquet:
        writer = PackWriter(parquet)
        yield writer
        writer.flush()
