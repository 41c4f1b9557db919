"""From where on a damage makes results worthless, and what of it can be seen in the input and in the landmarks.

    python -m experiments.quality_warnings celeba-val.parquet PHOTOS

Faces are damaged step by step, reduced to 24 px (for JPEG also to 16, 32 and 48 px), and super-resolved. Reported for
each step: the gain over bicubic (`y-crop8`, in dB, with a 95 % bootstrap interval), the distance of the model's
landmarks from the pack's (root mean square, in per cent of the distance between the outer eye corners), and the 5, 50
and 95 % quantiles of the measure that `dicface.restoration.quality` looks at. The damage goes on the face before it is
reduced and compared, except for noise, grain and JPEG, which only the reduced one has. `by_yaw` sorts the undamaged
faces by their landmarks instead.

PHOTOS is a folder of photos with a `.pts` file each. Shrunk until the face is 16, 24, 32 and 48 px wide, stored as JPEG
and cut a little, so that the blocks begin anywhere, they show how often blocks are found by quality, and likewise how
often noise is; and squares without a face are compared with squares about the faces.
"""

import io
import itertools
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

from dicface.data.packs import FacePack, read_pack
from dicface.evaluation.metrics import nrmse
from dicface.evaluation.protocols import Y_CROP8
from dicface.evaluation.statistics import estimate
from dicface.faces.geometry import Square, cut, intersection_over_union, square_of_landmarks
from dicface.images.pixels import FACE_PX, luma, resize
from dicface.restoration.blockiness import blockiness
from dicface.restoration.noise import noise_level
from dicface.restoration.quality import MAX_BLOCKINESS, MAX_NOISE, QualityMeasures, quality_measures, yaw
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL
from experiments.consistency import through_jpeg
from experiments.photos import shrunk_photos

CROP_PX = 24
SIDES_PX = (16, 24, 32, 48)
QUALITIES = (90, 75, 60, 50, 30, 10)
NOISES = (5, 10, 18, 25, 35, 50)
"""Standard deviations of noise in grey levels."""
NOISE_COLOURS = {"noise": 3, "grain": 1}
"""Independent channels of noise by its kind."""
Pixels = NDArray[np.uint8]
YAWS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 2.0)


def exposed(faces: Pixels, stops: float) -> Pixels:
    """Reduce the exposure by a number of stops, each of which halves the linear light."""
    values = faces / 255.0
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) * 2.0**-stops
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def faded(faces: Pixels, share: float) -> Pixels:
    """Scale the contrast of each face about its mean."""
    mean = faces.mean(axis=(1, 2, 3), keepdims=True)
    return np.rint(mean + (faces - mean) * share).astype(np.uint8)


def rolled(pack: FacePack, degrees: float) -> tuple[Pixels, NDArray[np.float32]]:
    """Faces rotated clockwise about the middle of their nominal crop, with their landmarks."""
    size, margin = pack.images.shape[1], FACE_PX // 2
    inner = slice(margin + (size - FACE_PX) // 2, margin + (size + FACE_PX) // 2)
    around = ((margin, margin), (margin, margin), (0, 0))
    rotated = [
        np.asarray(Image.fromarray(np.pad(face, around, mode="edge")).rotate(-degrees, Image.Resampling.BICUBIC))
        for face in pack.images
    ]
    angle, middle = np.radians(degrees), (FACE_PX - 1) / 2
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    landmarks = (pack.nominal()[1] - middle) @ back + middle
    return np.stack(rotated)[:, inner, inner], landmarks.astype(np.float32)


class Bench:
    """Measures damages on one pack and fills a table with them."""

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self.table = Table("damage", "faces", "gain dB", "landmarks %", "measure", "5 %", "50 %", "95 %")

    def measure(
        self,
        hr: Pixels,
        wanted: NDArray[np.float32],
        damage: Callable[[Pixels], Pixels] | None = None,
        crop_px: int = CROP_PX,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], list[QualityMeasures]]:
        """Gain, landmark error and quality measures of each face."""
        lr = [resize(face, (crop_px, crop_px)) for face in hr]
        lr = lr if damage is None else [damage(crop) for crop in lr]
        results = self.model(lr)
        bicubic = np.stack([resize(crop, (FACE_PX, FACE_PX)) for crop in lr])
        gain = Y_CROP8.psnr(np.stack([result.sr[-1] for result in results]), hr) - Y_CROP8.psnr(bicubic, hr)
        error = nrmse(np.stack([result.landmarks[-1] for result in results]), wanted, "outer_eye")
        whole = Square(0, 0, crop_px)
        return (
            gain,
            error,
            [quality_measures(crop, whole, crop, result) for crop, result in zip(lr, results, strict=True)],
        )

    def row(
        self,
        name: str,
        measured: tuple[NDArray[np.float64], NDArray[np.float64], list[QualityMeasures]],
        shown: tuple[str, ...],
    ) -> None:
        """Add rows for one damage: its measurements once, and quantiles of each quality measure shown."""
        gain, error, seen = measured
        cells = (str(len(gain)), estimate(gain).text(2, sign="+"), estimate(error).text(1, factor=100))
        for number, measure in enumerate(shown):
            low, middle, high = np.quantile([getattr(one, measure) for one in seen], (0.05, 0.5, 0.95))
            head = (name, *cells) if number == 0 else ("", "", "", "")
            self.table.add_row(*head, measure, f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}")


def damages(bench: Bench, pack: FacePack) -> None:
    """All damages of faces, step by step."""
    hr, wanted = pack.nominal()
    every = ("brightness", "contrast", "yaw", "roll_degrees", "heatmap_confidence")
    bench.row("none", bench.measure(hr, wanted), every)
    for stops in (2, 4, 5, 6, 7, 8):
        bench.row(f"{stops} stops darker", bench.measure(exposed(hr, stops), wanted), ("brightness", "contrast"))
    for stops in (2, 3, 4, 5, 6, 7, 8):
        # Two grey levels, as cameras leave where there is little light.
        dark = bench.measure(exposed(hr, stops), wanted, partial(_noisy, 2, 3))
        bench.row(f"{stops} stops darker, noise", dark, ("brightness", "contrast"))
    for share in (0.5, 0.3, 0.2, 0.1, 0.07, 0.05):
        bench.row(f"contrast {share}", bench.measure(faded(hr, share), wanted), ("contrast", "heatmap_confidence"))
    for degrees in (5, 10, 15, 20, 25, 30, 40, 60, 90, 180):
        bench.row(
            f"roll of {degrees} degrees", bench.measure(*rolled(pack, degrees)), ("roll_degrees", "heatmap_confidence")
        )


def by_jpeg(bench: Bench, pack: FacePack) -> None:
    """Faces of several sizes, stored as JPEG."""
    hr, wanted = pack.nominal()
    for side in SIDES_PX:
        bench.row(f"{side} px, no JPEG", bench.measure(hr, wanted, None, side), ("heatmap_confidence",))
        for quality in QUALITIES:
            stored = bench.measure(hr, wanted, partial(through_jpeg, quality), side)
            bench.row(f"{side} px, JPEG {quality}", stored, ("heatmap_confidence",))


def by_noise(bench: Bench, pack: FacePack) -> None:
    """Faces of several sizes with noise, in each colour or in luma only."""
    hr, wanted = pack.nominal()
    for side in SIDES_PX:
        for kind, colours in NOISE_COLOURS.items():
            for levels in NOISES:
                noisy = bench.measure(hr, wanted, partial(_noisy, levels, colours), side)
                bench.row(f"{side} px, {kind} {levels}", noisy, ("heatmap_confidence",))


def by_yaw(bench: Bench, pack: FacePack) -> None:
    """Undamaged faces, sorted by yaw."""
    hr, wanted = pack.nominal()
    gain, error, seen = bench.measure(hr, wanted)
    yaws = np.array([yaw(points) for points in wanted])
    for low, high in itertools.pairwise(YAWS):
        chosen = np.flatnonzero((yaws >= low) & (yaws < high))
        if len(chosen) > 1:
            part = gain[chosen], error[chosen], [seen[index] for index in chosen]
            bench.row(f"yaw of {low:.1f} to {high:.1f}", part, ("yaw",))


def _shrunk(photos: Path) -> list[list[tuple[Pixels, Square]]]:
    """Photos and the crops of their faces, for each width of the face in `SIDES_PX`."""
    return [
        [(face.pixels, square_of_landmarks(face.landmarks)) for face in shrunk_photos(photos, width_px)]
        for width_px in SIDES_PX
    ]


def _cell(values: list[float], most: float, digits: int) -> str:
    """Share of the values above a limit, and their 5, 50 and 95 % quantiles."""
    quantiles = ", ".join(f"{value:.{digits}f}" for value in np.quantile(values, (0.05, 0.5, 0.95)))
    return f"{np.mean(np.array(values) > most):.0%}: {quantiles}"


def found_blocks(photos: Path) -> Table:
    """How often blocks are found, and their measure, by what the photo went through and the width of the face."""
    histories: dict[str, Callable[[Pixels], Pixels]] = {"none": lambda pixels: pixels}
    histories |= {f"JPEG {quality}": partial(_stored, quality) for quality in (95, 90, 85, 80, 75, 60, 50, 30, 10)}
    for quality in (95, 75):
        histories[f"JPEG 30, cut, JPEG {quality}"] = lambda pixels, quality=quality: _stored(
            quality, np.ascontiguousarray(_stored(30, pixels)[2:, 1:])
        )
    histories["JPEG 30, resized to 90 %"] = lambda pixels: resize(
        _stored(30, pixels), (round(pixels.shape[1] * 0.9), round(pixels.shape[0] * 0.9))
    )
    table = Table("photo", *(f"{width} px" for width in SIDES_PX), "16 px in 256 px")
    shrunk = _shrunk(photos)
    shrunk.append([(_continued(pixels, 256), square) for pixels, square in shrunk[0]])
    for name, history in histories.items():
        found = [[blockiness(history(pixels)[3:, 5:], square) for pixels, square in faces] for faces in shrunk]
        table.add_row(name, *(_cell(values, MAX_BLOCKINESS, 2) for values in found))
    sides = [np.median([min(pixels.shape[:2]) for pixels, _ in faces]) for faces in shrunk]
    table.add_row("shorter side, median", *(f"{side:.0f} px" for side in sides))
    return table


def found_noise(photos: Path) -> Table:
    """How often noise is found, and its level, by what the photo went through and the width of the face."""
    histories: dict[str, Callable[[Pixels], Pixels]] = {"none": lambda pixels: pixels}
    for kind, colours in NOISE_COLOURS.items():
        histories |= {f"{kind} {levels}": partial(_noisy, levels, colours) for levels in NOISES}
    for quality in (90, 60):
        histories[f"noise 35, JPEG {quality}"] = lambda pixels, quality=quality: _stored(quality, _noisy(35, 3, pixels))
    table = Table("photo", *(f"{width} px" for width in SIDES_PX))
    shrunk = _shrunk(photos)
    for name, history in histories.items():
        found = [[noise_level(history(pixels), square) for pixels, square in faces] for faces in shrunk]
        table.add_row(name, *(_cell(values, MAX_NOISE, 1) for values in found))
    return table


def _noisy(levels: float, colours: int, pixels: Pixels) -> Pixels:
    """Add noise of a standard deviation in grey levels, independent in each of so many channels."""
    noise = np.random.default_rng(0).normal(0, levels, (*pixels.shape[:2], colours))
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


def _continued(pixels: Pixels, least_px: int) -> Pixels:
    """Pad a photo with its mirror image to the right and below, until both sides have at least a length."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, max(0, least_px - height)), (0, max(0, least_px - width)), (0, 0)), mode="symmetric")


def _stored(quality: int, pixels: Pixels) -> Pixels:
    """Encode and decode a photo as JPEG with colour at half resolution, which is what most programs write."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))


def confidence_without_face(model: FaceModel, photos: Path) -> Table:
    """Heatmap confidence in squares around faces, and in random squares without a face."""
    faces: list[float] = []
    others: list[float] = []
    draw = np.random.default_rng(0)
    for width_px in (12, 16, 24, 32):
        for photo in shrunk_photos(photos, width_px):
            square = square_of_landmarks(photo.landmarks)
            height, width = photo.pixels.shape[:2]
            faces.append(_confidence(model, cut(photo.pixels, square)))
            for _ in range(4):
                side = int(draw.integers(16, 49))
                if min(height, width) <= side:
                    continue
                left, top = int(draw.integers(0, width - side)), int(draw.integers(0, height - side))
                other = Square(left, top, side)
                crop = cut(photo.pixels, other)
                if intersection_over_union(other.box, square.box) < 0.01 and luma(crop).std() > 8:
                    others.append(_confidence(model, crop))
    table = Table("squares", "count", "1 %", "5 %", "50 %", "95 %", "99 %", "highest")
    for name, values in (("about a face", faces), ("without", others)):
        quantiles = np.quantile(values, (0.01, 0.05, 0.5, 0.95, 0.99, 1))
        table.add_row(name, str(len(values)), *(f"{value:.2f}" for value in quantiles))
    return table


def _confidence(model: FaceModel, crop: Pixels) -> float:
    side = min(max(crop.shape[0], model.lr_sizes[0]), model.lr_sizes[1])
    (result,) = model([resize(crop, (side, side))])
    return float(result.heatmap_confidence[-1].mean())


def main(
    data: Annotated[Path, typer.Argument(help="Face pack.")],
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = DEFAULT_MODEL,
    limit: Annotated[int, typer.Option(min=2, help="Faces that are damaged.")] = 100,
) -> None:
    """Print the tables."""
    console, network = Console(width=160), FaceModel(model, backend="onnxruntime")
    console.print(found_blocks(photos))
    console.print(found_noise(photos))
    console.print(confidence_without_face(network, photos))
    for part, faces in ((by_jpeg, limit), (by_noise, limit), (damages, limit), (by_yaw, None)):
        bench = Bench(network)
        part(bench, read_pack(data, faces))
        console.print(bench.table)


if __name__ == "__main__":
    typer.run(main)
