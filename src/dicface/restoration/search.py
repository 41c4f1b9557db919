"""The faces of a photo: given as boxes, or detected, upright or turned."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import Detection, Detector
from dicface.faces.geometry import Box, intersection_over_union
from dicface.faces.turns import Quarters, turn_image
from dicface.faces.verification import Verdict, Verification
from dicface.images.pixels import resize

_TURNS: tuple[Quarters, ...] = (1, 3, 2)
_TURNED_PX = 640
"""Longest side of the reduced photo that is searched turned."""
_PERFECT_CONFIDENCE = 1.0
"""Heatmap confidence of perfect landmarks."""
MIN_PROBABILITY = 0.3
"""Smallest probability of detections that are reported, or restored by force."""
_SAME_FACE = 0.4
"""A detection whose box has a larger intersection over union with a given one is the given face."""


def is_reported(verdict: Verdict) -> bool:
    """Whether a detection is reported: taken for a face, of unknown probability, or not improbable."""
    return verdict.is_face or verdict.probability is None or verdict.probability >= MIN_PROBABILITY


class Located(NamedTuple):
    """A given or detected face.

    Attributes:
        box: brows to chin, in pixels of the photo as it was searched, edges.
        score: the detector's confidence; None for a given box.
        points: (5, 2) landmarks of the detector; None if there are none.
    """

    box: Box
    score: float | None = None
    points: NDArray[np.float32] | None = None


def check_box(box: Box, width: int, height: int) -> None:
    """Check that a box is not empty and has its centre in the photo; it may reach beyond the edge.

    Raises:
        UsageError: it is empty, or its centre lies outside.
    """
    values = ",".join(f"{edge:g}" for edge in box)
    if not (box.left < box.right and box.top < box.bottom):
        raise UsageError(f"expected `boxes` X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got {values}")
    if not (0 < box.left + box.right < 2 * width and 0 < box.top + box.bottom < 2 * height):
        raise UsageError(f"expected `boxes` whose centre lies in the photo of {width}x{height} px, got {values}")


def find_faces(
    pixels: NDArray[np.uint8],
    detect: Detector,
    verify: Verification,
    *,
    boxes: Sequence[Box] | None = None,
    only_boxes: bool = False,
) -> list[Located]:
    """Locate the faces of a photo.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        detect: the detector.
        verify: judges detections; those that would be no faces even with perfect landmarks are left out.
        boxes: known faces, in pixels of the photo.
        only_boxes: do not search; the given boxes are all.

    Returns:
        The faces that were found, best first, then the given ones. A given box about a face that was found takes its
        place, so that the others keep their numbers.

    Raises:
        UsageError: a box is empty, its centre does not lie in the photo, or the detector returns something else.
    """
    given = [Located(box) for box in boxes or ()]
    for face in given:
        check_box(face.box, pixels.shape[1], pixels.shape[0])
    if only_boxes:
        return given
    faces, left = list[Located](), list(range(len(given)))
    for face in _possible(_detected(detect, pixels), verify):
        same = [number for number, other in enumerate(given) if _is_same(face, other)]
        if not same:
            faces.append(Located(*face))
        # A detection that is not reported by its score has no number that the box could take.
        elif same[0] in left and is_reported(verify(face.score, None)):
            left.remove(same[0])
            faces.append(given[same[0]])
    return faces + [given[number] for number in left]


def find_turn(pixels: NDArray[np.uint8], detect: Detector, verify: Verification) -> Quarters:
    """The turn in which a reduced photo most probably shows most faces; 0 if no turn shows any.

    Args:
        pixels, detect, verify: see `find_faces`.
    """
    height, width = pixels.shape[:2]
    factor = min(1.0, _TURNED_PX / max(height, width))
    reduced = resize(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))
    best: tuple[float, Quarters] = (0.0, 0)
    for quarters in _TURNS:
        expected = _expected_faces(_detected(detect, turn_image(reduced, quarters)), verify)
        if expected > best[0]:
            best = expected, quarters
    return best[1]


def _detected(detect: Detector, pixels: NDArray[np.uint8]) -> list[Detection]:
    """What a detector finds, checked, since it may be the caller's own.

    Raises:
        UsageError: it does not return detections.
    """
    found = cast("object", detect(pixels))
    if not isinstance(found, Iterable):
        raise UsageError(f"expected a list of Detection from the `detector`, got {type(found).__name__}")
    faces = list[object](found)
    if wrong := [face for face in faces if not isinstance(face, Detection)]:
        raise UsageError(f"expected a list of Detection from the `detector`, got {type(wrong[0]).__name__} in it")
    return cast("list[Detection]", faces)


def _expected_faces(found: Sequence[Detection], verify: Verification) -> float:
    """Expected number of faces among detections, by their scores alone."""
    verdicts = [verify(face.score, None) for face in found]
    return sum(float(said.is_face) if said.probability is None else said.probability for said in verdicts)


def _possible(found: Sequence[Detection], verify: Verification) -> list[Detection]:
    return [face for face in found if verify(face.score, _PERFECT_CONFIDENCE).is_face]


def _is_same(face: Detection, given: Located) -> bool:
    return intersection_over_union(face.box, given.box) > _SAME_FACE
