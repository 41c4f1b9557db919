"""The task that trains DIC itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dicface.checkpoints.networks import save_network
from dicface.data.batches import FaceBatch, target_heatmaps
from dicface.data.degradation import reduce_faces
from dicface.evaluation.protocols import Y_CROP8
from dicface.networks.dic import DICNetwork
from dicface.networks.resize import resize_bicubic, to_pixels
from dicface.training.config import TrainConfig
from dicface.training.landmarks import landmark_error
from dicface.training.losses import dic_loss
from dicface.training.task import Column, Task, he_normal, zero_layer


def psnr_db(sr: Tensor, hr: Tensor) -> Tensor:
    """PSNR over a whole batch of unrounded images in [0, 1], for the progress bar."""
    return -10 * (sr.detach().float() - hr).square().mean().log10()


class DICTask(Task[DICNetwork]):
    """Trains the whole network by the loss over all steps.

    Source: the paper's objective for DIC.
    """

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.network = DICNetwork(config.network)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        elif config.network.recovery == "feedback":
            zero_layer(self.network.reconstruction.conv)
        if self.network.landmark is not None and config.run.frozen_landmark_steps >= config.run.steps:
            self.network.landmark.requires_grad_(False)

    @property
    def network_steps(self) -> int:
        """How many steps the network takes at this point of the run."""
        begun = sum(self.global_step >= at for at in self.config.run.steps_at)
        steps = self.config.network.steps
        return min(2**begun, steps) if self.config.run.steps_at else steps

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Let the later recovery block follow the first one until it has a part of its own.

        Copied at every step rather than once, so that the averages follow as well, and any checkpoint of a run can be
        measured, exported and resumed alike.
        """
        follows = self.network.recovery is not None and self.network_steps == 1
        super().optimizer_step(*args, **kwargs)
        if follows:
            self.network.begin_later_steps()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Hold the landmark branch still for the configured first steps, and the later block while it has no part.

        Gradients are dropped rather than switched off: which parameters take part may not change during a distributed
        run. One without a gradient is neither moved nor decayed.
        """
        still: list[nn.Module | None] = []
        if self.global_step < self.config.run.frozen_landmark_steps:
            still.append(self.network.landmark)
        if self.network_steps == 1:
            still.append(self.network.recovery)
        for parameter in (parameter for part in still if part is not None for parameter in part.parameters()):
            parameter.grad = None
        super().on_before_optimizer_step(optimizer)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch."""
        steps = self.network_steps
        output = self.network(batch.lr, steps)
        loss = dic_loss(output, batch.hr, target_heatmaps(batch.landmarks), self.config.loss)
        self.log_dict({"loss": loss.total, "image": loss.image, "heatmap": loss.heatmap})
        self.log("psnr", psnr_db(output.sr[:, -1], batch.hr), prog_bar=True)
        if steps == 1 and self.network.recovery is not None and self.trainer.world_size > 1:
            # Processes wait for each other's gradients of every parameter.
            return loss.total + 0 * sum(parameter.sum() for parameter in self.network.recovery.parameters())
        return loss.total

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Luma PSNR of the step that is the last for now (`y-crop8`) at 16 px and, for any-size networks, at 32 px."""
        scores: list[float] = []
        columns: list[Column] = []
        hr, targets = to_pixels(batch.hr), target_heatmaps(batch.landmarks)
        for size in (16, 32) if self.config.network.stem == "any-size" else (16,):
            lr = reduce_faces(batch.hr, size)
            output = self.network(lr, self.network_steps)
            steps_db = [float(Y_CROP8.psnr(to_pixels(sr), hr).mean()) for sr in output.sr.unbind(dim=1)]
            for step, value in enumerate(steps_db):
                self.log(f"val_psnr_{size}_step{step}", value)
            self.log(f"val_psnr_{size}", steps_db[-1], prog_bar=True)
            scores.append(steps_db[-1])
            columns.append(Column(resize_bicubic(lr, batch.hr.shape[-1])))
            if self.network.landmark is None:
                columns += map(Column, output.sr.unbind(dim=1))
            else:
                self.log(f"val_cells_{size}", landmark_error(output.heatmaps[:, -1], targets).mean())
                columns += map(Column, output.sr.unbind(dim=1), output.heatmaps.unbind(dim=1))
        self.log("val_score", sum(scores) / len(scores))
        return {"columns": [*columns, Column(batch.hr, targets)]}

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights with the network's configuration."""
        save_network(self.network, path, notes)
