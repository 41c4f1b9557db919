"""Scenes to look for faces in, put together from the faces of packs and photos without faces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dicface.data.batches import WHOLE, Share
from dicface.data.packs import FacePack
from dicface.data.scenes.compositing import Canvas
from dicface.data.scenes.damages import age, damage
from dicface.data.scenes.labels import Labels, Placed, Scenes, label_faces
from dicface.data.scenes.layout import Spot, crowd, line_up, scatter
from dicface.data.scenes.pieces import Source, cut_distractor, cut_piece
from dicface.data.scenes.textures import cut_background, make_clutter
from dicface.errors import ConfigError
from dicface.networks.face_finder import MULTIPLE

_SCENES, _VALIDATION = 2, 3
_USUAL_ROLL_DEGREES = 12.0
"""Standard deviation of the roll of most faces."""
_UNCLEAR_DEGREES = 20.0
"""Faces turned by up to that much beyond the wanted ones may be found or not."""
_FOREGROUND_SHARE = 0.2
_CLOSE_SHARE = 0.06
"""Share of the backgrounds that are faces too large to be found, as they appear beside small ones."""


@dataclass(frozen=True)
class SceneConfig:
    """How scenes for the finder are made.

    Attributes:
        backgrounds: a pack of photos without faces that scenes are put on; without it all backgrounds are procedural.
        side_px: width and height of a scene, a multiple of 32.
        empty_share: share of the scenes without any piece, where a false find costs most.
        row_share, crowd_share: share of the scenes that show a group in rows, and a crowd; the rest shows a few faces
            anywhere.
        photo_share: share of the backgrounds that are parts of photos, where there are any; the rest is procedural.
        turned_share: share of the faces that are turned by any angle up to `roll_degrees`; the others hang a little.
        roll_degrees: largest roll of the faces that are to be found.
        damaged_share: share of the scenes that suffer what photos suffer.
        aged_share: share of the scenes that are scanned old prints instead; 0 makes no random draw for it.
        hand_share: share of the distractors that are hands; 0 makes no random draw for it.
    """

    backgrounds: str = ""
    side_px: int = 256
    empty_share: float = 0.15
    row_share: float = 0.25
    crowd_share: float = 0.15
    photo_share: float = 0.75
    turned_share: float = 0.25
    roll_degrees: float = 60.0
    damaged_share: float = 0.8
    aged_share: float = 0.0
    hand_share: float = 0.0

    def __post_init__(self) -> None:
        if self.side_px < MULTIPLE or self.side_px % MULTIPLE:
            raise ConfigError(f"expected scenes.side_px to be a multiple of {MULTIPLE}, got {self.side_px}")
        shares = (self.empty_share, self.row_share, self.crowd_share, self.photo_share, self.turned_share)
        others = (self.damaged_share, self.aged_share, self.hand_share)
        if not all(0 <= share <= 1 for share in (*shares, *others, sum(shares[:3]))):
            raise ConfigError(
                f"expected scenes.*_share from 0 to 1, those of empty, row and crowd together, too, got {self}"
            )
        if not 0 <= self.roll_degrees <= 90:
            raise ConfigError(f"expected scenes.roll_degrees from 0 to 90, got {self.roll_degrees}")


class SceneSampler:
    """Makes scenes. Each depends on its key and on the pack alone, so that a resumed run goes on with those it would
    have had, and several processes share the scenes that one would have had.

    Args:
        pack: the faces.
        backgrounds: (H, W, 3) uint8 RGB each, photos without faces, 64 px or more a side; may be empty.
        config: what scenes are like.
        seed: of all randomness.
        size: scenes in a batch, over all processes of the run together.
        share: the part of each batch that is wanted.
    """

    def __init__(
        self,
        pack: FacePack,
        backgrounds: Sequence[NDArray[np.uint8]],
        config: SceneConfig,
        seed: int,
        size: int,
        share: Share = WHOLE,
    ) -> None:
        if size % share.of:
            raise ConfigError(f"expected batch.size to be a multiple of the {share.of} processes, got {size}")
        self.pack = pack
        self.backgrounds = backgrounds
        self.config = config
        self.seed = seed
        self.numbers = range(share.rank, size, share.of)

    def batch(self, step: int) -> Scenes:
        """This process's share of batch number `step`."""
        return join_scenes([self._scene(self.seed, _SCENES, step, number) for number in self.numbers])

    def validation(self, batch: int) -> Scenes:
        """A batch to measure on, the same whatever the seed."""
        return join_scenes([self._scene(_VALIDATION, batch, number) for number in self.numbers])

    def _scene(self, *key: int) -> tuple[NDArray[np.uint8], Labels]:
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))
        canvas = Canvas(self._background(rng), self.backgrounds)
        for spot in self._layout(rng):
            self._add(rng, canvas, spot)
        if canvas.placed and rng.random() < _FOREGROUND_SHARE:
            canvas.add_foreground(rng)
        return self._photographed(rng, canvas.image), label_faces(canvas.placed, canvas.owners)

    def _photographed(self, rng: np.random.Generator, image: Image.Image) -> NDArray[np.uint8]:
        if self.config.aged_share and rng.random() < self.config.aged_share:
            return age(rng, image)
        return damage(rng, image) if rng.random() < self.config.damaged_share else np.asarray(image)

    def _source(self, rng: np.random.Generator) -> Source:
        face = int(rng.integers(len(self.pack)))
        return Source(self.pack.images[face], self.pack.landmarks[face])

    def _background(self, rng: np.random.Generator) -> Image.Image:
        side = self.config.side_px
        if rng.random() < _CLOSE_SHARE:
            return cut_background(rng, self._source(rng).image, side, closer=3.0)
        if self.backgrounds and rng.random() < self.config.photo_share:
            return cut_background(rng, self.backgrounds[int(rng.integers(len(self.backgrounds)))], side)
        return make_clutter(rng, side)

    def _layout(self, rng: np.random.Generator) -> list[Spot]:
        config, kind = self.config, rng.random()
        if (kind := kind - config.empty_share) < 0:
            return []
        if (kind := kind - config.row_share) < 0:
            return line_up(rng, config.side_px)
        return crowd(rng, config.side_px) if kind < config.crowd_share else scatter(rng, config.side_px)

    def _add(self, rng: np.random.Generator, canvas: Canvas, spot: Spot) -> None:
        if spot.has_body:
            canvas.add_body(rng, spot.x, spot.y, spot.side)
        source = self._source(rng)
        if not spot.is_face:
            canvas.add_piece(rng, cut_distractor(rng, source, spot.side, self.config.hand_share), spot.x, spot.y)
            return
        largest = self.config.roll_degrees
        roll = float(rng.normal(0, _USUAL_ROLL_DEGREES))
        if rng.random() < self.config.turned_share:
            roll = float(rng.uniform(-1, 1)) * (largest + _UNCLEAR_DEGREES / 2)
        piece = cut_piece(rng, source, spot.side, roll)
        canvas.add_piece(rng, piece, spot.x, spot.y, unclear=abs(roll) > largest)


def join_scenes(made: Sequence[tuple[NDArray[np.uint8], Labels]]) -> Scenes:
    """A batch of scenes.

    Args:
        made: (S, S, 3) uint8 RGB pixels and labels of each.
    """

    def rows(labels: Sequence[Sequence[Placed]]) -> Tensor:
        table = [(float(number), *face.row) for number, faces in enumerate(labels) for face in faces]
        return torch.tensor(table, dtype=torch.float32).reshape(-1, 5)

    wanted = [labels.wanted for _, labels in made]
    points = [face.points for faces in wanted for face in faces]
    return Scenes(
        torch.from_numpy(np.stack([pixels for pixels, _ in made])).permute(0, 3, 1, 2) / 255,
        rows(wanted),
        torch.from_numpy(np.stack(points)) if points else torch.empty(0, 5, 2),
        rows([labels.ignored for _, labels in made]),
    )
