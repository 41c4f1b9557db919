"""The training tasks, one Lightning module each."""

import math
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dicface.config import OptimiserConfig, TrainConfig
from dicface.data.batches import FaceBatch, reduce_faces, target_heatmaps
from dicface.evaluation.protocols import Y_CROP8
from dicface.images import to_uint8
from dicface.losses import dic_loss, heatmap_loss
from dicface.networks.dic import DICNetwork
from dicface.networks.landmark import LandmarkBranch
from dicface.networks.resize import resize_bicubic


def rate_factor(step: int, config: OptimiserConfig, steps: int) -> float:
    """Learning rate at a step, relative to the highest."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    if config.halve_at:
        return 0.5 ** sum(step >= at for at in config.halve_at)
    done = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class _Task(lightning.LightningModule):
    """What the tasks share: optimiser and schedule."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config

    def configure_optimizers(self) -> Any:
        config = self.config.optimiser
        optimiser = torch.optim.AdamW(
            self.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: rate_factor(step, config, self.config.run.steps)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten long gradients. Lightning's own clipping refuses fused optimisers, for float16's sake."""
        if self.config.optimiser.gradient_norm:
            nn.utils.clip_grad_norm_(self.parameters(), self.config.optimiser.gradient_norm)


def _zero(layer: nn.Module) -> None:
    """Zero a last layer, so that training starts from the plain answer (no residual, empty heatmaps)."""
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


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


def _pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) float in [0, 1] -> (N, H, W, 3) uint8."""
    return to_uint8(images.float().permute(0, 2, 3, 1).cpu().numpy())


class LandmarkTask(_Task):
    """Pretrains the landmark branch on faces half of which are as blurred as DIC's first step would leave them.

    Source: the paper's training details; mix of sharp and blurred faces: ADR 0004.
    """

    means: Tensor

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        whole = DICNetwork(config.network)
        self.branch: LandmarkBranch = whole.landmark
        self.register_buffer("means", whole.means, persistent=False)
        _zero(self.branch.head[-1])

    def _heatmaps(self, images: Tensor) -> Tensor:
        hidden, maps = None, []
        for _ in range(2):
            found = self.branch(images - self.means, hidden)
            hidden = found.hidden
            maps.append(found.heatmaps)
        return torch.stack(maps, dim=1)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch: the first half sharp, the second enlarged from its low-resolution version."""
        half = len(batch.hr) // 2
        blurred = resize_bicubic(batch.lr[half:], batch.hr.shape[-1])
        heatmaps = self._heatmaps(torch.cat([batch.hr[:half], blurred]))
        loss = heatmap_loss(heatmaps, target_heatmaps(batch.landmarks))
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> None:
        """Landmark error in cells on blurred faces, and the loss."""
        targets = target_heatmaps(batch.landmarks)
        for name, images in (("hr", batch.hr), ("lr", resize_bicubic(batch.lr, batch.hr.shape[-1]))):
            heatmaps = self._heatmaps(images)
            self.log(f"val_cells_{name}", landmark_error(heatmaps[:, -1], targets).mean(), prog_bar=True)
        self.log("val_score", -heatmap_loss(heatmaps, targets))


class DICTask(_Task):
    """Trains the whole network by the loss over all steps.

    Source: the paper's objective for DIC.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.network = DICNetwork(config.network)
        _zero(self.network.reconstruction.conv)

    def on_train_batch_start(self, batch: FaceBatch, batch_idx: int) -> None:
        """Hold the landmark branch still for the configured first steps."""
        frozen = self.global_step < self.config.run.frozen_landmark_steps
        self.network.landmark.requires_grad_(not frozen)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch."""
        output = self.network(batch.lr)
        loss = dic_loss(output, batch.hr, target_heatmaps(batch.landmarks), self.config.loss)
        self.log_dict({"loss": loss.total, "image": loss.image, "heatmap": loss.heatmap}, prog_bar=True)
        return loss.total

    def validation_step(self, batch: FaceBatch, index: int) -> None:
        """Luma PSNR of the last step (`y-crop8`) at 16 px and, for any-size networks, at 32 px."""
        scores: list[float] = []
        hr = _pixels(batch.hr)
        for size in (16, 32) if self.config.network.stem == "any-size" else (16,):
            output = self.network(reduce_faces(batch.hr, size))
            psnr_db = [float(Y_CROP8.psnr(_pixels(sr), hr).mean()) for sr in output.sr.unbind(dim=1)]
            for step, value in enumerate(psnr_db):
                self.log(f"val_psnr_{size}_step{step}", value, prog_bar=step == len(psnr_db) - 1)
            scores.append(psnr_db[-1])
            error = landmark_error(output.heatmaps[:, -1], target_heatmaps(batch.landmarks)).mean()
            self.log(f"val_cells_{size}", error)
        self.log("val_score", sum(scores) / len(scores))
