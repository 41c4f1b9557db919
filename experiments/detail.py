"""How much detail models add to faces, and how well it fits.

    python -m experiments.detail celeba-val.parquet --model lite

Detail is what a crop of S px cannot hold: the part of a face's luma with more than S / 2 waves across it, in whatever
direction (of diagonal ones a crop holds some more). Reported by size and model, over all faces together: its energy as
a share of that in the real faces; its correlation with theirs, 1 where it is the same but for strength, and less where
it is elsewhere or where something is missing; and PSNR, which prefers less detail to wrong detail.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dicface.data.references import read_references
from dicface.evaluation.protocols import Y_CROP8
from dicface.images.pixels import FACE_PX, luma, resize
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL

SIZES = (8, 16, 32, 64)


def detail(faces: NDArray[np.uint8], size: int) -> NDArray[np.complexfloating]:
    """The waves of luma that a crop of `size` px cannot hold.

    Args:
        faces: (N, 128, 128, 3) uint8 RGB.
        size: of the crop.

    Returns:
        (N, K) complex, of each face the same waves; the border is faded out first.
    """
    window = np.hanning(FACE_PX)
    values = luma(faces)
    waves = np.fft.fft2((values - values.mean(axis=(1, 2), keepdims=True)) * np.outer(window, window))
    across = np.fft.fftfreq(FACE_PX, 1 / FACE_PX)
    return waves[:, np.hypot(across[:, None], across) > size / 2]


def main(
    data: Annotated[Path, typer.Argument(help="Face pack, or folder of faces.")],
    model: Annotated[list[str] | None, typer.Option(help="Embedded model or file; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
) -> None:
    """Print the table."""
    networks = {name: FaceModel(name, backend="onnxruntime") for name in model or [DEFAULT_MODEL]}
    references, _ = read_references(data, limit)
    hr = references.hr
    table = Table("crop", "model", "detail, share of the real", "correlation with the real", "y-crop8 dB")
    for size in SIZES:
        crops = [resize(face, (size, size)) for face in hr]
        made = {"bicubic": np.stack([resize(crop, (FACE_PX, FACE_PX)) for crop in crops])}
        made |= {name: np.stack([result.sr[-1] for result in network(crops)]) for name, network in networks.items()}
        real = detail(hr, size)
        real_energy = float((abs(real) ** 2).sum())
        for name, faces in made.items():
            ours = detail(faces, size)
            energy = float((abs(ours) ** 2).sum())
            common = float((ours * real.conj()).real.sum())
            table.add_row(
                f"{size} px",
                name,
                f"{100 * energy / real_energy:.0f} %",
                f"{common / (energy * real_energy) ** 0.5:.2f}",
                f"{Y_CROP8.psnr(faces, hr).mean():.2f}",
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
