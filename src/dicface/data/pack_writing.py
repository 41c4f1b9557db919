"""Writing of face packs: encoded crops, row by row."""

from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from dicface.data.packs import SCHEMA
from dicface.errors import UsageError
from dicface.files import written_whole

CROP_FORMATS = ("webp", "webp-lossless", "png", "jpeg")


def encode_crop(pixels: NDArray[np.uint8], kind: str, quality: int) -> bytes:
    """Encode a face as an image file.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        kind: one of `CROP_FORMATS`; `webp-lossless` and `png` keep every pixel.
        quality: 1 to 100, for `webp` and `jpeg`.

    Returns:
        The bytes of the file.

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
"""Faces per row group, about 3 MB."""


class PackRow(NamedTuple):
    """One face of a pack.

    Attributes:
        key: unique in the pack.
        source: name of the data set.
        identity: 0 to `LARGEST_IDENTITY`; None if unknown.
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
        """Write the rows of an incomplete row group."""
        if self._rows:
            rows = [{**row._asdict(), "landmarks": row.landmarks.reshape(-1)} for row in self._rows]
            self._writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
            self._rows = []


@contextmanager
def open_pack(path: Path) -> Generator[PackWriter]:
    """Open a pack for writing. The file appears complete when the block ends without an error.

    Args:
        path: the Parquet file; replaced if it exists.

    Raises:
        OutputError: it cannot be written.
    """
    # Images are compressed already; the other columns are compressed one by one.
    with written_whole(path) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd") as parquet:
        writer = PackWriter(parquet)
        yield writer
        writer.flush()
