"""Results of a restoration: faces and the restored photo."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.faces.geometry import Box, Square
from dicface.images.metadata import NO_METADATA, result_metadata
from dicface.images.photo import Photo, write_photo
from dicface.images.xmp import Provenance
from dicface.restoration.choice import size_px
from dicface.restoration.quality import QualityWarning


class Outcome(StrEnum):
    """Outcome of a face."""

    RESTORED = "restored"
    TOO_LARGE = "left alone: already larger than the model can improve"
    TOO_SMALL = "left alone: smaller than the model has learned"
    PROFILE = "left alone: seen from the side, which the model has not learned"
    FLAT = "left alone: no contrast inside the box"
    DOUBTFUL = "left alone: neither the detector nor the landmarks are sure of a face"
    OTHER_SIZE = "left alone: not of the sizes that were asked for"
    NOT_CHOSEN = "left alone: not among the chosen faces"


@dataclass(frozen=True, repr=False)
class Face:
    """One face of a photo.

    Attributes:
        box: where it was found, or the box that was given, in pixels of the photo, edges.
        score: the detector's confidence; None for a given box.
        outcome: whether it was restored, or why not; from `Restorer.find`, whether it would be.
        square: its crop.
        landmarks: (68, 2) float32 x, y in pixels of the photo before enlargement, pixel centres at integers; None
            unless the outcome is that of a restored face.
        steps: (T, N, N, 3) uint8 RGB, the face after every step; None unless restored. N is 128 or 256 for our models,
            and depends on the face for other people's (`Restorer.large_faces`).
        uncertainty: (N, N) float32, expected mean absolute error of the last step's luma in grey levels; None
            unless restored and asked for.
        quality_warnings: reasons to trust the result less; empty unless restored.
        probability: that it is a face, by the detector's score and the landmarks found in it; None for a given box and
            for detectors without calibration.
        number: its number in reports and previews, 1 or more. Neither the choice of faces nor their strength changes
            the numbers.
        strength: its share in the blend with the plain enlargement, 0 to 1; 0 if it is left alone.
        strength_share: factor by which a large expected error of the model has lowered the strength; 1 if it has not.
        model: name of the network that restored it, such as a larger or a sharper one ("lite at sharpness 0.5"); empty
            for the restorer's own model.
        invents: detail that the model invents at full strength, see `FaceModel.invented_detail`; None if unknown, or
            if the face is not restored.
    """

    box: Box
    score: float | None
    outcome: Outcome
    square: Square
    landmarks: NDArray[np.float32] | None = None
    steps: NDArray[np.uint8] | None = None
    uncertainty: NDArray[np.float32] | None = None
    quality_warnings: tuple[QualityWarning, ...] = ()
    probability: float | None = None
    number: int = 1
    strength: float = 1.0
    model: str = ""
    strength_share: float = 1.0
    invents: float | None = None

    @property
    def size_px(self) -> float:
        """The longer side of the box, brows to chin, in pixels of the photo."""
        return size_px(self.box)

    @property
    def invented_detail(self) -> float | None:
        """Expected detail that is not this person's, as a share of a real face's; None if unknown."""
        return None if self.invents is None else self.invents * self.strength**2

    def __repr__(self) -> str:
        edges = ", ".join(f"{edge:.1f}" for edge in self.box)
        return f"Face(box=({edges}), score={self.score}, outcome={self.outcome.name})"


@dataclass(frozen=True)
class FoundFaces:
    """The faces of a photo that is not restored.

    Attributes:
        faces: every face that was found or given, in the order of their numbers. Outcomes are those that a restoration
            with the same arguments would give; there are no steps.
        turned_degrees: see `Restoration`.
    """

    faces: tuple[Face, ...]
    turned_degrees: int = 0


@dataclass(frozen=True, repr=False)
class Restoration:
    """A restored photo.

    Attributes:
        image: (round(H * scale), round(W * scale), 3) uint8 RGB.
        faces: every face that was found or given, restored or not; empty if there is none.
        stages_s: seconds spent on detecting, restoring and pasting.
        provenance: model and version, for files of the result.
        turned_degrees: by how much the photo had to be turned anticlockwise for its faces to be upright: 0, 90, 180 or
            270. The faces are in the frame of the photo as it was given.
        scale: enlargement of the photo.
    """

    image: NDArray[np.uint8]
    faces: tuple[Face, ...]
    stages_s: Mapping[str, float] = field(default_factory=dict[str, float])
    provenance: Provenance | None = None
    turned_degrees: int = 0
    scale: float = 1.0

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        restored = sum(face.outcome is Outcome.RESTORED for face in self.faces)
        return f"Restoration({width}x{height} px, {restored} of {len(self.faces)} faces restored)"

    def to_pil(self) -> Image.Image:
        """The restored photo as a PIL image, RGB."""
        return Image.fromarray(self.image)

    def save(self, path: str | Path) -> tuple[str, ...]:
        """Write the restored photo with its provenance. `restore_file` also keeps the source's metadata.

        Args:
            path: the file, in the format that its suffix names; replaced if it exists.

        Returns:
            Notes on what the format could not hold.

        Raises:
            OutputError: an unknown suffix, a photo larger than the format holds, or a file that cannot be written.
        """
        metadata = result_metadata(NO_METADATA, self.image, self.provenance)
        return write_photo(Path(path), Photo(self.image, metadata=metadata))
