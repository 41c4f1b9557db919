"""Packs of generated faces."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from dicface.images.pixels import resize


def write_pack(path: Path, faces: int, seed: int = 0, side: int = 144, identities: bool = True) -> Path:
    """A pack of smooth pictures with random landmarks."""
    draw = np.random.default_rng(seed)
    rows = []
    for index in range(faces):
        pixels = resize(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8), (side, side))
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "PNG")
        landmarks = draw.uniform(30, side - 30, 136).astype(np.float32)
        rows.append(
            {
                "key": f"made/{index}",
                "source": "made",
                "identity": index // 4 if identities and index % 2 == 0 else None,
                "image": encoded.getvalue(),
                "landmarks": landmarks.tolist(),
            }
        )
    schema = pa.schema(
        [
            ("key", pa.string()),
            ("source", pa.string()),
            ("identity", pa.int32()),
            ("image", pa.binary()),
            ("landmarks", pa.list_(pa.float32(), 136)),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path
