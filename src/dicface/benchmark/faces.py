"""Faces that the precisions are compared on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.images.photo import FACE_PX, resize

FACES = 100


def benchmark_faces(pack: Path | None, faces: int = FACES) -> NDArray[np.uint8]:
    """The first faces of a pack, nominal crop; None makes smooth coloured pictures instead.

    Returns:
        (N, 128, 128, 3) uint8 RGB.

    Raises:
        PackError: not a face pack.
    """
    if pack is not None:
        from dicface.data.packs import read_pack

        return read_pack(pack, faces).nominal()[0]
    rough = np.random.default_rng(0).integers(0, 256, (faces, 12, 12, 3), dtype=np.uint8)
    return np.stack([resize(picture, (FACE_PX, FACE_PX)) for picture in rough])
