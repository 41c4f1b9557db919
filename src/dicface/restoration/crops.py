"""What a `Restorer` does with aligned face crops."""

import numpy as np
from numpy.typing import NDArray

from dicface.images.pixels import check_crop_batch
from dicface.restoration.sized_models import SizedModels
from dicface.runtime.face_model import FaceModel
from dicface.runtime.uncertainty import expected_errors


class CropMethods:
    """The methods of `Restorer` for face crops.

    Attributes:
        model: the face model.
    """

    model: FaceModel
    _models: SizedModels

    def upscale(self, crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Super-resolve aligned face crops. `model` gives every step and the landmarks, too.

        Args:
            crops: (N, S, S, 3) uint8 RGB, S within `model.lr_sizes`.

        Returns:
            (N, R, R, 3) uint8 RGB, R being `model.face_px`.

        Raises:
            UsageError: another shape or type.
        """
        check_crop_batch(crops)
        results, side = self._models.own(list(crops)), self.model.face_px
        return np.stack([result.sr[-1] for result in results]) if results else np.empty((0, side, side, 3), np.uint8)

    def uncertainty(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Expected error of the results of `upscale`.

        Args:
            crops: as for `upscale`.

        Returns:
            (N, R, R) float32, expected mean absolute error of luma in grey levels.

        Raises:
            UsageError: another shape or type.
        """
        check_crop_batch(crops)
        model, side = self._models.own, self.model.face_px
        found = expected_errors(model, list(crops), model(list(crops)))
        return np.stack(found) if found else np.empty((0, side, side), np.float32)
