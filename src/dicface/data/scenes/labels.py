"""Labels of a scene: the faces that are to be found, and those that count neither way."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

WANTED_SIDES = (10.5, 34.0)
"""Sides of the landmarks' box, the longer one, in pixels, of the faces that are to be found."""
OTHER_SIDES = (8.0, 48.0)
"""Faces between these and the wanted ones may be found; those beyond must not."""
_VISIBLE, _HIDDEN = 0.6, 0.25
"""Share of a face that has to be seen for it to be wanted, and for it to count neither way."""
NO_FACE = -1
"""Number in a map of owners for things in front that are not faces."""


class Scenes(NamedTuple):
    """Pictures with small faces.

    Attributes:
        images: (M, 3, S, S) float RGB in [0, 1], rounded to 8 bits.
        faces: (F, 5) float: number of the picture; x and y of the centre, width and height of the landmarks' box, in
            pixels, edges. Those that are to be found.
        points: (F, 5, 2) float x, y of their five landmarks, see `POINTS`, in pixels, edges.
        ignored: (D, 5) float, as `faces`, for those that may be found or not.
    """

    images: Tensor
    faces: Tensor
    points: Tensor
    ignored: Tensor


class Placed(NamedTuple):
    """A face in a scene.

    Attributes:
        number: of the face in the map of owners, from 1 up.
        x, y: centre of the landmarks' box, in pixels of the scene, edges.
        width, height: of that box.
        points: (5, 2) x, y of the five landmarks.
        unclear: whether it may be missed even if it is seen, since it is turned too far.
    """

    number: int
    x: float
    y: float
    width: float
    height: float
    points: NDArray[np.float32]
    unclear: bool = False

    @property
    def row(self) -> tuple[float, float, float, float]:
        """Centre and size."""
        return self.x, self.y, self.width, self.height


class Labels(NamedTuple):
    """The labels of one scene.

    Attributes:
        wanted: faces that are to be found.
        ignored: faces that may be found or not.
    """

    wanted: list[Placed]
    ignored: list[Placed]


def visible_share(face: Placed, owners: NDArray[np.int16]) -> float:
    """Share of the ellipse in a face's box that shows the face; what lies outside of the scene is hidden.

    Args:
        face: the face.
        owners: (H, W) int16, the number of what lies on top in every pixel.
    """
    height, width = owners.shape
    left, top = round(face.x - face.width / 2), round(face.y - face.height / 2)
    across = np.arange(left, left + max(1, round(face.width)))
    down = np.arange(top, top + max(1, round(face.height)))
    ellipse = ((down[:, None] + 0.5 - face.y) / (face.height / 2)) ** 2 + (
        (across + 0.5 - face.x) / (face.width / 2)
    ) ** 2 <= 1
    seen = owners[np.clip(down, 0, height - 1)[:, None], np.clip(across, 0, width - 1)] == face.number
    inside = ((down >= 0) & (down < height))[:, None] & (across >= 0) & (across < width)
    return float((seen & inside & ellipse).sum() / max(1, ellipse.sum()))


def label_faces(placed: list[Placed], owners: NDArray[np.int16]) -> Labels:
    """Sort the faces of a scene into those wanted and those ignored.

    Args:
        placed: all of them.
        owners: (H, W) int16, the number of what lies on top in every pixel.
    """
    height, width = owners.shape
    wanted: list[Placed] = []
    ignored: list[Placed] = []
    for face in placed:
        side, share = max(face.width, face.height), visible_share(face, owners)
        inside = 0 < face.x < width and 0 < face.y < height
        if inside and share >= _VISIBLE and WANTED_SIDES[0] <= side <= WANTED_SIDES[1] and not face.unclear:
            wanted.append(face)
        elif share > _HIDDEN and OTHER_SIDES[0] <= side <= OTHER_SIDES[1]:
            ignored.append(face)
    return Labels(wanted, ignored)
