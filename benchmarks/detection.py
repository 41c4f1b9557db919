"""How many small faces the detectors find, and how their boxes lie relative to the landmarks' box.

    python benchmarks/detection.py PHOTOS

PHOTOS is a folder of photos with a `.pts` file each. A face counts as found if a detection's box and the box of its
landmarks overlap by half (intersection over union 0.4, since the two are not the same box by definition).
"""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from dicface.pipeline.align import intersection_over_union, landmark_box
from dicface.pipeline.detect import make_detector
from photos import shrunk_photos

WIDTHS_PX = (16, 20, 24, 32)
FOUND_OVERLAP = 0.4


def main(photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")]) -> None:
    """Print recall, further detections and time for each detector and face width."""
    table = Table("detector", "face px", "photos", "recall", "further boxes", "ms a photo", "offset x, y; size")
    for name in ("dlib", "dlib-fast"):
        detect = make_detector(name)
        for width_px in WIDTHS_PX:
            found, further, count, elapsed_s = 0, 0, 0, 0.0
            offsets: list[tuple[float, float, float]] = []
            for photo in shrunk_photos(photos, width_px):
                wanted = landmark_box(photo.landmarks)
                start = time.perf_counter()
                detections = detect(photo.pixels)
                elapsed_s += time.perf_counter() - start
                count += 1
                hits = [d.box for d in detections if intersection_over_union(d.box, wanted) > FOUND_OVERLAP]
                found += bool(hits)
                further += len(detections) - len(hits[:1])
                if hits:
                    side = max(wanted.right - wanted.left, wanted.bottom - wanted.top)
                    hit_side = hits[0].right - hits[0].left
                    across = (hits[0].left + hits[0].right - wanted.left - wanted.right) / 2 / hit_side
                    down = (hits[0].top + hits[0].bottom - wanted.top - wanted.bottom) / 2 / hit_side
                    offsets.append((across, down, side / hit_side))
            offset = "{:+.2f}, {:+.2f}; {:.2f}".format(*np.median(offsets, axis=0)) if offsets else ""
            row = (f"{found / count:.1%}", str(further), f"{elapsed_s / count * 1000:.0f}", offset)
            table.add_row(name, str(width_px), str(count), *row)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
