"""The task that learns to find small faces."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dicface.checkpoints.networks import save_network
from dicface.data.batches import FaceBatch, seeded
from dicface.data.scenes import Scenes, make_scenes
from dicface.evaluation.detection import Found, match_faces
from dicface.evaluation.metrics import average_precision
from dicface.networks.face_finder import STRIDE, USUAL_FACE_PX, Finder, FinderOutput, probable
from dicface.training.config import FinderRun
from dicface.training.task import Column, Task, he_normal

_SCENES, _VALIDATION = 2, 3
_SPREAD = 0.12
"""Standard deviation of a face's peak, in sides of the face."""
_RARE = -4.0
"""Logit of a face before anything is learnt: they are rare."""
_SIZE_WEIGHT = 0.5


def finder_loss(found: FinderOutput, scenes: Scenes) -> Tensor:
    """Focal loss of the centres, and the size's distance near them; both over the number of faces.

    Source: Zhou et al., "Objects as Points", 2019; the size here is a logarithm.
    """
    logits = found.logits.float()
    height, width = logits.shape[1:]
    centres_y, centres_x = ((torch.arange(cells, device=logits.device) + 0.5) * STRIDE for cells in (height, width))
    peaks = torch.zeros_like(logits)
    near_any, sizes, counted = torch.zeros_like(logits), torch.zeros_like(logits), torch.ones_like(logits)
    for number, x, y, side in scenes.doubtful.tolist():
        inside = ((centres_y - y).abs() < side / 2)[:, None] & ((centres_x - x).abs() < side / 2)
        counted[int(number)][inside] = 0
    for number, x, y, side in scenes.faces.tolist():
        at = int(number)
        squares = (centres_y[:, None] - y) ** 2 + (centres_x - x) ** 2
        peak = torch.exp(-squares / (2 * (_SPREAD * side) ** 2))
        peak = torch.where(squares == squares.min(), 1.0, peak)
        peaks[at] = torch.maximum(peaks[at], peak)
        near = peak > 0.3
        near_any[at][near], sizes[at][near], counted[at][near] = 1, torch.log2(torch.tensor(side / USUAL_FACE_PX)), 1
    chances = logits.sigmoid()
    is_centre = (peaks == 1).float()
    hits = (1 - chances) ** 2 * nn.functional.logsigmoid(logits) * is_centre
    misses = (1 - peaks) ** 4 * chances**2 * nn.functional.logsigmoid(-logits) * (1 - is_centre) * counted
    faces = is_centre.sum().clamp(min=1)
    off = ((found.sizes.float() - sizes).abs() * near_any).sum() / near_any.sum().clamp(min=1)
    return -(hits + misses).sum() / faces + _SIZE_WEIGHT * off


class FinderTask(Task[Finder, FinderRun]):
    """Trains the face finder on scenes put together from a batch's faces."""

    config_type = FinderRun

    def __init__(self, config: FinderRun) -> None:
        super().__init__(config)
        self.network = Finder(config.finder)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        last = self.network.head[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.zeros_(last.weight)
        last.bias.data = torch.tensor([_RARE, 0.0])
        self._found: list[Found] = []

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of the scenes of one batch."""
        key = (self.config.run.seed, _SCENES, self.global_step, self.trainer.global_rank)
        scenes = make_scenes(batch, seeded(*key))
        loss = finder_loss(self.network(scenes.images), scenes)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Find the faces of scenes that are the same every time."""
        scenes = make_scenes(batch, seeded(_VALIDATION, index))
        self._found.append(match_faces(*probable(self.network(scenes.images)), scenes))
        return {"columns": []}

    def on_validation_epoch_end(self) -> None:
        """Average precision over all scenes."""
        found = Found.joined(self._found)
        self._found.clear()
        self.log("val_score", average_precision(*found), prog_bar=True)

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights with the network's configuration."""
        save_network(self.network, path, notes)
