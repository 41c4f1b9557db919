"""Scenes to look for faces in, put together from the faces of a batch."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from dicface.data.batches import FaceBatch

SCENE_PX = 128
PIECES = (5, 16)
FACE_SIDES = (9.0, 60.0)
WANTED_SIDES = (13.0, 36.0)
"""Faces that shall be found."""
OTHER_SIDES = (10.0, 48.0)
"""Faces beyond these shall not be found; those between may."""
_VISIBLE, _HIDDEN = 0.85, 0.3
"""Share of a face that has to be seen for it to be found, and to be missed at all."""


class Scenes(NamedTuple):
    """Pictures with small faces.

    Attributes:
        images: (M, 3, 128, 128) float RGB in [0, 1].
        faces: (F, 4) float: number of the picture, x and y of the centre of the landmarks' box, and its side, in
            pixels, edges. Those that shall be found.
        doubtful: (D, 4) float, the same for those that may be found.
    """

    images: Tensor
    faces: Tensor
    doubtful: Tensor


class _Dice:
    """Random numbers in the ranges that scenes need."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def whole(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)


def _resized(picture: Tensor, height: int, width: int) -> Tensor:
    enlarged = interpolate(picture[None], (height, width), mode="bilinear", align_corners=False, antialias=True)
    return enlarged[0]


def _texture(dice: _Dice, side: int) -> Tensor:
    """Colours between a few of them, rough or smooth, with or without lines."""
    cells = dice.whole(1, max(2, side // 2))
    lines, colour = dice.whole(1, cells), dice.uniform(0, 0.5)
    grey, tints = dice.normal(1, cells, lines) + dice.normal(3, 1, 1), dice.normal(3, cells, lines)
    pattern = 0.5 + dice.uniform(0.02, 0.25) * _resized(grey + colour * tints, side, side)
    if dice.uniform(0, 1) < 0.4:
        across, down = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="xy")
        angle, period = dice.uniform(0, math.pi), dice.uniform(3, 24)
        waves = torch.sin((across * math.cos(angle) + down * math.sin(angle)) * (2 * math.pi / period))
        pattern = pattern + dice.uniform(0.02, 0.25) * waves * (1 + colour * dice.normal(3, 1, 1))
    return pattern.clamp(0, 1)


def _shuffled(face: Tensor, dice: _Dice, side: int) -> Tensor:
    """A face cut into blocks that are put together in another order."""
    blocks = dice.whole(2, 4)
    block = face.shape[-1] // blocks
    parts = [
        face[:, row * block : (row + 1) * block, column * block : (column + 1) * block]
        for row in range(blocks)
        for column in range(blocks)
    ]
    order = torch.randperm(len(parts), generator=dice.generator).roll(1).tolist()
    rows = [torch.cat([parts[order[row * blocks + k]] for k in range(blocks)], dim=2) for row in range(blocks)]
    return _resized(torch.cat(rows, dim=1), side, side)


def _detail(face: Tensor, dice: _Dice, side: int) -> Tensor:
    """What is no face of the sizes wanted: an eye, hair, a collar; or a face too large, as sharp as it is."""
    full_px = face.shape[-1]
    part = dice.whole(12, 48) if dice.uniform(0, 1) < 0.5 else min(full_px, round(side / dice.uniform(0.6, 1.2)))
    left, top = (dice.whole(0, full_px - part) for _ in range(2))
    return _resized(face[:, top : top + part, left : left + part], side, side)


def _upside_down(face: Tensor, dice: _Dice, side: int) -> Tensor:
    return _resized(face.flip(1), side, side)


def _unlike(face: Tensor, dice: _Dice, side: int) -> Tensor:
    """A picture of no face that is (or shall be) found."""
    kinds: tuple[Callable[[], Tensor], ...] = (
        lambda: _texture(dice, side),
        lambda: _shuffled(face, dice, side),
        lambda: _detail(face, dice, side),
        lambda: _detail(face, dice, side),
        lambda: _upside_down(face, dice, side),
    )
    return kinds[dice.whole(0, len(kinds) - 1)]()


def _mask(dice: _Dice, side: int) -> Tensor:
    """(side, side) float, where a piece covers what lies below: all, or an ellipse or square with a soft edge."""
    if dice.uniform(0, 1) < 0.3:
        return torch.ones(side, side)
    grid = torch.linspace(-1, 1, side).abs()
    power = dice.uniform(2, 8)
    radius = (grid[:, None] ** power + grid[None] ** power) ** (1 / power)
    return ((1 - radius) / dice.uniform(0.02, 0.3)).clamp(0, 1)


def _background(face: Tensor, dice: _Dice) -> Tensor:
    return _texture(dice, SCENE_PX) if dice.uniform(0, 1) < 0.4 else _detail(face, dice, SCENE_PX)


def _photographed(scene: Tensor, dice: _Dice) -> Tensor:
    """A little blur, noise and darkness."""
    if dice.uniform(0, 1) < 0.3:
        smaller = round(SCENE_PX * dice.uniform(0.55, 1))
        scene = _resized(_resized(scene, smaller, smaller), SCENE_PX, SCENE_PX)
    noisy = scene * dice.uniform(0.6, 1.15) + dice.uniform(0, 0.04) * dice.normal(*scene.shape)
    return (noisy.clamp(0, 1) * 255).round() / 255


def _middle(landmarks: Tensor) -> tuple[float, float, float]:
    """Centre x, y and side of landmarks' box, in pixels, edges."""
    low, high = landmarks.amin(dim=0) + 0.5, landmarks.amax(dim=0) + 0.5
    (x, y), side = ((low + high) / 2).tolist(), float((high - low).max())
    return x, y, side


def _scene(batch: FaceBatch, dice: _Dice) -> tuple[Tensor, list[tuple[float, ...]], list[tuple[float, ...]]]:
    """One picture, its faces and its doubtful faces, without the picture's number."""
    people, full_px = len(batch.hr), batch.hr.shape[-1]
    scene = _background(batch.hr[dice.whole(0, people - 1)], dice)
    on_top = torch.zeros(SCENE_PX, SCENE_PX, dtype=torch.int64)
    placed: list[tuple[int, float, float, float]] = []
    low, high = (math.log(side) for side in FACE_SIDES)
    # Small ones come on top.
    wanted_sides = sorted((math.exp(dice.uniform(low, high)) for _ in range(dice.whole(*PIECES))), reverse=True)
    for number, wanted in enumerate(wanted_sides, 1):
        person = dice.whole(0, people - 1)
        x, y, face_side = _middle(batch.landmarks[person])
        side = max(8, round(full_px * wanted / face_side))
        scale = side / full_px
        left, top = (dice.whole(-side // 3, SCENE_PX - 2 * side // 3) for _ in range(2))
        if dice.uniform(0, 1) < 0.55:
            piece = _resized(batch.hr[person], side, side)
            placed.append((number, left + x * scale, top + y * scale, face_side * scale))
        else:
            piece = _unlike(batch.hr[person], dice, side)
        rows, columns = (slice(max(0, at), min(SCENE_PX, at + side)) for at in (top, left))
        inside = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
        cover = _mask(dice, side)[inside]
        scene[:, rows, columns] += cover * (piece[(slice(None), *inside)] - scene[:, rows, columns])
        on_top[rows, columns] = torch.where(cover > 0.5, number, on_top[rows, columns])
    faces: list[tuple[float, ...]] = []
    doubtful: list[tuple[float, ...]] = []
    for number, x, y, side in placed:
        low_x, low_y = round(x - side / 2), round(y - side / 2)
        seen = on_top[max(0, low_y) : low_y + round(side), max(0, low_x) : low_x + round(side)] == number
        share = float(seen.sum()) / round(side) ** 2
        if share >= _VISIBLE and WANTED_SIDES[0] <= side <= WANTED_SIDES[1]:
            faces.append((x, y, side))
        elif share > _HIDDEN and OTHER_SIDES[0] <= side <= OTHER_SIDES[1]:
            doubtful.append((x, y, side))
    return _photographed(scene, dice), faces, doubtful


def make_scenes(batch: FaceBatch, generator: torch.Generator) -> Scenes:
    """Half as many scenes as a batch has faces.

    Pieces of all sizes cover each other: faces, and what is none (textures, faces upside down or in blocks, enlarged
    details), in the same frames, so that a frame tells nothing.

    Args:
        batch: `hr` and `landmarks` are used.
        generator: on the CPU.
    """
    dice = _Dice(generator)
    device = batch.hr.device
    batch = FaceBatch(*(part.cpu() for part in batch))
    made = [_scene(batch, dice) for _ in range(max(1, len(batch.hr) // 2))]

    def numbered(which: int) -> Tensor:
        rows = [(float(number), *face) for number, scene in enumerate(made) for face in scene[which]]
        return torch.tensor(rows, device=device).reshape(-1, 4)

    return Scenes(torch.stack([scene[0] for scene in made]).to(device), numbered(1), numbered(2))
