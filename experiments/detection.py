"""How many faces are found, how many finds are none, and what finding costs.

    python -m experiments.detection PHOTOS --data DATA

PHOTOS is a folder of photos with a `.pts` file each, which are shrunk until the face has the width said, or left as
they are; DATA the folder of the packs. A face counts as found if a box that is not left alone as doubtful and the box
of its landmarks overlap by 0.4 (intersection over union). The verification was fitted on the photos at even positions
of the sorted list (`experiments/verification.py`), so that both halves are reported. Intervals are Wilson's, 95 %.
Times are the best of three, per photo.
"""

import math
import time
from collections.abc import Callable
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
from dicface.evaluation.detection import match_faces
from dicface.evaluation.metrics import average_precision
from dicface.faces.detection import make_detector
from dicface.faces.geometry import Box, landmark_box
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import Outcome
from experiments.damaged import DAMAGES, rotate
from experiments.finder_scores import scene_peaks
from experiments.people import groups, match_boxes
from experiments.photos import shrunk_photos

WIDTHS_PX = (12.0, 16.0, 20.0, 24.0, 32.0, 48.0, float("inf"))
TURNED_WIDTHS_PX = (16.0, 24.0, 48.0)
ROLLS_DEGREES = (20.0, 40.0)
GROUP_WIDTHS_PX = (16.0, 24.0, float("inf"))
SCENES = 20, 20
WALL_MEGAPIXELS = (1, 4, 12, 48)


class Share(NamedTuple):
    """A share as two counts: hits out of a total."""

    hits: int
    of: int

    def __str__(self) -> str:
        """The share and Wilson's 95 % interval, in percent."""
        if not self.of:
            return "-"
        share, z = self.hits / self.of, 1.96
        middle, spread = (
            share + z**2 / (2 * self.of),
            z * math.sqrt(share * (1 - share) / self.of + z**2 / (4 * self.of**2)),
        )
        low, high = ((middle + sign * spread) / (1 + z**2 / self.of) for sign in (-1, 1))
        return f"{share:.1%} [{100 * low:.0f}, {100 * high:.0f}]"


def best_ms(call: Callable[[], object]) -> float:
    """Shortest of three calls."""
    times: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def wall(photos: list[NDArray[np.uint8]], megapixels: float) -> NDArray[np.uint8]:
    """Photos side by side in rows, again and again, cut to a picture of 4:3 with so many megapixels."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width, rows, number = round(height * 4 / 3), 0, 0
    picture = np.zeros((height, width, 3), np.uint8)
    while rows < height:
        left, lowest = 0, height
        while left < width:
            photo = photos[number % len(photos)][: height - rows, : width - left]
            picture[rows : rows + len(photo), left : left + photo.shape[1]] = photo
            left, lowest, number = left + photo.shape[1], min(lowest, rows + len(photo)), number + 1
        rows = lowest
    return picture


def found_boxes(restorer: Restorer, pixels: NDArray[np.uint8]) -> list[Box]:
    """Boxes of what is taken for a face in an upright photo, best first."""
    restored = restorer.faces(pixels, passes=1)
    return [face.box for face in restored if face.outcome is not Outcome.DOUBTFUL]


def recall_of_photos(restorer: Restorer, photos: Path, width_px: float, damage: str, roll: float) -> list[Share]:
    """Recall on the photos at even positions, which were fitted, and at odd ones."""
    names = [path.stem for path in sorted(photos.glob("*.pts"))]
    hits, counts = [0, 0], [0, 0]
    for photo in shrunk_photos(photos, width_px):
        pixels, points = rotate(photo.pixels, photo.landmarks, roll)
        half = names.index(photo.name) % 2
        hits[half] += match_boxes(found_boxes(restorer, DAMAGES[damage](pixels)), [landmark_box(points)]).found
        counts[half] += 1
    return [Share(*pair) for pair in zip(hits, counts, strict=True)]


def photo_table(restorer: Restorer, photos: Path) -> Table:
    """Recall by width, damage and roll."""
    table = Table("damage", "roll", "face px", "all photos", "fitted half", "other half", title="recall")
    cases = [(damage, 0.0, width) for damage in DAMAGES for width in WIDTHS_PX]
    cases += [("clean", roll, width) for roll in ROLLS_DEGREES for width in TURNED_WIDTHS_PX]
    for damage, roll, width in cases:
        halves = recall_of_photos(restorer, photos, width, damage, roll)
        both = Share(sum(half.hits for half in halves), sum(half.of for half in halves))
        size = "as they are" if math.isinf(width) else f"{width:g}"
        table.add_row(damage, f"{roll:g}", size, *(str(share) for share in (both, *halves)))
    return table


def group_table(restorer: Restorer, photos: Path) -> Table:
    """Recall and false finds in the annotated groups."""
    table = Table("damage", "median face px", "recall", "false finds a photo", title="ten photos of several people")
    for damage in DAMAGES:
        for width in GROUP_WIDTHS_PX:
            hits = people = false = count = 0
            for group in groups(photos, width):
                matches = match_boxes(found_boxes(restorer, DAMAGES[damage](group.pixels)), group.faces, group.ignored)
                hits, people, count = hits + matches.found, people + len(group.faces), count + 1
                false += matches.hits.count(False)
            size = "as they are" if math.isinf(width) else f"{width:g}"
            table.add_row(damage, size, str(Share(hits, people)), f"{false / count:.2f}")
    return table


def background_table(restorer: Restorer, backgrounds: list[NDArray[np.uint8]]) -> Table:
    """False finds in photos without faces."""
    table = Table("damage", "photos", "with a false find", "false finds a megapixel", title="backgrounds-val")
    megapixels = sum(pixels[..., 0].size for pixels in backgrounds) / 1e6
    for damage, harm in DAMAGES.items():
        counts = np.array([len(found_boxes(restorer, harm(pixels))) for pixels in backgrounds])
        for half, part in (("all", counts), ("other half", counts[1::2])):
            size = megapixels * len(part) / len(counts)
            table.add_row(damage, half, str(Share(int((part > 0).sum()), len(part))), f"{part.sum() / size:.2f}")
    return table


def time_table(names: list[str], photos: Path) -> Table:
    """What finding costs, and what is found in large pictures."""
    pictures = [photo.pixels for photo in shrunk_photos(photos, float("inf"))]
    megapixels = sum(pixels[..., 0].size for pixels in pictures) / 1e6
    columns = [f"{megapixels} megapixels" for megapixels in WALL_MEGAPIXELS]
    table = Table("detector", "ms a photo", "ms a megapixel", *columns, title="time; finds, seconds")
    for name in names:
        detect = make_detector(name)
        spent_ms = sum(best_ms(lambda pixels=pixels, detect=detect: detect(pixels)) for pixels in pictures)
        cells: list[str] = []
        for size in WALL_MEGAPIXELS if name != "dlib-thorough" else WALL_MEGAPIXELS[:2]:
            picture, start = wall(pictures, size), time.perf_counter()
            found = detect(picture)
            cells.append(f"{len(found)}, {time.perf_counter() - start:.1f} s")
        table.add_row(name, f"{spent_ms / len(pictures):.0f}", f"{spent_ms / megapixels:.0f}", *cells)
    return table


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the packs; without it no scenes, no backgrounds.")
    ] = None,
    detectors: Annotated[str, typer.Option(help="By name, separated by commas.")] = "face",
    threshold: Annotated[float | None, typer.Option(help="Least probability; that of the card if left out.")] = None,
    times: Annotated[bool, typer.Option(help="Also measure times.")] = True,
) -> None:
    """Print recall, false finds, average precision and times."""
    console = Console(width=120)
    names = detectors.split(",")
    for name in names:
        console.rule(name)
        restorer = Restorer(detector=name, detector_threshold=threshold)
        console.print(photo_table(restorer, photos))
        console.print(group_table(restorer, photos))
        if data is not None:
            console.print(background_table(restorer, read_backgrounds(data / "backgrounds-val.parquet")))
    if data is not None:
        backgrounds = read_backgrounds(data / "backgrounds-val.parquet")
        sampler = SceneSampler(read_pack(data / "celeba-val.parquet"), backgrounds, SceneConfig(), 0, SCENES[1])
        found = [
            match_faces(scene_peaks(scenes), scenes) for scenes in (sampler.validation(k) for k in range(SCENES[0]))
        ]
        joined = found[0].joined(found)
        precision = average_precision(joined.scores, joined.hits, joined.faces)
        console.print(f"average precision {precision:.4f} on {math.prod(SCENES)} scenes, {joined.faces} faces")
    if times:
        console.print(time_table(names, photos))


if __name__ == "__main__":
    typer.run(main)
