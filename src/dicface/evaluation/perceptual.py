"""Perceptual distance of faces by LPIPS."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dicface.checkpoints.lpips import read_lpips
from dicface.images.pixels import to_network


class PerceptualDistance:
    """LPIPS on AlexNet, with weights that the user has. None are embedded, and nothing is downloaded.

    Attributes:
        digests: SHA-256 of the two files of weights.
    """

    def __init__(self, one: Path, other: Path) -> None:
        """Load the weights.

        Args:
            one, other: see `read_lpips`.

        Raises:
            UsageError, CheckpointError: see `read_lpips`.
        """
        self._network, self.digests = read_lpips(one, other)

    def __call__(self, faces: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Measure faces against their references.

        Args:
            faces, references: (N, R, R, 3) uint8 RGB. Distances at different R are not comparable.

        Returns:
            (N,) float64 of at least 0 with the published weights; lower is better, and 0 for equal images.
        """
        with torch.inference_mode():
            distances = self._network(*(torch.from_numpy(to_network(images)) for images in (faces, references)))
        return distances.numpy().astype(np.float64)
