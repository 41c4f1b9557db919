"""Photos without faces, which scenes are put on."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dicface.data.packs import decode_image
from dicface.errors import PackError


def read_backgrounds(path: Path) -> list[NDArray[np.uint8]]:
    """Read and decode a pack of photos without faces.

    Args:
        path: Parquet file with a column `image` of WebP, PNG or JPEG bytes.

    Returns:
        (H, W, 3) uint8 RGB each; sizes may differ.

    Raises:
        PackError: not such a file, one without photos, or a photo that cannot be decoded.
    """
    try:
        table = pq.read_table(path, columns=["key", "image"])
        rows = list(zip(table["key"].to_pylist(), table["image"].to_pylist(), strict=True))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise PackError(f"expected a pack of backgrounds with key and image, got {str(path)!r}: {error}") from error
    if not rows:
        raise PackError(f"expected photos without faces in {str(path)!r}, found none")
    return [decode_image(row) for row in rows]
