"""The tasks `landmark` and `hr-landmark`."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from dicface.checkpoints.networks import save_network
from dicface.data.batches import FaceBatch, target_heatmaps
from dicface.data.degradation import DegradationConfig
from dicface.evaluation.metrics import nrmse
from dicface.landmarks import decode_heatmaps
from dicface.networks.blocks import channel_means
from dicface.networks.landmark_branch import LandmarkBranch
from dicface.networks.resize import resize_bicubic
from dicface.networks.stacked_hourglass import StackedHourglass
from dicface.training.config import HRLandmarkRun, LandmarkRun
from dicface.training.losses import heatmap_loss
from dicface.training.task import Column, Task, he_normal, zero_layer


def landmark_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Distance between two sets of heatmaps' peaks, in cells, each at its highest cell.

    Args:
        found, wanted: (N, K, H, W) float.

    Returns:
        (N,) float, mean over the landmarks.
    """
    width = found.shape[-1]

    def peaks(maps: Tensor) -> Tensor:
        cell = maps.flatten(2).argmax(dim=2)
        return torch.stack([cell % width, cell // width], dim=-1).float()

    return (peaks(found) - peaks(wanted)).norm(dim=-1).mean(dim=1)


class LandmarkTask(Task[LandmarkBranch, LandmarkRun]):
    """Pretrains the landmark branch; half of the faces are high-resolution, half enlarged from low resolution.

    Source: the paper's training details; mix of sharp and blurred faces: ADR 4.
    """

    config_type = LandmarkRun
    means: Tensor

    def __init__(self, config: LandmarkRun) -> None:
        super().__init__(config)
        self.network = LandmarkBranch(config.network.hourglass_width, config.network.keypoints)
        self.register_buffer("means", channel_means(), persistent=False)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        else:
            zero_layer(self.network.head[-1])

    @property
    def degradation(self) -> DegradationConfig:
        """The config's degradation."""
        return self.config.degradation

    @property
    def face_px(self) -> int:
        """Side of the results of the whole network in pixels."""
        return self.config.network.output_px

    def _heatmaps(self, images: Tensor) -> Tensor:
        hidden, maps = None, []
        for _ in range(2):
            found = self.network(images - self.means, hidden)
            hidden = found.hidden
            maps.append(found.heatmaps)
        return torch.stack(maps, dim=1)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch, a scalar: the first half high-resolution, the second enlarged from low resolution."""
        # This process has every world_size-th face of the batch.
        number = torch.arange(len(batch.hr), device=self.device) * self.trainer.world_size + self.trainer.global_rank
        sharp = number < self.config.batch.size / 2
        blurred = resize_bicubic(batch.lr, batch.hr.shape[-1])
        heatmaps = self._heatmaps(torch.where(sharp[:, None, None, None], batch.hr, blurred))
        loss = heatmap_loss(heatmaps, target_heatmaps(batch.landmarks))
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Log landmark errors in cells, and `val_score`, the negative loss on faces enlarged from low resolution."""
        targets = target_heatmaps(batch.landmarks)
        columns: list[Column] = []
        for name, images in (("hr", batch.hr), ("lr", resize_bicubic(batch.lr, batch.hr.shape[-1]))):
            heatmaps = self._heatmaps(images)
            self.log(f"val_cells_{name}", landmark_error(heatmaps[:, -1], targets).mean(), prog_bar=True)
            columns += [Column(images, maps) for maps in heatmaps.unbind(dim=1)]
        self.log("val_score", -heatmap_loss(heatmaps, targets))
        return {"columns": [*columns, Column(batch.hr, targets)]}


class HRLandmarkTask(Task[StackedHourglass, HRLandmarkRun]):
    """Trains the stacked hourglass on high-resolution faces, every stack on the same target heatmaps.

    Source: Newell et al., 2016; the paper evaluates with such a network.
    """

    config_type = HRLandmarkRun
    means: Tensor

    def __init__(self, config: HRLandmarkRun) -> None:
        super().__init__(config)
        self.network = StackedHourglass(config.hourglass)
        self.register_buffer("means", channel_means(), persistent=False)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)

    def _heatmaps(self, images: Tensor) -> Tensor:
        return torch.stack(self.network(images - self.means), dim=1)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch, a scalar."""
        loss = heatmap_loss(self._heatmaps(batch.hr), target_heatmaps(batch.landmarks))
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Log the NRMSE of the last stack by inter-ocular distance in percent; `val_score` is its negative fraction."""
        heatmaps = self._heatmaps(batch.hr)
        found = decode_heatmaps(heatmaps[:, -1].float().cpu().numpy())
        error = float(nrmse(found, batch.landmarks.cpu().numpy(), "inter_ocular").mean())
        self.log("val_nrmse_percent", 100 * error, prog_bar=True)
        self.log("val_score", -error)
        columns = [Column(batch.hr, maps) for maps in heatmaps.unbind(dim=1)]
        return {"columns": [*columns, Column(batch.hr, target_heatmaps(batch.landmarks))]}

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights with the network's configuration."""
        save_network(self.network, path, notes)
