"""Positions and sizes of the pieces of a scene."""

from typing import NamedTuple

import numpy as np

from dicface.data.scenes.textures import draw_log_uniform

_SIDES = (8.0, 72.0)
"""Sides of single faces."""
_ROW_SIDES = (9.0, 40.0)
_CROWD_SIDES = (8.5, 24.0)
_SCATTERED, _CROWD = (2, 8), 26
_FACE_SHARE, _ROW_FACE_SHARE = 0.62, 0.88


class Spot(NamedTuple):
    """Position and size of a piece.

    Attributes:
        x, y: centre of the landmarks' box, in pixels of the scene.
        side: its longer side.
        is_face: or else it is a distractor.
        has_body: whether shoulders are put under it.
    """

    x: float
    y: float
    side: float
    is_face: bool
    has_body: bool


def scatter(rng: np.random.Generator, scene_px: int) -> list[Spot]:
    """A few pieces of any size at random positions, large ones behind."""
    count = int(rng.integers(_SCATTERED[0], _SCATTERED[1] + 1))
    sides = sorted((draw_log_uniform(rng, *_SIDES) for _ in range(count)), reverse=True)
    at = rng.uniform(-0.02, 1.02, (count, 2)) * scene_px
    return [
        Spot(x, y, side, rng.random() < _FACE_SHARE, rng.random() < 0.4)
        for (x, y), side in zip(at.tolist(), sides, strict=True)
    ]


def line_up(rng: np.random.Generator, scene_px: int) -> list[Spot]:
    """A group in one to three rows, those in front lower; people of one row have about one size."""
    side, spots = draw_log_uniform(rng, *_ROW_SIDES), list[Spot]()
    gap, rise = rng.uniform(1.15, 2.2), rng.uniform(1.1, 2.0)
    rows = int(rng.integers(1, 4))
    top = rng.uniform(0.15, 0.75) * scene_px - rise * side * (rows - 1) / 2
    for row in range(rows):
        y = top + rise * side * row
        start = rng.uniform(-0.5, 0.35) * scene_px if rng.random() < 0.5 else rng.uniform(0, gap) * side
        # At most nine in a row: making the pieces takes the time of a scene.
        for x in np.arange(start, scene_px + side / 2, gap * side)[:9].tolist():
            if x < -side / 2 or rng.random() < 0.1:
                continue
            dx, dy = rng.normal(0, (0.15, 0.3)) * side
            size = side * float(np.exp(rng.normal(0, 0.1)))
            spots.append(Spot(x + dx, y + dy, size, rng.random() < _ROW_FACE_SHARE, rng.random() < 0.9))
    return spots


def crowd(rng: np.random.Generator, scene_px: int) -> list[Spot]:
    """Small faces close together, in a part of the scene."""
    side, gap = draw_log_uniform(rng, *_CROWD_SIDES), rng.uniform(1.0, 1.7)
    columns = int(rng.integers(3, 8))
    rows = max(1, _CROWD // columns)
    left, top = (rng.uniform(0, max(1.0, scene_px - gap * side * cells)) for cells in (columns, rows))
    spots: list[Spot] = []
    for row in range(rows):
        for column in range(columns):
            dx, dy = rng.normal(0, 0.25, 2) * side
            x, y = left + (column + 0.5 * (row % 2) + 0.5) * gap * side + dx, top + (row + 0.5) * gap * side + dy
            if x < scene_px and y < scene_px and rng.random() < 0.9:
                size = side * float(np.exp(rng.normal(0, 0.12)))
                spots.append(Spot(x, y, size, rng.random() < 0.8, rng.random() < 0.5))
    return spots
