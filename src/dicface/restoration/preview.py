"""The preview of a restoration: the photo with numbered faces in the colour of what would happen to each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Box
from dicface.files import check_target, real_path
from dicface.images.draw import add_legend, draw_labelled_boxes
from dicface.images.photo import MAX_MEGAPIXELS, Photo, read_photo, write_photo
from dicface.images.pixels import resize
from dicface.restoration.choice import Strength
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import FoundFaces, Outcome

COLOURS = {
    Outcome.RESTORED: (40, 200, 90),
    Outcome.TOO_LARGE: (70, 150, 255),
    Outcome.TOO_SMALL: (0, 205, 215),
    Outcome.PROFILE: (200, 110, 255),
    Outcome.FLAT: (150, 120, 90),
    Outcome.DOUBTFUL: (255, 165, 0),
    Outcome.OTHER_SIZE: (235, 235, 235),
    Outcome.NOT_CHOSEN: (150, 150, 150),
}
"""RGB colour of a face in previews, by its outcome."""
_SMALLEST_PX = 720
"""Smallest longer side of a preview; smaller photos are enlarged, so that numbers can be read."""


@dataclass(frozen=True)
class PreviewResult:
    """The preview of a photo.

    Attributes:
        source, target: the photo, and the preview that was written.
        found: its faces.
        sentence: what would happen to how many faces.
    """

    source: Path
    target: Path
    found: FoundFaces
    sentence: str


def preview_image(pixels: NDArray[np.uint8], found: FoundFaces) -> NDArray[np.uint8]:
    """Draw numbered boxes into a photo, and a legend of their colours below it.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        found: its faces.

    Returns:
        uint8 RGB, at least 720 px along the longer side of the photo.
    """
    height, width = pixels.shape[:2]
    times = max(1, -(-_SMALLEST_PX // max(height, width)))
    if times > 1:
        pixels = resize(pixels, (width * times, height * times))
    boxes = [[edge * times for edge in face.box] for face in found.faces]
    drawn = draw_labelled_boxes(
        pixels, boxes, [str(face.number) for face in found.faces], [COLOURS[face.outcome] for face in found.faces]
    )
    lines = {
        outcome: ", ".join(str(face.number) for face in found.faces if face.outcome is outcome) for outcome in Outcome
    }
    shown = [outcome for outcome, numbers in lines.items() if numbers]
    texts = [f"{lines[outcome]}: {would_be(outcome)}" for outcome in shown]
    return add_legend(drawn, texts or ["no face found"], [COLOURS[outcome] for outcome in shown] or [(150, 150, 150)])


def would_be(outcome: Outcome) -> str:
    """An expected outcome as text."""
    return f"would be {outcome.value}"


def faces_lines(found: FoundFaces) -> tuple[str, ...]:
    """A line for each face: number, size, position, outcome."""
    return tuple(
        f"face {face.number}: {face.size_px:.0f} px at {face.box.left:.0f},{face.box.top:.0f}, {would_be(face.outcome)}"
        for face in found.faces
    )


def preview_file(
    source: str | Path,
    target: str | Path,
    *,
    restorer: Restorer | None = None,
    boxes: Sequence[Box] | None = None,
    only_boxes: bool = False,
    strength: Strength = 1.0,
    min_face: float | None = None,
    max_face: float | None = None,
    faces: Collection[int] | None = None,
    force: bool = False,
    overwrite: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> PreviewResult:
    """Write the preview of a photo: what `restore_file` with the same arguments would do to each face.

    Args:
        source: the photo, see `read_photo`.
        target: the preview, in the format that its suffix names; it never replaces the source.
        restorer: the restorer; None loads one with the default model.
        boxes, only_boxes, strength, min_face, max_face, faces, force: see `Restorer.faces`.
        overwrite: replace a preview that exists.
        max_megapixels: larger photos are refused at their header.

    Raises:
        ImageError: the source cannot be read.
        OutputError: the preview exists, would replace the source, or cannot be written.
        UsageError: see `Restorer.faces`.
    """
    source, target = Path(source), Path(target)
    check_target(target, overwrite=overwrite, inputs=(real_path(source),))
    photo = read_photo(source, max_megapixels=max_megapixels)
    found = (restorer or Restorer()).find(
        photo.pixels,
        boxes=boxes,
        only_boxes=only_boxes,
        strength=strength,
        min_face=min_face,
        max_face=max_face,
        faces=faces,
        force=force,
    )
    write_photo(target, Photo(preview_image(photo.pixels, found)))
    wanted = sum(face.outcome is Outcome.RESTORED for face in found.faces)
    sentence = f"{wanted} of {len(found.faces)} faces would be restored" if found.faces else "no face found"
    return PreviewResult(source, target, found, sentence)
