"""One request of the web page: from the uploaded photo to the files and text that are shown."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import OutputError, UsageError
from dicface.faces.geometry import Box, cut
from dicface.files import write_json
from dicface.images.draw import draw_landmarks, side_by_side
from dicface.images.photo import WRITE_SUFFIXES, Photo, read_photo, write_photo
from dicface.images.pixels import FACE_PX, resize
from dicface.restoration.files import FileResult, restore_file
from dicface.restoration.output import with_provenance
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import Face

MAX_UPLOAD_MEGAPIXELS = 16.0
"""Of an uploaded photo, and a quarter of that of a result: a page is for looking at one photo, not for posters."""
MAX_RESULT_MEGAPIXELS = 64.0
MAX_FACES_SHOWN = 24
_SHOWN_PX = 1600
"""Longest side of images on the page in pixels; downloads have the full size."""

_CLICKABLE_PX = 720
"""Smallest side in pixels of the preview in which faces are drawn; a smaller photo is enlarged."""


class Request(NamedTuple):
    """A request to restore a photo.

    Attributes:
        source: the uploaded file.
        folder: existing folder for the results.
        model: name of an embedded model.
        scale: enlargement of the photo.
        boxes: faces drawn by the user, in addition to those that are found.
    """

    source: Path
    folder: Path
    model: str
    scale: float
    boxes: tuple[Box, ...] = ()


class Response(NamedTuple):
    """The content to show.

    Attributes:
        summary: one sentence.
        before, after: images of equal size for the slider.
        faces: a strip for each restored face: the crop, every step, the last with its landmarks.
        captions: of the strips.
        photo: the result in full size.
        report: the JSON file.
    """

    summary: str
    before: Path
    after: Path
    faces: tuple[Path, ...]
    captions: tuple[str, ...]
    photo: Path
    report: Path


@cache
def _restorer(model: str) -> Restorer:
    return Restorer(model)


def _shown(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce an image to the size for the page."""
    height, width = pixels.shape[:2]
    factor = min(1.0, _SHOWN_PX / max(height, width))
    return pixels if factor == 1 else resize(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))


def preview(source: Path, folder: Path) -> tuple[Path, float]:
    """Write a preview of an uploaded photo.

    Args:
        source: the uploaded file.
        folder: folder for the preview.

    Returns:
        The preview, and the number of the photo's pixels per pixel of the preview along a side.

    Raises:
        ImageError: not an image, or too large for the page.
    """
    pixels = read_photo(source, MAX_UPLOAD_MEGAPIXELS).pixels
    shown = _shown(pixels)
    height, width = shown.shape[:2]
    if (times := _CLICKABLE_PX // max(height, width)) > 1:
        shown = resize(shown, (width * times, height * times))
    write_photo(folder / "preview.png", Photo(shown))
    return folder / "preview.png", pixels.shape[1] / shown.shape[1]


def _strip(photo: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """The model's input, every step, and the last step with landmarks, side by side."""
    assert face.steps is not None
    assert face.landmarks is not None
    square = face.square
    crop = cut(photo, square)
    rows = np.arange(FACE_PX) * square.side // FACE_PX
    factor = FACE_PX / square.side
    points = (face.landmarks + 0.5 - (square.left, square.top)) * factor - 0.5
    return side_by_side([crop[rows][:, rows], *face.steps, draw_landmarks(face.steps[-1], points)])


def _restored(request: Request) -> FileResult:
    """The photo restored to the folder: in the format of the upload, or as PNG where that cannot hold the result."""
    suffix = request.source.suffix.lower()
    for chosen in dict.fromkeys((suffix if suffix in WRITE_SUFFIXES else ".png", ".png")):
        try:
            return restore_file(
                request.source,
                request.folder / f"restored{chosen}",
                restorer=_restorer(request.model),
                scale=request.scale,
                boxes=request.boxes,
                max_megapixels=MAX_UPLOAD_MEGAPIXELS,
                max_result_megapixels=MAX_RESULT_MEGAPIXELS,
            )
        except OutputError:
            if chosen == ".png":
                raise
    raise AssertionError("PNG is the last format tried")


def answer(request: Request) -> Response:
    """Restore one photo.

    Raises:
        DicfaceError: the file or the request cannot be used, in words for the page.
    """
    result = _restored(request)
    photo, restoration, provenance = result.photo, result.restoration, result.restoration.provenance
    assert provenance is not None
    height, width = photo.pixels.shape[:2]
    report = request.folder / "report.json"
    # Paths on the server stay private.
    write_json(report, {**result.report_row(), "input": request.source.name, "output": result.target.name})
    shown = _shown(restoration.image)
    before, after = request.folder / "before.png", request.folder / "after.png"
    plain = resize(photo.pixels, (shown.shape[1], shown.shape[0]))
    write_photo(before, with_provenance(plain, provenance._replace(faces=0), "the photo before"))
    write_photo(after, with_provenance(shown, provenance))
    strips: list[Path] = []
    restored = [face for face in restoration.faces if face.steps is not None]
    for number, face in enumerate(restored[:MAX_FACES_SHOWN], start=1):
        strip = request.folder / f"face-{number}.png"
        write_photo(
            strip,
            with_provenance(_strip(photo.pixels, face), provenance._replace(faces=1), "a face as found and every step"),
        )
        strips.append(strip)
    none_found = 'No face found: draw it under "Draw faces yourself"'
    found = f"{len(restored)} of {len(restoration.faces)} faces restored" if restoration.faces else none_found
    reasons = sorted({face.outcome.value for face in restoration.faces if face.steps is None})
    warnings = [
        f"warning: face {number} {' and '.join(warning.value for warning in face.quality_warnings)}"
        for number, face in enumerate(restored, start=1)
        if face.quality_warnings
    ]
    on_its_side = ["the photo lies on its side"] if restoration.turned_degrees else []
    said = ", ".join((found, *on_its_side, *reasons, *result.notes, *warnings))
    size = (restoration.image.shape[1], restoration.image.shape[0])
    summary = f"{said}. {width}x{height} to {size[0]}x{size[1]} px in {result.elapsed_s:.1f} s."
    captions = tuple(_caption(number, face) for number, face in enumerate(restored[: len(strips)], start=1))
    return Response(summary, before, after, tuple(strips), captions, result.target, report)


def _caption(number: int, face: Face) -> str:
    origin = "drawn" if face.score is None else "found"
    if face.probability is not None:
        origin = f"a face with a probability of {face.probability:.0%}"
    return f"{number}: {origin}"


def read_boxes(text: str) -> tuple[Box, ...]:
    """Parse the boxes of the page's text field: four comma-separated numbers per line.

    Raises:
        UsageError: text of another form.

    >>> read_boxes("10, 20, 30, 45")
    (Box(left=10.0, top=20.0, right=30.0, bottom=45.0),)
    """
    boxes: list[Box] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            left, top, right, bottom = (float(json.loads(part)) for part in line.split(","))
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"expected a box as left, top, right, bottom in pixels of the photo, got {line!r}"
            ) from error
        boxes.append(Box(left, top, right, bottom))
    return tuple(boxes)
