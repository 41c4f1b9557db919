"""A sheet of faces to look at: each damage at each size, input, another model, the model, truth.

    python -m experiments.sheet celeba-val.parquet sheet.jpg --against other.onnx

The faces are spread evenly over the pack. Rows are faces in groups of one size; columns are groups of three or four
pictures of the model's side, one group for each damage.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from dicface.data.references import read_references
from dicface.evaluation.damage import parse_damage
from dicface.images.pixels import resize
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL

GAP = 6


def pictures(models: list[FaceModel], face: NDArray[np.uint8], size: int, damage: str, seed: int) -> NDArray[np.uint8]:
    """Input (each pixel as a square), results of the models, and truth, side by side: (R, W, 3) uint8."""
    parsed, square = parse_damage(damage), face.shape[:2]
    crop = parsed.crop(face, size, seed)
    seen = np.asarray(Image.fromarray(crop).resize(square, Image.Resampling.NEAREST))
    results = [resize(model([crop])[0].sr[-1], square) for model in models]
    return np.concatenate([seen, *results, parsed.truth(face[None])[0]], axis=1)


def main(
    data: Annotated[Path, typer.Argument(help="Face pack.")],
    out: Annotated[Path, typer.Argument(help="The picture.")],
    *,
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = DEFAULT_MODEL,
    sharpness: Annotated[float, typer.Option(min=0, max=1, help="Of the model.")] = 0.0,
    against: Annotated[str | None, typer.Option(help="Another one, in the column before.")] = None,
    sizes: Annotated[str, typer.Option(help="Sides of the crops.")] = "16,24,40",
    damages: Annotated[str, typer.Option(help="Damages with spaces between.")] = "none jpeg50 noise10",
    faces: Annotated[int, typer.Option(min=1, help="Faces of each size.")] = 3,
) -> None:
    """Draw the sheet."""
    models = [] if against is None else [FaceModel(against, backend="onnxruntime")]
    models.append(FaceModel(model, backend="onnxruntime", sharpness=sharpness))
    wanted = [int(size) for size in sizes.split(",")]
    side = models[-1].face_px
    hr = read_references(data, None, face_px=side)[0].hr
    chosen = np.linspace(0, len(hr) - 1, faces * len(wanted)).round().astype(int)
    rows: list[NDArray[np.uint8]] = []
    for row, number in enumerate(chosen.tolist()):
        size = wanted[row // faces]
        groups = [pictures(models, hr[number], size, damage, number) for damage in damages.split()]
        gap = np.full((side, GAP, 3), 255, np.uint8)
        rows.append(np.concatenate([part for group in groups for part in (group, gap)][:-1], axis=1))
    Image.fromarray(np.concatenate(rows)).save(out, quality=90)
    print(f"wrote {out}: {', '.join(f'face {number}' for number in chosen)}")


if __name__ == "__main__":
    typer.run(main)
