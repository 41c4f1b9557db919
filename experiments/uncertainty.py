"""How well maps of uncertainty rank the true error, and the fit of the one that is shipped.

    python -m experiments.uncertainty celeba-val.parquet --damages "none jpeg50 noise10" --fit celeba-train-0.parquet

The true error is the absolute difference of luma between result and truth. Each candidate map is taken as it is and, in
a second row, as the root mean square nearby (Gaussian, 2 px). Reported by size of the crop and its damage:

- in a face: Spearman's rank correlation with the true error over the pixels of a face, mean over the faces with a 95 %
  bootstrap interval; Pearson's beside it;
- all pixels: Spearman's over the pixels of all faces;
- between faces: Spearman's of the faces' means;
- error left: mean absolute and root mean square error of the pixels that remain when the most uncertain tenth of all
  is removed, as a share of the error before (random: 1; a map that knew the error: `the error itself`).

Then the shipped map's calibration: what it says and what the error is, in ten equal parts of the pixels.
"""

import itertools
from collections.abc import Iterator
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
from dicface.images.pixels import luma, resize, smooth
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.models import DEFAULT_MODEL
from dicface.runtime.uncertainty import Disagreements, disagreements, expected_error

FIT_SIZES = (8, 16, 32, 64)
REMOVED = 0.1
SPREAD_PX = 2.0
# Ranks of every pixel cost time and say no more.
EVERY = 3
Maps = NDArray[np.float32]


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks of (N,) values, those of equal values averaged."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Pearson's; 0 where one is constant."""
    return 0.0 if np.ptp(one) == 0 else float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def rank_correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Spearman's."""
    return correlation(ranks(one.ravel()), ranks(other.ravel()))


def error_left(said: Maps, error: Maps) -> tuple[float, float]:
    """Mean absolute and root mean square error without the most uncertain tenth of the pixels, as shares."""
    # Ties go by a fixed draw, so that a constant map is the random one.
    order = np.lexsort((np.random.default_rng(0).random(said.size), said.ravel()))
    kept = error.ravel()[order[: round(said.size * (1 - REMOVED))]].astype(np.float64)
    whole = error.astype(np.float64)
    return float(kept.mean() / whole.mean()), float(np.sqrt((kept**2).mean() / (whole**2).mean()))


class Sample:
    """Some faces at one size and with one damage: results, their errors, and how much the model disagrees."""

    def __init__(self, model: FaceModel, hr: NDArray[np.uint8], size: int, damage: str) -> None:
        made = parse_damage(damage)
        self.lr = [made.crop(face, size, number) for number, face in enumerate(hr)]
        self.results: list[FaceSteps] = []
        self.found: list[Disagreements] = []
        for first in range(0, len(hr), 16):
            crops = self.lr[first : first + 16]
            results = model(crops)
            self.results += results
            self.found += disagreements(model, crops, results)
        self.steps = luma(np.stack([result.sr for result in self.results]))
        self.error: Maps = np.abs(self.steps[:, -1] - luma(hr))

    def candidates(self) -> dict[str, Maps]:
        """Every map that was tried, by name."""
        last = self.steps[:, -1]
        bicubic = luma(np.stack([resize(crop, last.shape[1:]) for crop in self.lr]))
        down, across = np.gradient(last, axis=(1, 2))
        plain = {
            "last step's change": np.abs(last - self.steps[:, -2]),
            "spread over steps": self.steps.std(axis=1),
            "distance from bicubic": np.abs(last - bicubic),
            "slope of the result": np.hypot(down, across).astype(np.float32),
        }
        maps: dict[str, Maps] = {}
        for name, values in plain.items():
            maps[name] = values
            maps[f"{name}, nearby"] = np.sqrt(np.stack([smooth(one**2, SPREAD_PX) for one in values]))
        maps["mirror, nearby"] = np.stack([one.mirror for one in self.found])
        maps["half a pixel moved, nearby"] = np.stack([one.shift for one in self.found])
        maps["**shipped**"] = np.stack([expected_error(one) for one in self.found])
        maps["the error itself"] = self.error
        return maps


def ranking(sample: Sample) -> Iterator[tuple[str, list[str]]]:
    """How well every map ranks the error: its name and its cells of the table."""
    error, inside = sample.error, (slice(None, None, EVERY), slice(None, None, EVERY))
    for name, said in sample.candidates().items():
        by_face = np.array([rank_correlation(s[inside], e[inside]) for s, e in zip(said, error, strict=True)])
        linear = np.mean([correlation(s, e) for s, e in zip(said, error, strict=True)])
        pooled = rank_correlation(said[:, *inside], error[:, *inside])
        between = rank_correlation(said.mean(axis=(1, 2)), error.mean(axis=(1, 2)))
        values = (linear, pooled, between, *error_left(said, error))
        yield name, [estimate(by_face).text(3), *(f"{value:.3f}" for value in values)]


def calibrated(sample: Sample) -> list[str]:
    """What the shipped map says and what the error is, in ten parts of the pixels and in all."""
    error, said = sample.error, np.stack([expected_error(one) for one in sample.found])
    parts = [(said.ravel()[part].mean(), error.ravel()[part].mean()) for part in np.array_split(said.argsort(None), 10)]
    return [f"{one:.1f} / {true:.1f}" for one, true in (*parts, (said.mean(), error.mean()))]


def fitted(samples: list[Sample]) -> list[float]:
    """Base, weights, factor and power of `expected_error`.

    The first four by least squares of relative errors, so that small ones count, too; the last two by those of the
    logarithms of the means of a hundred equal parts of the pixels, since large disagreements say too much.
    """
    rows, errors = [], []
    for sample in samples:
        for found, error in zip(sample.found, sample.error, strict=True):
            rows.append(np.stack([np.ones(error.size), *(values.ravel() for values in found)], axis=1)[::EVERY])
            errors.append(error.ravel()[::EVERY])
    causes, error = np.concatenate(rows), np.concatenate(errors).astype(np.float64)
    weights = np.ones(causes.shape[1])
    for _ in range(5):
        scale = 1 / np.maximum(causes @ weights, 0.5)
        weights = np.linalg.lstsq(causes * scale[:, None], error * scale, rcond=None)[0]
    parts = np.array_split(np.argsort(causes @ weights), 100)
    said, true = (np.log([values[part].mean() for part in parts]) for values in (causes @ weights, error))
    power, factor = np.polyfit(said, true, 1)
    return [*weights.tolist(), float(np.exp(factor)), float(power)]


def main(
    data: Annotated[Path, typer.Argument(help="Face pack that is measured on.")],
    fit: Annotated[
        Path | None, typer.Option(help="Face pack that the shipped map is fitted on; prints the fit.")
    ] = None,
    fit_limit: Annotated[int, typer.Option(min=1, help="Only that many faces from the start of that.")] = 100,
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = DEFAULT_MODEL,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
    sizes: Annotated[str, typer.Option(help="Sides of the crops that are measured.")] = "16,32",
    damages: Annotated[str, typer.Option(help="Damages of all crops, with spaces between.")] = "none",
) -> None:
    """Print the tables."""
    console, network = Console(width=170), FaceModel(model, backend="onnxruntime")
    if fit is not None:
        learnt = read_references(fit, fit_limit, face_px=network.face_px)[0].hr
        weights = fitted([Sample(network, learnt, size, damage) for size in FIT_SIZES for damage in damages.split()])
        console.print("base, mirror, step, shift, factor, power:", [round(weight, 3) for weight in weights])
    hr = read_references(data, limit, face_px=network.face_px)[0].hr
    table = Table("crop", "map", "in a face", "Pearson", "all pixels", "between faces", "left, mean", "left, rms")
    calibration = Table("crop", *(f"{part}0 %" for part in range(1, 11)), "mean")
    for size, damage in itertools.product(map(int, sizes.split(",")), damages.split()):
        sample = Sample(network, hr, size, damage)
        title = f"{size} px" if damage == "none" else f"{size} px, {damage}"
        for name, row in ranking(sample):
            table.add_row(title, name, *row)
        calibration.add_row(title, *calibrated(sample))
    console.print(table)
    console.print(calibration)


if __name__ == "__main__":
    typer.run(main)
