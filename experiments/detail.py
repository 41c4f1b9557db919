"""How much detail models add to faces, and how well it fits.

    python -m experiments.detail celeba-val.parquet --model lite
    python -m experiments.detail hires-val.parquet --model lite-256 --sharpness 0 --sharpness 1 --sizes 64,128

The measures are those of `dicface evaluate` (`DetailScores`), for several models and sizes at once, with PSNR, which
prefers less detail to wrong detail. All models must make faces of one size.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from dicface.data.references import read_references
from dicface.evaluation.detail import detail_energies, detail_scores
from dicface.evaluation.protocols import Y_CROP8, Y
from dicface.images.pixels import FACE_PX, resize
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL


def main(
    data: Annotated[Path, typer.Argument(help="Face pack, or folder of faces.")],
    model: Annotated[list[str] | None, typer.Option(help="Embedded model or file; may be repeated.")] = None,
    sharpness: Annotated[list[float] | None, typer.Option(help="Of the models; may be repeated.")] = None,
    sizes: Annotated[str, typer.Option(help="Sides of the crops.")] = "8,16,24,32,64",
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
) -> None:
    """Print the table."""
    each = [(name, share) for name in model or [DEFAULT_MODEL] for share in sharpness or [0.0]]
    opened = [FaceModel(name, backend="onnxruntime", sharpness=share) for name, share in each]
    networks = {network.name: network for network in opened}
    side = opened[0].face_px
    protocol = Y_CROP8 if side == FACE_PX else Y
    hr = read_references(data, limit, face_px=side)[0].hr
    titles = "crop", "model", "detail, share of the real", "correlation with the real", "stitch", f"{protocol.name} dB"
    table = Table(*titles)
    for size in map(int, sizes.split(",")):
        crops = [resize(face, (size, size)) for face in hr]
        made = {"bicubic": np.stack([resize(crop, (side, side)) for crop in crops])}
        made |= {name: np.stack([result.sr[-1] for result in network(crops)]) for name, network in networks.items()}
        for name, faces in made.items():
            share, correlation, stitch = detail_scores(detail_energies(faces, hr, size))
            table.add_row(
                f"{size} px",
                name,
                f"{100 * share:.0f} %",
                f"{correlation:.2f}",
                "" if stitch is None else f"{stitch:.2f}",
                f"{protocol.psnr(faces, hr).mean():.2f}",
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
