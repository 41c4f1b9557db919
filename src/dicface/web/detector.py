"""The face detector for visitors."""

import hashlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from dicface.faces.detection import Detection, FaceDetector
from dicface.runtime.face_finder import SMALLEST_PX

SEARCHED_MEGAPIXELS = 6.25
"""Larger photos are searched at half their size, a quarter and so on, so that a visitor does not wait for minutes: the
smallest face that is found has 11 px in photos up to this size, 22 px up to 25 megapixels, which phones' photos of 24
have, 44 px beyond."""
_REMEMBERED = 16


class RememberingDetector(FaceDetector):
    """The face detector for visitors: it remembers what it found in the last photos, and looks for no tiny faces in
    large ones; see `SEARCHED_MEGAPIXELS`."""

    def __init__(self) -> None:
        super().__init__()
        self._found: OrderedDict[bytes, list[Detection]] = OrderedDict()

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        digest = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16, key=str(pixels.shape).encode())
        key = digest.digest()
        if key not in self._found:
            self._found[key] = self.search(pixels, smallest_face_px(pixels.shape[1], pixels.shape[0]))
        self._found.move_to_end(key)
        while len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return list(self._found[key])


def smallest_face_px(width: int, height: int) -> float:
    """Side of the smallest face that is looked for in a photo of a size.

    >>> [smallest_face_px(*size) for size in ((1600, 1200), (4032, 3024), (5712, 4284), (5100, 6600))]
    [11.0, 22.0, 22.0, 44.0]
    """
    factor = 1
    while width * height / factor**2 > SEARCHED_MEGAPIXELS * 1e6:
        factor *= 2
    return SMALLEST_PX * factor
