"""What making results consistent with their input does to PSNR, on clean inputs and on damaged ones.

    python -m experiments.consistency celeba-val.parquet

Faces are reduced (Pillow bicubic), then damaged as said, super-resolved, and projected onto what reduces to the damaged
input. Reported by size and damage: distance of the plain result's reduction from the input in grey levels (mean,
worst), `y-crop8` and `rgb-crop8` PSNR of the plain result and what the projection adds, face by face, with a 95 %
bootstrap interval, and the share of values that still differ after it.
"""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from dicface.data.references import read_references
from dicface.evaluation.protocols import RGB_CROP8, Y_CROP8
from dicface.evaluation.statistics import paired
from dicface.images.pixels import resize
from dicface.runtime.consistency import back_project_exactly, deviation
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL

SIZES = (8, 16, 32, 64)


def through_jpeg(quality: int, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Encode and decode a crop as JPEG of that quality, colour at full resolution."""
    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, "JPEG", quality=quality, subsampling=0)
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))


def with_noise(sigma: float, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop with Gaussian noise of that many grey levels, the same for every crop of a size."""
    noise = np.random.default_rng(0).normal(0, sigma, crop.shape)
    return np.clip(np.rint(crop + noise), 0, 255).astype(np.uint8)


DAMAGES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "none": lambda crop: crop,
    "JPEG 95": partial(through_jpeg, 95),
    "JPEG 80": partial(through_jpeg, 80),
    "noise 2": partial(with_noise, 2.0),
}


def main(
    data: Annotated[Path, typer.Argument(help="Face pack, or folder of faces.")],
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = DEFAULT_MODEL,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
) -> None:
    """Print the table."""
    network = FaceModel(model, backend="onnxruntime")
    references, _ = read_references(data, limit)
    hr = references.hr
    table = Table("crop", "damage", "grey levels off", "y-crop8 dB", "gain", "rgb-crop8 dB", "gain", "left over")
    for size in SIZES:
        for damage, apply in DAMAGES.items():
            lr = [apply(resize(face, (size, size))) for face in hr]
            plain = np.stack([result.sr[-1] for result in network(lr)])
            projected = np.stack([back_project_exactly(face, crop) for face, crop in zip(plain, lr, strict=True)])
            away = np.abs([deviation(face, crop) for face, crop in zip(plain, lr, strict=True)])
            left = np.mean([deviation(face, crop) != 0 for face, crop in zip(projected, lr, strict=True)])
            cells: list[str] = []
            for protocol in (Y_CROP8, RGB_CROP8):
                before = protocol.psnr(plain, hr)
                gain = paired(protocol.psnr(projected, hr), before)
                cells += [f"{before.mean():.2f}", gain.difference.text(2, sign="+")]
            table.add_row(f"{size} px", damage, f"{away.mean():.2f}, {away.max()}", *cells, f"{left:.1e}")
    Console(width=150).print(table)


if __name__ == "__main__":
    typer.run(main)
