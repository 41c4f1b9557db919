"""How many small faces the detectors find, how their boxes lie, and what finding costs beside restoring.

    python -m experiments.detection PHOTOS

PHOTOS is a folder of photos with a `.pts` file each, which are shrunk until the face has the width said, or left as
they are. A face counts as found if a detection's box and the box of its landmarks overlap by half (intersection over
union 0.4, since the two are not the same box by definition). Times are the best of three, per photo; the restored faces
are those that the detector found, unless they are too large. Then large photos: a wall of the photos as they are.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dicface.faces.detection import make_detector
from dicface.faces.geometry import intersection_over_union, landmark_box
from dicface.restoration.restorer import Restorer
from experiments.photos import shrunk_photos

WIDTHS_PX = (16.0, 20.0, 24.0, 32.0, 48.0, float("inf"))
FOUND_OVERLAP = 0.4
WALL_MEGAPIXELS = (1, 4, 12, 48)


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


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    detectors: Annotated[str, typer.Option(help="By name, separated by commas.")] = "dlib,dlib-fast,dlib-thorough",
) -> None:
    """Print recall, further detections and time for each detector and face width."""
    columns = ("detector", "face px", "photos", "megapixels", "recall", "further boxes", "offset x, y; size")
    table = Table(*columns, "detecting ms", "restoring ms")
    restorer = Restorer()
    for name in detectors.split(","):
        detect = make_detector(name)
        for width_px in WIDTHS_PX:
            found, further, megapixels = 0, 0, 0.0
            times_ms: list[tuple[float, float]] = []
            offsets: list[tuple[float, float, float]] = []
            for photo in shrunk_photos(photos, width_px):
                wanted = landmark_box(photo.landmarks)
                detections = detect(photo.pixels)
                boxes = [detection.box for detection in detections]
                times_ms.append(
                    (
                        best_ms(lambda pixels=photo.pixels, detect=detect: detect(pixels)),
                        best_ms(lambda pixels=photo.pixels, boxes=boxes: restorer.faces(pixels, boxes=boxes)),
                    )
                )
                megapixels += photo.pixels[..., 0].size / 1e6
                hits = [box for box in boxes if intersection_over_union(box, wanted) > FOUND_OVERLAP]
                found += bool(hits)
                further += len(detections) - len(hits[:1])
                if hits:
                    side = max(wanted.right - wanted.left, wanted.bottom - wanted.top)
                    hit_side = hits[0].right - hits[0].left
                    across = (hits[0].left + hits[0].right - wanted.left - wanted.right) / 2 / hit_side
                    down = (hits[0].top + hits[0].bottom - wanted.top - wanted.bottom) / 2 / hit_side
                    offsets.append((across, down, side / hit_side))
            count = len(times_ms)
            offset = "{:+.2f}, {:+.2f}; {:.2f}".format(*np.median(offsets, axis=0)) if offsets else ""
            width = "as they are" if width_px == float("inf") else f"{width_px:g}"
            row = (f"{megapixels / count:.2f}", f"{found / count:.1%}", str(further), offset)
            table.add_row(name, width, str(count), *row, *(f"{ms:.0f}" for ms in np.mean(times_ms, axis=0)))
    Console().print(table)
    pictures = [photo.pixels for photo in shrunk_photos(photos, float("inf"))]
    large = Table("detector", *(f"{megapixels} megapixels" for megapixels in WALL_MEGAPIXELS), title="faces, seconds")
    for name in detectors.split(","):
        detect = make_detector(name)
        cells: list[str] = []
        for megapixels in WALL_MEGAPIXELS if name != "dlib-thorough" else WALL_MEGAPIXELS[:2]:
            picture = wall(pictures, megapixels)
            start = time.perf_counter()
            found = detect(picture)
            cells.append(f"{len(found)}, {time.perf_counter() - start:.1f} s")
        large.add_row(name, *cells)
    Console().print(large)


if __name__ == "__main__":
    typer.run(main)
