"""The people in photos, annotated by eye: `tests/data/people.json`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Box, intersection_over_union
from dicface.images.photo import read_photo
from dicface.images.pixels import resize

PEOPLE = Path(__file__).parent.parent / "tests" / "data" / "people.json"
PHOTO_OVERLAP = 0.4
"""Intersection over union with an annotated face of a photo above which a box is that face. For
scenes it is `dicface.evaluation.detection.FOUND_OVERLAP`."""


class Group(NamedTuple):
    """A photo of several people.

    Attributes:
        name: of the photo, without suffix.
        pixels: (H, W, 3) uint8 RGB.
        faces, ignored: boxes in pixels of it, edges.
    """

    name: str
    pixels: NDArray[np.uint8]
    faces: list[Box]
    ignored: list[Box]


class Matches(NamedTuple):
    """Detections of a photo, matched with its annotated faces.

    Attributes:
        hits: of each box found: True for a face, False for none, None for what is ignored.
        found: how many faces were found.
    """

    hits: list[bool | None]
    found: int


def groups(folder: Path, median_px: float = float("inf")) -> Iterator[Group]:
    """The annotated photos.

    Args:
        folder: of the photos.
        median_px: reduce each until the median width of its faces is that; infinite leaves them as they are.
    """
    for name, people in json.loads(PEOPLE.read_text())["photos"].items():
        pixels = read_photo(folder / f"{name}.jpg").pixels
        factor = min(1.0, median_px / float(np.median([right - left for left, _, right, _ in people["faces"]])))
        size = round(pixels.shape[1] * factor), round(pixels.shape[0] * factor)
        scales = (size[0] / pixels.shape[1], size[1] / pixels.shape[0]) * 2
        faces, ignored = (
            [Box(*(edge * scale for edge, scale in zip(box, scales, strict=True))) for box in people[kind]]
            for kind in ("faces", "ignored")
        )
        yield Group(name, pixels if factor == 1 else resize(pixels, size), faces, ignored)


def match_boxes(found: Sequence[Box], faces: Sequence[Box], ignored: Sequence[Box] = ()) -> Matches:
    """Match boxes, best first, with faces, each once."""
    left = list(faces)
    hits: list[bool | None] = []
    for box in found:
        best = max(left, key=lambda face: intersection_over_union(box, face), default=None)
        if best is not None and intersection_over_union(box, best) > PHOTO_OVERLAP:
            left.remove(best)
            hits.append(True)
        else:
            near = any(intersection_over_union(box, other) > PHOTO_OVERLAP / 2 for other in ignored)
            hits.append(None if near else False)
    return Matches(hits, len(faces) - len(left))
