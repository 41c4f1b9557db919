"""Whether strength by the expected error ever makes faces worse than the plain enlargement on average.

    python -m experiments.strength celeba-val.parquet --limit 100

For each size and damage of the crops: mean gain of PSNR over the plain enlargement (luma, without a border of 8 px,
colours matched as `restore` does) at full strength and at the strength that is chosen, with 95 % intervals, the share
of faces below plain, and the worst face; beside them the gain at each face's best strength, which needs the truth.

    python -m experiments.strength celeba-train-0.parquet --limit 50 --limits

compares pairs of limits of the relative error instead (`WHOLE_UNTIL`, `NONE_FROM` of
`restoration/adaptive_strength.py`): mean gain and share of faces below plain of clean crops and of damaged ones, and
the least mean gain of all crops and damages.
"""

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dicface.data.references import read_references
from dicface.evaluation.damage import parse_damage
from dicface.evaluation.statistics import estimate
from dicface.images.pixels import luma, resize
from dicface.restoration.adaptive_strength import LEAST_STRENGTH, relative_errors, strength_share
from dicface.restoration.paste import match_colours
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL

BATCH = 16
WHOLE_LIMITS = (0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2)
LIMIT_WIDTHS = (0.2, 0.3, 0.4)
INNER = np.s_[8:-8, 8:-8]


def gains(
    truth: NDArray[np.float32], plain: NDArray[np.float32], restored: NDArray[np.float32], strengths: tuple[float, ...]
) -> list[float]:
    """Gain in dB over the plain enlargement at several strengths."""
    before = ((plain - truth) ** 2).mean()
    blends = (plain + strength * (restored - plain) for strength in strengths)
    return [float(10 * np.log10(before / ((blend - truth) ** 2).mean())) for blend in blends]


def best(truth: NDArray[np.float32], plain: NDArray[np.float32], restored: NDArray[np.float32]) -> float:
    """The strength with the smallest error."""
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
        errors = relative_errors(model, crops, results)
        for face, crop, result, error in zip(faces, crops, results, errors, strict=True):
            images = face, resize(crop, face.shape[:2]), match_colours(result.sr[-1], crop)
            truth, plain, restored = (luma(image)[INNER] for image in images)
            strength = strength_share(error)
            rows.append([strength, *gains(truth, plain, restored, (1.0, strength, best(truth, plain, restored)))])
    return np.array(rows)


class FaceErrors(NamedTuple):
    """Faces at one size with one damage, (N,) each: relative error, and squared error by strength s: a - 2bs + cs^2."""

    relative_error: NDArray[np.float64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    c: NDArray[np.float64]

    def gains(self, whole_until: float, none_from: float) -> NDArray[np.float64]:
        """Gain of PSNR over plain with these limits, in dB."""
        share = np.clip((none_from - self.relative_error) / (none_from - whole_until), LEAST_STRENGTH, 1)
        return 10 * np.log10(self.a / (self.a - 2 * self.b * share + self.c * share**2))


def face_errors(model: FaceModel, hr: NDArray[np.uint8], size: int, damage: str) -> FaceErrors:
    """Relative errors of faces, and what any strength would give."""
    parsed, rows = parse_damage(damage), list[tuple[float, ...]]()
    for first in range(0, len(hr), BATCH):
        faces = hr[first : first + BATCH]
        crops = [parsed.crop(face, size, first + number) for number, face in enumerate(faces)]
        results = model(crops)
        errors = relative_errors(model, crops, results)
        for face, crop, result, error in zip(faces, crops, results, errors, strict=True):
            images = face, resize(crop, face.shape[:2]), match_colours(result.sr[-1], crop)
            truth, plain, restored = (luma(image)[INNER] for image in images)
            missing, change = truth - plain, restored - plain
            rows.append((error, *(float(term.mean()) for term in (missing**2, missing * change, change**2))))
    return FaceErrors(*np.array(rows).T)


def print_limits(model: FaceModel, hr: NDArray[np.uint8], sizes: list[int], damages: list[str], out: Console) -> None:
    """Compare pairs of limits."""
    cases = {(size, damage): face_errors(model, hr, size, damage) for size in sizes for damage in damages}
    for (size, damage), found in cases.items():
        low, middle, high = np.quantile(found.relative_error, (0.05, 0.5, 0.95))
        out.print(f"{size} px, {damage}: relative error {middle:.2f} ({low:.2f} to {high:.2f})")
    table = Table("whole until", "least from", "clean", "below", "damaged", "below", "least mean", "of")
    for whole_until in WHOLE_LIMITS:
        for none_from in (whole_until + width for width in LIMIT_WIDTHS):
            means = {case: found.gains(whole_until, none_from) for case, found in cases.items()}
            clean = np.concatenate([gain for case, gain in means.items() if case[1] == "none"])
            damaged = np.concatenate([gain for case, gain in means.items() if case[1] != "none"])
            least = min(means, key=lambda case: means[case].mean())
            size, damage = least
            table.add_row(
                f"{whole_until:.2f}",
                f"{none_from:.2f}",
                *(text for gain in (clean, damaged) for text in (f"{gain.mean():+.2f}", f"{(gain < 0).mean():.1%}")),
                f"{means[least].mean():+.2f}",
                f"{size} px, {damage}",
            )
    out.print(table)


def main(
    data: Annotated[Path, typer.Argument(help="Face pack.")],
    *,
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = DEFAULT_MODEL,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
    sizes: Annotated[str, typer.Option(help="Sides of the crops.")] = "16,32",
    damages: Annotated[str, typer.Option(help="Damages with spaces between.")] = "none jpeg50 noise10",
    limits: Annotated[bool, typer.Option("--limits", help="Compare limits of the relative error.")] = False,
) -> None:
    """Print the table, row by row."""
    network, console = FaceModel(model, backend="onnxruntime"), Console(width=150)
    hr = read_references(data, limit, face_px=network.face_px)[0].hr
    if limits:
        print_limits(network, hr, [int(size) for size in sizes.split(",")], damages.split(), console)
        return
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
