"""Fit the probability that what the finder found is a face, and choose its threshold by a curve.

    python -m experiments.verification DATA PHOTOS --model lite --card src/dicface/models/finder.json

DATA is the folder of the packs, PHOTOS one of photos with a `.pts` file each. The fit uses scenes made of celeba-val,
the photos at even positions of the sorted list, several sizes and damages of each, the annotated groups among them, and
the photos at even positions of backgrounds-val. The others are left for `experiments/detection.py`. The threshold is
the least at which no more than one find in twenty of those backgrounds passes. With --card the result is written there.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dicface.data.packs import read_pack
from dicface.data.scenes.backgrounds import read_backgrounds
from dicface.data.scenes.sampler import SceneConfig, SceneSampler
from dicface.faces.detection import FaceDetector
from dicface.faces.geometry import Box, cut, landmark_box, square_of_box
from dicface.images.pixels import resize, to_uint8
from dicface.restoration.sized_models import LARGEST_SIDE
from dicface.runtime.face_model import FaceModel
from experiments.damaged import DAMAGES
from experiments.people import groups, match_boxes
from experiments.photos import shrunk_photos

WIDTHS_PX = (12.0, 16.0, 24.0, 40.0)
SCENES = 8, 20
ALLOWED = 1 / 20
"""False finds in a photo without faces."""
ALONE = "score alone"


class Samples(NamedTuple):
    """Proposals of the finder.

    Attributes:
        scores: (N,) float.
        confidences: (N,) float, mean heatmap peak; NaN for faces too large for the model.
        is_face: (N,) bool.
        on_background: (N,) bool, found in a photo without faces.
    """

    scores: NDArray[np.float64]
    confidences: NDArray[np.float64]
    is_face: NDArray[np.bool_]
    on_background: NDArray[np.bool_]


class Picture(NamedTuple):
    """An annotated picture: its faces, boxes that are ignored, and whether all faces are annotated (`complete`)."""

    pixels: NDArray[np.uint8]
    faces: list[Box]
    ignored: list[Box]
    complete: bool
    is_background: bool = False


def pictures(data: Path, photos: Path) -> Iterator[Picture]:
    """All pictures of the fit."""
    pack, train = read_pack(data / "celeba-val.parquet"), read_backgrounds(data / "backgrounds-train.parquet")
    sampler = SceneSampler(pack, train, SceneConfig(), 0, SCENES[1])
    for number in range(SCENES[0]):
        scenes = sampler.validation(number)
        for index, image in enumerate(scenes.images):
            faces, ignored = (
                [Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for n, x, y, w, h in rows.tolist() if n == index]
                for rows in (scenes.faces, scenes.ignored)
            )
            yield Picture(to_uint8(image.permute(1, 2, 0).numpy()), faces, ignored, complete=True)
    fitted = {path.stem for path in sorted(photos.glob("*.pts"))[::2]}
    for width_px in WIDTHS_PX:
        for photo in shrunk_photos(photos, width_px):
            if photo.name in fitted:
                for harm in DAMAGES.values():
                    yield Picture(harm(photo.pixels), [landmark_box(photo.landmarks)], [], complete=False)
        for group in groups(photos, width_px):
            if group.name in fitted:
                for harm in DAMAGES.values():
                    yield Picture(harm(group.pixels), group.faces, group.ignored, complete=True)
    for pixels in read_backgrounds(data / "backgrounds-val.parquet")[::2]:
        for harm in DAMAGES.values():
            yield Picture(harm(pixels), [], [], complete=True, is_background=True)


def collect(data: Path, photos: Path, model: str) -> tuple[Samples, int]:
    """What the finder proposes in all pictures, and how many of them are backgrounds."""
    detect, network = FaceDetector(), FaceModel(model)
    low, high = network.lr_sizes
    rows: list[tuple[float, float, bool, bool]] = []
    backgrounds = 0
    for picture in pictures(data, photos):
        backgrounds += picture.is_background
        found = detect(picture.pixels)
        hits = match_boxes([face.box for face in found], picture.faces, picture.ignored).hits
        kept = [
            (face, hit) for face, hit in zip(found, hits, strict=True) if hit or (hit is False and picture.complete)
        ]
        squares = [square_of_box(face.box) for face, _ in kept]
        sides = [min(max(square.side, low), high) for square in squares]
        crops = [resize(cut(picture.pixels, square), (side, side)) for square, side in zip(squares, sides, strict=True)]
        for (face, hit), square, steps in zip(kept, squares, network(crops), strict=True):
            confidence = (
                float(steps.heatmap_confidence[-1].mean()) if square.side <= 1.15 * LARGEST_SIDE else float("nan")
            )
            rows.append((face.score, confidence, bool(hit), picture.is_background))
    table = np.array(rows, dtype=np.float64)
    return Samples(table[:, 0], table[:, 1], table[:, 2] == 1, table[:, 3] == 1), backgrounds


def logistic(features: NDArray[np.float64], is_face: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of a logistic regression, the bias first, by Newton's method with a little ridge.

    Args:
        features: (N, K).
        is_face: (N,).
    """
    columns = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(columns.shape[1])
    for _ in range(50):
        likely = 1 / (1 + np.exp(-columns @ weights))
        gradient = columns.T @ (likely - is_face) + 1e-3 * weights
        hessian = (columns * (likely * (1 - likely))[:, None]).T @ columns + 1e-3 * np.eye(len(weights))
        weights = weights - np.linalg.solve(hessian, gradient)
    return weights


def main(
    data: Path,
    photos: Path,
    model: Annotated[str, typer.Option(help="Restoration model whose landmarks are looked at.")] = "lite",
    card: Annotated[Path | None, typer.Option(help="Card of the finder to write the result to.")] = None,
) -> None:
    """Fit, print the curve, and write the card."""
    samples, backgrounds = collect(data, photos, model)
    logits = np.log(samples.scores / (1 - np.minimum(samples.scores, 1 - 1e-6)))
    known = ~np.isnan(samples.confidences)
    alone = logistic(logits[:, None], samples.is_face)
    joint = logistic(np.column_stack([logits, samples.confidences])[known], samples.is_face[known])
    confidences = np.where(known, samples.confidences, 0)
    odds = np.where(known, joint[0] + joint[1] * logits + joint[2] * confidences, alone[0] + alone[1] * logits)
    likely = 1 / (1 + np.exp(-odds))
    table = Table(
        "threshold", "recall of proposed faces", "false finds a background", "mean probability and share above"
    )
    chosen = 0.99
    for percent in range(5, 100):
        threshold = percent / 100
        above = likely >= threshold
        false = float((above & samples.on_background).sum() / backgrounds)
        chosen = min(chosen, threshold) if false <= ALLOWED else chosen
        if percent % 5:
            continue
        calibration = f"{likely[above].mean():.3f}, {samples.is_face[above].mean():.3f}" if above.any() else ""
        table.add_row(f"{threshold:.2f}", f"{above[samples.is_face].mean():.3f}", f"{false:.3f}", calibration)
    console = Console()
    console.print(table)
    console.print(f"{len(likely)} proposals, {samples.is_face.sum()} faces; threshold {chosen:.2f}; {joint=} {alone=}")
    if card is not None:
        content = json.loads(card.read_text())
        names = ("bias", "score", "confidence")
        fitted = content["verification"]["coefficients"]
        fitted[ALONE] = dict(zip(names, alone.round(4).tolist(), strict=False))
        fitted[model] = dict(zip(names, joint.round(4).tolist(), strict=True))
        content["verification"] |= {"threshold": chosen, "proposals": len(likely)}
        card.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
