"""Gain and landmark error by skin tone and pose, as far as photos let one tell.

    python -m experiments.groups celeba-val.parquet

Faces are sorted into quarters by each of: mean luma, and individual typology angle (ITA) of the pixels inside the
landmarks below the eyes (cheeks and nose, so that hair, eyes and mouth do not count); and by how far it is turned.
Reported by quarter: the range, the gain over bicubic and the PSNR (`y-crop8`, dB), and the landmarks' distance (root
mean square, per cent of the outer eye distance), each with a 95 % bootstrap interval.

ITA is arctan((L* - 50) / b*) in degrees: larger for lighter skin. It is defined for skin under a known light. From
photos of unknown light it is a proxy, and a weak one: a shadow moves it as far as a person does.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from dicface.data.references import read_references
from dicface.errors import PackError
from dicface.evaluation.metrics import nrmse
from dicface.evaluation.protocols import Y_CROP8
from dicface.evaluation.statistics import estimate
from dicface.images.pixels import FACE_PX, luma, resize
from dicface.restoration.quality import turn
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL

# Lower lid's middle and nose bridge above, mouth's corners below, the jaw at the sides.
_CHEEKS = ((1, 41, 31, 48, 4), (15, 46, 35, 54, 12), (27, 31, 33, 35))


def skin(face: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pixels of cheeks and nose: (K, 3) uint8 RGB."""
    mask = Image.new("1", (FACE_PX, FACE_PX))
    for corners in _CHEEKS:
        ImageDraw.Draw(mask).polygon([tuple(landmarks[point].tolist()) for point in corners], fill=1)
    return face[np.asarray(mask)]


def ita_degrees(pixels: NDArray[np.uint8]) -> float:
    """Individual typology angle of the mean colour of (K, 3) uint8 sRGB pixels."""
    values = pixels / 255.0
    red, green, blue = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).mean(axis=0)
    # CIE 1931 under D65; b* and L* need Y and Z alone.
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fy, fz = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (y, z))
    return float(np.degrees(np.arctan2(116 * fy - 16 - 50, 200 * (fy - fz))))


def main(
    data: Annotated[Path, typer.Argument(help="Face pack.")],
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = DEFAULT_MODEL,
    limit: Annotated[int | None, typer.Option(min=8, help="Only that many faces from the start.")] = None,
    size: Annotated[int, typer.Option(help="Side of the crop.")] = 16,
) -> None:
    """Print the table."""
    references, _ = read_references(data, limit)
    hr, wanted = references.hr, references.landmarks
    if wanted is None:
        raise PackError("expected a face pack with landmarks, got a folder of images")
    lr = [resize(face, (size, size)) for face in hr]
    results = FaceModel(model, "onnxruntime")(lr)
    psnr = Y_CROP8.psnr(np.stack([result.sr[-1] for result in results]), hr)
    gain = psnr - Y_CROP8.psnr(np.stack([resize(crop, (FACE_PX, FACE_PX)) for crop in lr]), hr)
    error = nrmse(np.stack([result.landmarks[-1] for result in results]), wanted, "outer_eye")
    regions = [skin(face, points) for face, points in zip(hr, wanted, strict=True)]
    sorts = {
        "luma of the skin": np.array([luma(region).mean() for region in regions]),
        "ITA of the skin, degrees": np.array([ita_degrees(region) for region in regions]),
        "turned to the side": np.array([turn(points) for points in wanted]),
    }
    table = Table("sorted by", "from", "to", "faces", "gain dB", "PSNR dB", "landmarks %")
    for name, values in sorts.items():
        for part in np.array_split(np.argsort(values, kind="stable"), 4):
            edges = (f"{values[part].min():.2f}", f"{values[part].max():.2f}")
            cells = (estimate(gain[part]).text(2, sign="+"), estimate(psnr[part]).text(2))
            table.add_row(name, *edges, str(len(part)), *cells, estimate(error[part]).text(1, factor=100))
    Console(width=140).print(table)


if __name__ == "__main__":
    typer.run(main)
