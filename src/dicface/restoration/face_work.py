"""FaceWork: find the faces of a photo, and restore them or decide what would happen to each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dicface.faces.detection import Detector
from dicface.faces.geometry import Box
from dicface.faces.verification import Verification
from dicface.restoration.choice import FaceChoice, checked_boxes
from dicface.restoration.large_faces import LargeFaces
from dicface.restoration.passes import FacePasses
from dicface.restoration.results import Face
from dicface.restoration.search import Located
from dicface.restoration.stages import Stages
from dicface.restoration.turned import WorkedFaces, work_upright


class FaceWork:
    """From a photo to its faces. Holds networks and no other state.

    Args:
        detect, verify: see `find_faces`.
        restore_faces: restores the faces that the model knows.
        large_faces: restores larger ones; None leaves these alone.
    """

    def __init__(
        self, detect: Detector, verify: Verification, restore_faces: FacePasses, large_faces: LargeFaces | None
    ) -> None:
        self._detect, self._verify = detect, verify
        self._restore_faces, self._large_faces = restore_faces, large_faces

    def __call__(
        self,
        pixels: NDArray[np.uint8],
        choice: FaceChoice,
        *,
        boxes: Sequence[Box] | None,
        only_boxes: bool,
        passes: int,
        uncertainty: bool = False,
        stages: Stages | None = None,
    ) -> WorkedFaces:
        """Find the faces of a photo and restore them.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            choice: which faces are restored.
            boxes, only_boxes, uncertainty: see `Restorer.faces`.
            passes: see `Restorer.faces`; with 0, nothing is restored, and the faces have the outcomes they would get.
            stages: measures detecting and restoring; None measures nothing.

        Raises:
            UsageError: see `checked_boxes` and `find_faces`.
        """
        given = checked_boxes(boxes)

        def work(pixels: NDArray[np.uint8], located: Sequence[Located]) -> tuple[Face, ...]:
            if not passes:
                faces = self._restore_faces.find(pixels, located, choice=choice)
            else:
                faces = self._restore_faces(pixels, located, choice=choice, passes=passes, uncertainty=uncertainty)
            if self._large_faces is None:
                return faces
            return tuple(self._large_faces(pixels, face, choice, run=passes > 0) for face in faces)

        return work_upright(
            pixels, self._detect, self._verify, work, stages or Stages(), boxes=given, only_boxes=only_boxes
        )
