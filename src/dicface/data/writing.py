"""Writing face packs row group by row group, so that a pack may be larger than memory."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dicface.data.packs import SCHEMA
from dicface.files import written_whole

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
