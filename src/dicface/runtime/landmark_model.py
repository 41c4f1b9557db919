"""The landmark network for sharp faces."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import CheckpointError, UsageError
from dicface.images.pixels import FACE_PX, to_network
from dicface.landmarks import MIRROR_68, decode_heatmaps
from dicface.runtime.models import find_model
from dicface.runtime.providers import ProviderName
from dicface.runtime.sessions import open_session

LANDMARK_MODEL = "landmarks-hr"
LANDMARK_BATCH = 32


class FaceLandmarks(NamedTuple):
    """Landmarks of N faces.

    Attributes:
        points: (N, 68, 2) float32 x, y in pixels of the 128x128 images, pixel centres at integers.
        heatmap_confidence: (N, 68) float32, maximum of each landmark's heatmap; about 1 where the model is sure.
    """

    points: NDArray[np.float32]
    heatmap_confidence: NDArray[np.float32]


class LandmarkModel:
    """Finds the 68 iBUG points on aligned faces, in ONNX Runtime. May be shared between threads.

    Results of the face and of its mirror image are averaged, which takes twice the time and is nearer to hand-made
    landmarks (docs/measurements.md).
    """

    def __init__(
        self, model: str | Path = LANDMARK_MODEL, *, provider: ProviderName = "auto", threads: int | None = None
    ) -> None:
        """Load a model.

        Args:
            model: name of an embedded landmark model, or a path.
            provider: processor of ONNX Runtime; auto takes a GPU where one can be used.
            threads: threads of the network; None takes one for each core.

        Raises:
            UnknownModelError: no such model.
            CheckpointError: the file is not a landmark model.
        """
        path = find_model(str(model), kind="landmarks")
        self._session = open_session(path, threads=threads, provider=provider)
        inputs, outputs = (
            {port.name for port in ports} for ports in (self._session.get_inputs(), self._session.get_outputs())
        )
        if inputs != {"image"} or outputs != {"heatmaps"}:
            raise CheckpointError(
                f"expected a landmark model with input image and output heatmaps, got {str(path)!r} with inputs "
                f"{sorted(inputs)} and outputs {sorted(outputs)}"
            )

    def __call__(self, faces: NDArray[np.uint8]) -> FaceLandmarks:
        """Find landmarks.

        Args:
            faces: (N, 128, 128, 3) uint8 RGB, cropped as the packs are.

        Raises:
            UsageError: another shape.
        """
        if faces.ndim != 4 or faces.shape[1:] != (FACE_PX, FACE_PX, 3):
            raise UsageError(f"expected faces of shape (N, {FACE_PX}, {FACE_PX}, 3), got {faces.shape}")
        found = [self._part(faces[first : first + LANDMARK_BATCH]) for first in range(0, len(faces), LANDMARK_BATCH)]
        if not found:
            return FaceLandmarks(np.empty((0, 68, 2), np.float32), np.empty((0, 68), np.float32))
        return FaceLandmarks(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _part(self, faces: NDArray[np.uint8]) -> FaceLandmarks:
        image = to_network(faces)
        both = np.concatenate([image, image[..., ::-1]])
        (heatmaps,) = self._session.run(["heatmaps"], {"image": both})
        heatmaps = np.asarray(heatmaps)
        plain, mirrored = np.split(decode_heatmaps(heatmaps), 2)
        returned = mirrored[:, MIRROR_68]
        returned[..., 0] = FACE_PX - 1 - returned[..., 0]
        heatmap_confidence, mirrored_peaks = np.split(heatmaps.max(axis=(-2, -1)), 2)
        points, sure = (plain + returned) / 2, (heatmap_confidence + mirrored_peaks[:, MIRROR_68]) / 2
        return FaceLandmarks(points.astype(np.float32), sure.astype(np.float32))
