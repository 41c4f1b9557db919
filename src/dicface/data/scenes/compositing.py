"""Pieces and shoulders pasted into a picture, with a record of what lies on top."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from dicface.data.scenes.labels import NO_FACE, Placed
from dicface.data.scenes.pieces import Piece
from dicface.data.scenes.textures import cut_surface, draw_shape, hair_colour, make_texture
from dicface.landmarks import five_points

_OPAQUE = 128
_PHOTO_SHARE = 0.5
"""Share of the cloth and of things in front that are cut from photos."""
_MATCHED = 0.5
"""Largest share of the distance to the colour of its surroundings by which a piece is moved."""


class Canvas:
    """A picture that pieces are pasted into, with a record of the topmost piece at every pixel.

    Args:
        background: RGB.
        photos: (H, W, 3) uint8 RGB each, whose parts become cloth; may be empty.
    """

    def __init__(self, background: Image.Image, photos: Sequence[NDArray[np.uint8]]) -> None:
        self.image = background
        self.photos = photos
        self.owners: NDArray[np.int16] = np.zeros((background.height, background.width), dtype=np.int16)
        self.placed: list[Placed] = []

    def _paste(self, image: Image.Image, corner: tuple[int, int], mask: Image.Image, number: int) -> None:
        self.image.paste(image, corner, mask)
        left, top = corner
        height, width = self.owners.shape
        rows = slice(max(0, top), min(height, top + mask.height))
        columns = slice(max(0, left), min(width, left + mask.width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        opaque = np.asarray(mask)[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        self.owners[rows, columns][opaque >= _OPAQUE] = number

    def add_piece(self, rng: np.random.Generator, piece: Piece, x: float, y: float, *, unclear: bool = False) -> None:
        """Paste a piece, its colours moved towards those that it covers.

        Args:
            rng: all randomness comes from it.
            piece: a face or a distractor.
            x, y: where the centre of its landmarks' box goes, that of the image if it has none.
            unclear: of a face, see `Placed`.
        """
        size = np.array(piece.image.size)
        low, high = (
            (np.zeros(2), size)
            if piece.landmarks is None
            else (piece.landmarks.min(axis=0), piece.landmarks.max(axis=0))
        )
        left, top = (round(value) for value in (np.array([x, y]) - (low + high) / 2).tolist())
        image = self._match(rng, piece.image, left, top)
        number = NO_FACE if piece.landmarks is None else len(self.placed) + 1
        self._paste(image, (left, top), piece.mask, number)
        if piece.landmarks is not None:
            (centre_x, centre_y), (width, height) = (low + high) / 2 + (left, top), high - low
            points = five_points(piece.landmarks + np.array([left, top])).astype(np.float32)
            self.placed.append(Placed(number, centre_x, centre_y, width, height, points, unclear))

    def _match(self, rng: np.random.Generator, image: Image.Image, left: int, top: int) -> Image.Image:
        box = (
            min(max(0, left), self.image.width - 1),
            min(max(0, top), self.image.height - 1),
            max(min(self.image.width, left + image.width), 1),
            max(min(self.image.height, top + image.height), 1),
        )
        if box[0] >= box[2] or box[1] >= box[3]:
            return image
        about = np.array(self.image.resize((1, 1), Image.Resampling.BOX, box=box).getpixel((0, 0)), dtype=np.float32)
        values = np.asarray(image).astype(np.float32)
        shift = rng.uniform(0, _MATCHED) * (about - values.mean(axis=(0, 1)))
        gain = np.float32(2 ** rng.normal(0, 0.25))
        return Image.fromarray(np.clip(values * gain + shift, 0, 255).astype(np.uint8))

    def add_body(self, rng: np.random.Generator, x: float, y: float, side: float) -> None:
        """Paste shoulders, a neck and sometimes hair; the head of the next piece then covers their middle.

        Args:
            rng: all randomness comes from it.
            x, y: centre of the face's landmarks' box.
            side: its longer side.
        """
        width, height = (max(4, round(reach * side)) for reach in (rng.uniform(1.9, 3.0), rng.uniform(1.5, 4.0)))
        mask = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(mask)
        drop, curve = rng.uniform(0.1, 0.35) * side, rng.uniform(0.6, 1.4) * side
        draw.rectangle((width / 2 - 0.25 * side, 0, width / 2 + 0.25 * side, drop + curve / 2), 255)
        draw.ellipse((0, drop, width - 1, drop + curve), 255)
        draw.rectangle((0, drop + curve / 2, width - 1, height), 255)
        mask = mask.filter(ImageFilter.GaussianBlur(0.6))
        corner = round(x - width / 2), round(y + rng.uniform(0.3, 0.42) * side)
        self._paste(self._surface(rng, mask.size), corner, mask, NO_FACE)
        if rng.random() < 0.6:
            wide, tall = round(side * rng.uniform(1.1, 1.5)), round(side * rng.uniform(1.2, 1.9))
            hair = Image.new("L", (max(2, wide), max(2, tall)), 0)
            ImageDraw.Draw(hair).ellipse((0, 0, wide - 1, tall - 1), 255)
            corner = round(x - wide / 2), round(y - 0.75 * side)
            texture = make_texture(rng, hair.size, hair_colour(rng))
            self._paste(texture, corner, hair.filter(ImageFilter.GaussianBlur(0.7)), NO_FACE)

    def _surface(self, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
        if self.photos and rng.random() < _PHOTO_SHARE:
            return cut_surface(rng, self.photos, size)
        return make_texture(rng, size)

    def add_foreground(self, rng: np.random.Generator) -> None:
        """Paste a random shape, which may cover any face."""
        width, height = (max(4, round(reach * self.image.width)) for reach in rng.uniform(0.05, 0.5, 2))
        mask = draw_shape(rng, width, height).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5))))
        corner = tuple(int(at) for at in rng.uniform(-0.2, 1.0, 2) * self.image.width)
        self._paste(self._surface(rng, mask.size), (corner[0], corner[1]), mask, NO_FACE)
