"""Where things are in a picture: from the stored picture to the upright one, and to an enlarged one."""

from typing import NamedTuple

TURNED = (5, 6, 7, 8)
"""Orientations that exchange width and height."""


class Area(NamedTuple):
    """A rectangle by its centre, or a point, of no size.

    Attributes:
        x, y: the centre.
        width, height: of the rectangle.
    """

    x: float
    y: float
    width: float = 0.0
    height: float = 0.0


class Transform(NamedTuple):
    """How the pixels of a picture were moved: turned first, then scaled.

    Attributes:
        orientation: EXIF's orientation of the pixels before, 1 to 8; 1 for pixels that only were scaled.
        width, height: of the picture before, in its pixels.
        scale_x, scale_y: enlargement across and down of the turned picture.
    """

    orientation: int
    width: float
    height: float
    scale_x: float = 1.0
    scale_y: float = 1.0

    @property
    def is_turned(self) -> bool:
        """Whether width and height are exchanged."""
        return self.orientation in TURNED

    def normalised(self, area: Area) -> Area:
        """An area in shares of the picture's sides, from 0 to 1, in the moved picture."""
        return _turned(area, self.orientation, 1.0, 1.0)

    def in_pixels(self, area: Area) -> Area:
        """An area in pixels, edges at integers, in pixels of the moved picture."""
        x, y, width, height = _turned(area, self.orientation, self.width, self.height)
        return Area(x * self.scale_x, y * self.scale_y, width * self.scale_x, height * self.scale_y)

    def sides(self, width: float, height: float) -> tuple[float, float]:
        """Width and height of something in pixels, in pixels of the moved picture."""
        across, down = (height, width) if self.is_turned else (width, height)
        return across * self.scale_x, down * self.scale_y


def _turned(area: Area, orientation: int, across: float, down: float) -> Area:
    """An area of a picture of the given sides, in the upright picture."""
    x, y, width, height = area
    x = across - x if orientation in (2, 3, 7, 8) else x
    y = down - y if orientation in (3, 4, 6, 7) else y
    return Area(y, x, height, width) if orientation in TURNED else Area(x, y, width, height)
