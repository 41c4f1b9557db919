"""What several tests need: the portrait, packs of generated faces, small networks."""

import io
import os
from pathlib import Path

# Tiny networks gain nothing from threads, and threads that wait for each other cost a busy machine minutes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image
from torch import nn

from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.networks.dic import DICConfig

# A busy machine makes no test fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

PORTRAIT = Path(__file__).parent.parent / "examples" / "portrait.jpg"

TINY = DICConfig(
    stem="any-size", steps=2, features=4, groups=2, projection_stride=2, fusion_blocks=1, hourglass_width=8
)


def bend(network: nn.Module) -> None:
    """Give every activation of a network a slope of its own."""
    for module in network.modules():
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.3, 0.5)


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """(512, 512, 3) uint8: NASA's portrait, one face of 105 px."""
    return read_photo(PORTRAIT).pixels


@pytest.fixture(scope="session")
def small_photo(portrait: np.ndarray) -> np.ndarray:
    """(121, 121, 3) uint8: the portrait, its face 22 px wide."""
    return resize(portrait, (121, 121))


def write_pack(path: Path, faces: int, seed: int = 0, side: int = 144, people: bool = True) -> Path:
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
                "identity": index // 4 if people and index % 2 == 0 else None,
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


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack of ten generated faces."""
    return write_pack(tmp_path / "faces.parquet", 10)
