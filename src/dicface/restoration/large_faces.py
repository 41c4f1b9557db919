"""Restoration of faces beyond our models by other people's networks for aligned 512 px faces."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.alignment import align, cut_aligned, into_square
from dicface.faces.geometry import cut, square_of_landmarks
from dicface.faces.landmarks import locate
from dicface.images.pixels import FACE_PX, resize
from dicface.restoration.choice import FaceChoice
from dicface.restoration.quality import MIN_HEATMAP_CONFIDENCE, QualityWarning
from dicface.restoration.results import Face, Outcome
from dicface.runtime.face_restorer import DEFAULT_FIDELITY, AlignedFaceRestorer
from dicface.runtime.landmark_model import LandmarkModel
from dicface.runtime.providers import ProviderName

LARGEST_REDUCTION = 1.5
"""Largest factor by which a face is reduced to 512 px; larger ones are left alone, since they would lose detail."""


@dataclass(frozen=True)
class LargeFaces:
    """Restores faces that are too large for our models.

    Attributes:
        network: the restorer of aligned faces.
        landmarks: finds the landmarks by which faces are aligned.
        fidelity: see `AlignedFaceRestorer`.
    """

    network: AlignedFaceRestorer
    landmarks: LandmarkModel
    fidelity: float = DEFAULT_FIDELITY

    def __call__(self, pixels: NDArray[np.uint8], face: Face, choice: FaceChoice, *, run: bool = True) -> Face:
        """Restore one face.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            face: a face of the photo; a face that is not too large is returned as it is.
            choice: which faces are restored.
            run: false decides the outcome alone.
        """
        if face.outcome is not Outcome.TOO_LARGE:
            return face
        if not choice.takes_number(face.number):
            return replace(face, outcome=Outcome.NOT_CHOSEN)
        if face.score is not None and not choice.takes_size(face.box):
            return replace(face, outcome=Outcome.OTHER_SIZE)
        found = locate(self.landmarks, pixels, face.box)
        alignment, square = align(found.points), square_of_landmarks(found.points)
        if alignment.scale * LARGEST_REDUCTION < 1:
            return face
        steps = None
        if run:
            made = self.network(cut_aligned(pixels, alignment), fidelity=self.fidelity)
            side = max(square.side, round(square.side * alignment.scale))
            plain = resize(cut(pixels, square), (side, side))
            steps = into_square(made, alignment, square, plain)[None]
        sure = found.heatmap_confidence.mean() >= MIN_HEATMAP_CONFIDENCE[FACE_PX]
        return replace(
            face,
            outcome=Outcome.RESTORED,
            square=square,
            landmarks=found.points,
            steps=steps,
            quality_warnings=() if sure else (QualityWarning.NO_FACE,),
            strength=choice.strength_of(face.number),
            model=self.network.name,
        )


def open_large_faces(
    path: str | Path | None,
    *,
    fidelity: float = DEFAULT_FIDELITY,
    provider: ProviderName = "auto",
    threads: int | None = None,
    spinning: bool = True,
) -> LargeFaces | None:
    """Load the network for large faces; None for no path.

    Args:
        path, fidelity, provider, threads, spinning: see `AlignedFaceRestorer`.

    Raises:
        UsageError: no such file, or a fidelity out of its range.
        CheckpointError: another kind of network.
    """
    if not 0 <= fidelity <= 1:
        raise UsageError(f"expected a `fidelity` from 0 to 1, got {fidelity:g}")
    if path is None:
        return None
    network = AlignedFaceRestorer(path, provider=provider, threads=threads, spinning=spinning)
    return LargeFaces(network, LandmarkModel(provider=provider, threads=threads), fidelity)
