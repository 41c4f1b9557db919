"""The task that learns to find faces."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import lightning
import torch
from torch import Tensor, nn

from dicface.checkpoints.networks import save_network
from dicface.data.batches import Degrade
from dicface.data.packs import FacePack
from dicface.data.scenes.labels import Scenes
from dicface.errors import ConfigError
from dicface.evaluation.detection import Found, match_faces
from dicface.evaluation.metrics import average_precision
from dicface.networks.face_finder import STRIDE, USUAL_FACE_PX, Finder, FinderOutput, cell_centres, decode_peaks
from dicface.training.config import FinderRun
from dicface.training.scenes import SceneBatches
from dicface.training.task import Column, Task, he_normal

_SPREAD = 0.13
"""Standard deviation of a face's peak, in sides of the face."""
_NEAR = 0.3
"""Height of its peak down to which a cell learns box and landmarks of the face."""
_RARE = -4.6
"""Initial bias of the centre logits: faces are rare."""
_BOX_WEIGHT, _POINT_WEIGHT = 0.5, 1.0


class Targets(NamedTuple):
    """Targets of the finder for N scenes.

    Attributes:
        peaks: (N, H/4, W/4) float in [0, 1], 1 in the cell nearest to the centre of a face.
        counted: (N, H/4, W/4) bool, False where a peak is neither right nor wrong.
        cells: (P, 3) int64: scene, row and column of the cells that learn a box.
        weights: (P,) float.
        boxes: (P, 4) float, as in `FinderOutput`.
        points: (P, 10) float, as in `FinderOutput`.
    """

    peaks: Tensor
    counted: Tensor
    cells: Tensor
    weights: Tensor
    boxes: Tensor
    points: Tensor


def make_targets(scenes: Scenes, logits: Tensor) -> Targets:
    """Targets in the cells of an output.

    Args:
        scenes: with faces.
        logits: (N, H/4, W/4) float, whose shape, type and device the targets get.
    """
    x_of, y_of = cell_centres(logits.shape[2], logits), cell_centres(logits.shape[1], logits)
    counted = torch.ones_like(logits, dtype=torch.bool)
    for number, x, y, width, height in scenes.ignored.tolist():
        rows, columns = (y_of - y).abs() < height / 2, (x_of - x).abs() < width / 2
        counted[int(number)] &= ~(rows[:, None] & columns)
    scene, x, y, width, height = scenes.faces.T
    off_x, off_y = (x_of - x[:, None])[:, None, :], (y_of - y[:, None])[:, :, None]
    distances = off_x**2 + off_y**2
    own = torch.exp(-distances / (2 * (_SPREAD * torch.maximum(width, height)[:, None, None]) ** 2))
    own = torch.where(distances == distances.amin(dim=(1, 2), keepdim=True), 1.0, own)
    peaks = torch.zeros_like(logits).scatter_reduce_(0, scene.long()[:, None, None].expand_as(own), own, "amax")
    # Where faces overlap, a cell learns the one whose peak is higher there.
    face, row, column = torch.nonzero((own > _NEAR) & (own == peaks[scene.long()]), as_tuple=True)
    cells = torch.stack([scene.long()[face], row, column], dim=1)
    counted[tuple(cells.T)] = True
    sides = torch.stack([width, height], dim=1)[face]
    centres = -torch.stack([off_x[face, 0, column], off_y[face, row, 0]], dim=1) / STRIDE
    boxes = torch.cat([centres, torch.log2(sides / USUAL_FACE_PX)], dim=1)
    points = (scenes.points[face] - torch.stack([x, y], dim=1)[face][:, None]) / sides[:, None]
    return Targets(peaks, counted, cells, own[face, row, column], boxes, points.flatten(1))


def finder_loss(output: FinderOutput, scenes: Scenes) -> Tensor:
    """Focal loss of the centres over the number of faces, and the distance of boxes and landmarks near them.

    Source: Zhou et al., "Objects as Points", 2019; the sizes here are logarithms.
    """
    logits = output.logits.float()
    targets = make_targets(scenes, logits)
    scores, is_centre = logits.sigmoid(), targets.peaks == 1
    hits = (1 - scores) ** 2 * nn.functional.logsigmoid(logits) * is_centre
    misses = (1 - targets.peaks) ** 4 * scores**2 * nn.functional.logsigmoid(-logits) * (~is_centre & targets.counted)
    centres = -(hits + misses).sum() / is_centre.sum().clamp(min=1)
    scene, row, column = targets.cells.T
    weights = targets.weights[:, None] / targets.weights.sum().clamp(min=1)
    boxes = (output.boxes.float()[scene, :, row, column] - targets.boxes).abs() * weights
    points = (output.points.float()[scene, :, row, column] - targets.points).abs() * weights
    return centres + _BOX_WEIGHT * boxes.sum() + _POINT_WEIGHT * points.sum()


class FinderTask(Task[Finder, FinderRun]):
    """Trains the face finder on scenes."""

    config_type = FinderRun

    def __init__(self, config: FinderRun) -> None:
        super().__init__(config)
        self.network = Finder(config.finder)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        nn.init.normal_(self.network.head.weight, std=0.01)
        assert self.network.head.bias is not None
        nn.init.zeros_(self.network.head.bias)
        nn.init.constant_(self.network.head.bias[:1], _RARE)
        self._found: list[Found] = []

    def batches(
        self, train: FacePack, validation: FacePack | None, degrade: Degrade | None
    ) -> lightning.LightningDataModule:
        """Scenes put together from the faces.

        Raises:
            ConfigError: a degradation of the caller's own, for which scenes have no place.
        """
        if degrade is not None:
            raise ConfigError(
                "expected no degradation of the caller's own for run.task 'finder', whose scenes are damaged as a whole"
            )
        return SceneBatches(train, validation, self.config)

    def training_step(self, batch: Scenes, index: int) -> Tensor:
        """Loss of the scenes of one batch."""
        loss = finder_loss(self.network(batch.images.contiguous(memory_format=torch.channels_last)), batch)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Scenes, index: int) -> dict[str, list[Column]]:
        """Find the faces of scenes that are the same every time."""
        self._found.append(match_faces(decode_peaks(self.network(batch.images)), batch))
        return {"columns": []}

    def on_validation_epoch_end(self) -> None:
        """Average precision over all scenes."""
        found = Found.joined(self._found)
        self._found.clear()
        self.log("val_score", average_precision(found.scores, found.hits, found.faces), prog_bar=True)

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights with the network's configuration."""
        save_network(self.network, path, notes)
