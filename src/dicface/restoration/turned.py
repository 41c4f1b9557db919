"""Work on the faces of a photo, upright or in the turn in which they are upright."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.faces.detection import Detector
from dicface.faces.geometry import Box
from dicface.faces.turns import Quarters, turn_box_back, turn_image, turn_points_back, turn_square_back
from dicface.faces.verification import Verification
from dicface.restoration.results import Face, Outcome
from dicface.restoration.search import Located, find_faces, find_turn
from dicface.restoration.stages import Stages

_SURE_PROBABILITY = 0.95
"""Probability from which a face shows that a photo lies on its side."""
LocatedWork = Callable[[NDArray[np.uint8], Sequence[Located]], tuple[Face, ...]]


class WorkedFaces(NamedTuple):
    """Faces in the frame of the photo, and the quarter turns, anticlockwise, after which they were found."""

    faces: tuple[Face, ...]
    quarters: Quarters = 0


def turn_face_back(face: Face, quarters: Quarters, height: int, width: int) -> Face:
    """A face of a turned photo, in the frame of the photo before the turn.

    Args:
        face: the face.
        quarters: by how many quarters the photo was turned, anticlockwise.
        height, width: of the photo before the turn, in pixels.
    """

    def back(images: NDArray[Any], axes: tuple[int, int]) -> NDArray[Any]:
        return np.ascontiguousarray(np.rot90(images, -quarters, axes))

    points = face.landmarks
    return replace(
        face,
        box=turn_box_back(face.box, quarters, height, width),
        square=turn_square_back(face.square, quarters, height, width),
        landmarks=None if points is None else turn_points_back(points + 0.5, quarters, height, width) - 0.5,
        steps=None if face.steps is None else back(face.steps, (1, 2)),
        uncertainty=None if face.uncertainty is None else back(face.uncertainty, (0, 1)),
    )


def _is_sure(face: Face) -> bool:
    return face.outcome is not Outcome.DOUBTFUL and (face.probability is None or face.probability >= _SURE_PROBABILITY)


def work_upright(
    pixels: NDArray[np.uint8],
    detect: Detector,
    verify: Verification,
    work: LocatedWork,
    stages: Stages,
    *,
    boxes: Sequence[Box] | None,
    only_boxes: bool,
) -> WorkedFaces:
    """Find faces and work on them upright, or, where there is none, in the turn that surely shows some.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        detect, verify, boxes, only_boxes: see `find_faces`.
        work: what is done to the faces.
        stages: measures detecting and restoring.
    """
    with stages.measure("detect"):
        located = find_faces(pixels, detect, verify, boxes=boxes, only_boxes=only_boxes)
    with stages.measure("restore"):
        faces = work(pixels, located)
    if boxes or only_boxes or any(face.outcome is not Outcome.DOUBTFUL for face in faces):
        return WorkedFaces(faces)
    with stages.measure("detect"):
        quarters = find_turn(pixels, detect, verify)
        turned = turn_image(pixels, quarters)
        located = find_faces(turned, detect, verify) if quarters else []
    with stages.measure("restore"):
        others = work(turned, located)
    if not any(_is_sure(face) for face in others):
        return WorkedFaces(faces)
    return WorkedFaces(tuple(turn_face_back(face, quarters, *pixels.shape[:2]) for face in others), quarters)
