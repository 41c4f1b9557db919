"""Whether strength by the expected error ever makes faces worse than the plain enlargement on average.

    python -m experiments.strength celeba-val.parquet --limit 100

For each size and damage of the crops: mean gain of PSNR over the plain enlargement (luma, without a border of 8 px,
colours matched as `restore` does) at full strength and at the strength that is chosen, with 95 % intervals, the share
of faces below plain, and the worst face; beside them the gain at each face's best strength, which needs the truth.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dicface.data.references import read_references
from dicface.evaluation.damage import parse_damage
from dicface.evaluation.statistics import estimate
from dicface.images.pixels import FACE_PX, luma, resize
from dicface.restoration.doubt import doubts, strength_by
from dicface.restoration.paste import match_colours
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL

BATCH = 16
INNER = np.s_[8:-8, 8:-8]


def gains(
    truth: NDArray[np.float32], plain: NDArray[np.float32], restored: NDArray[np.float32], strengths: tuple[float, ...]
) -> list[float]:
    """Gain in dB over the plain enlargement at several strengths."""
    before = ((plain - truth) ** 2).mean()
    blends = (plain + strength * (restored - plain) for strength in strengths)
    return [float(10 * np.log10(before / ((blend - truth) ** 2).mean())) for blend in blends]


def best(truth: NDArray[np.float32], plain: NDArray[np.float32], restored: NDArray[np.float32]) -> float:
    """The strength of the least error."""
    change = restored - plain
    return float(np.clip((change * (truth - plain)).mean() / (change**2).mean(), 0, 1))


def measured(model: FaceModel, hr: NDArray[np.uint8], size: int, damage: str) -> NDArray[np.float64]:
    """Faces at one size with one damage: (N, 4) strength, gain at 1, gain at the strength, gain at the best one."""
    parsed = parse_damage(damage)
    rows: list[list[float]] = []
    for first in range(0, len(hr), BATCH):
        faces = hr[first : first + BATCH]
        crops = [parsed.crop(face, size, first + number) for number, face in enumerate(faces)]
        results = model(crops)
        for face, crop, result, doubt in zip(faces, crops, results, doubts(model, crops, results), strict=True):
            images = face, resize(crop, (FACE_PX, FACE_PX)), match_colours(result.sr[-1], crop)
            truth, plain, restored = (luma(image)[INNER] for image in images)
            strength = strength_by(doubt)
            rows.append([strength, *gains(truth, plain, restored, (1.0, strength, best(truth, plain, restored)))])
    return np.array(rows)


def main(
    data: Annotated[Path, typer.Argument(help="Face pack.")],
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = DEFAULT_MODEL,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
    sizes: Annotated[str, typer.Option(help="Sides of the crops.")] = "16,32",
    damages: Annotated[str, typer.Option(help="Damages with spaces between.")] = "none jpeg50 noise10",
) -> None:
    """Print the table, row by row."""
    hr, network, console = (
        read_references(data, limit)[0].hr,
        FaceModel(model, backend="onnxruntime"),
        Console(width=150),
    )
    names = ("crop", "damage", "strength", "gain at 1", "below", "gain chosen", "below", "worst", "gain at best")
    table = Table(*names, title=f"{model}, {len(hr)} faces of {data.name}")
    for size in map(int, sizes.split(",")):
        for damage in damages.split():
            strength, whole, chosen, at_best = measured(network, hr, size, damage).T
            row = (
                f"{size} px",
                damage,
                f"{strength.mean():.2f}",
                estimate(whole).text(2, sign="+"),
                f"{(whole < 0).mean():.0%}",
                estimate(chosen).text(2, sign="+"),
                f"{(chosen < 0).mean():.0%}",
                f"{chosen.min():.2f}",
                f"{at_best.mean():.2f}",
            )
            console.print(" | ".join(row))
            table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
