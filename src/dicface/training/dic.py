"""The task `dic`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dicface.checkpoints.networks import load_strictly, save_network
from dicface.data.batches import FaceBatch, target_heatmaps
from dicface.data.degradation import DegradationConfig, reduce_faces
from dicface.evaluation.protocols import Y_CROP8
from dicface.images.pixels import FACE_PX, LARGE_FACE_PX
from dicface.networks.dic import DICNetwork, DICOutput
from dicface.networks.resize import resize_bicubic, to_pixels
from dicface.networks.u import grown_state
from dicface.training.config import DICGANRun, DICRun
from dicface.training.landmarks import landmark_error
from dicface.training.losses import DICLoss, dic_loss
from dicface.training.task import Column, Task, he_normal, zero_layer
from dicface.training.weights import part_of, read_weights


def psnr_db(sr: Tensor, hr: Tensor) -> Tensor:
    """PSNR over a whole batch without rounding, for the progress bar.

    Args:
        sr, hr: (N, 3, R, R) float RGB in [0, 1].

    Returns:
        Scalar in dB.
    """
    return -10 * (sr.detach().float() - hr).square().mean().log10()


def compile_blocks(network: DICNetwork) -> None:
    """Compile the blocks that every step of a network repeats, with `torch.compile`.

    The whole network would be compiled once for each number of steps.
    """
    for block in (network.first_recovery, network.recovery, network.reconstruction, network.landmark):
        if block is not None:
            block.compile(dynamic=False)


class DICTask(Task[DICNetwork, DICRun | DICGANRun]):
    """Trains DIC on the images and heatmaps of all steps.

    Source: the paper's objective for DIC.
    """

    config_type = DICRun

    def __init__(self, config: DICRun | DICGANRun) -> None:
        super().__init__(config)
        self.steps_at = config.run.steps_at if isinstance(config, DICRun) else ()
        self.network = DICNetwork(config.network)
        if config.run.initial_weights == "he-normal":
            he_normal(self.network)
        elif config.network.recovery == "feedback":
            zero_layer(self.network.reconstruction.conv)
        if self.network.landmark is not None and config.run.frozen_landmark_steps >= config.run.steps:
            self.network.landmark.requires_grad_(requires_grad=False)

    def start_state(self, name: str) -> dict[str, Tensor]:
        """Weights of that name; for a network of 256 px also those of one of 128 px, which are grown (ADR 43)."""
        state = super().start_state(name)
        stem = state.get("stem.conv.0.weight")
        grows = self.config.network.output_px == LARGE_FACE_PX and stem is not None and stem.shape[1] == 4
        return grown_state(state) if grows else state

    def start(self) -> None:
        """Load the weights of the landmark branch, too."""
        super().start()
        name = self.config.run.landmark_weights if isinstance(self.config, DICRun) else ""
        if name and self.network.landmark is not None:
            load_strictly(self.network.landmark, part_of(read_weights(name), "landmark"))

    def compile_network(self) -> None:
        """Compile the network's blocks."""
        compile_blocks(self.network)

    @property
    def degradation(self) -> DegradationConfig:
        """The config's degradation."""
        return self.config.degradation

    @property
    def network_steps(self) -> int:
        """Number of the network's steps at the current optimiser step; see `DICRunConfig.steps_at`."""
        doublings = sum(self.global_step >= at for at in self.steps_at)
        steps = self.config.network.steps
        return min(2**doublings, steps) if self.steps_at else steps

    def rate(self, step: int) -> float:
        """The schedule's rate, which rises again where the number of the network's steps has doubled."""
        warmup = self.config.optimiser.warmup_steps
        since = min((step - at for at in self.steps_at if at <= step), default=warmup)
        return super().rate(step) * (min(1.0, (since + 1) / warmup) if warmup else 1.0)

    def on_train_batch_start(self, batch: FaceBatch, batch_idx: int) -> None:
        """Forget the moments where the number of steps doubles.

        Weights that only later steps use had no gradient until then. With second moments near zero, their first updates
        would be several times too large; in a run without this and without the new warm-up, the landmark branch died.
        """
        if self.global_step in self.steps_at:
            for optimiser in self.trainer.optimizers:
                optimiser.state.clear()

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take an optimiser step; while the network has one step, copy the first recovery block to the later one.

        The copy is made at every step, so that the averaged weights follow, and every checkpoint of the run can be
        evaluated, exported and resumed.
        """
        follows = self.network.recovery is not None and self.network_steps == 1
        super().optimizer_step(*args, **kwargs)
        if follows:
            self.network.begin_later_steps()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Drop the gradients of frozen parts, and clip the others.

        Frozen are the landmark branch for the configured first steps, and the later recovery block while the network
        has one step. A parameter without a gradient is neither updated nor decayed. `requires_grad` stays on, since the
        parameters that take part must not change during a distributed run.
        """
        frozen: list[nn.Module | None] = []
        if self.global_step < self.config.run.frozen_landmark_steps:
            frozen.append(self.network.landmark)
        if self.network_steps == 1:
            frozen.append(self.network.recovery)
        for parameter in (parameter for part in frozen if part is not None for parameter in part.parameters()):
            parameter.grad = None
        super().on_before_optimizer_step(optimizer)

    @property
    def face_px(self) -> int:
        """Side of the network's results in pixels."""
        return self.config.network.output_px

    def _targets(self, batch: FaceBatch) -> Tensor:
        return target_heatmaps(batch.landmarks, face_px=batch.hr.shape[-1])

    def loss(self, output: DICOutput, batch: FaceBatch) -> DICLoss:
        """The loss that is minimised; a subclass may override it.

        Args:
            output: output of the network.
            batch: the faces.
        """
        return dic_loss(output, batch.hr, self._targets(batch), self.config.loss)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch, a scalar."""
        steps = self.network_steps
        output = self.network(batch.lr, steps)
        loss = self.loss(output, batch)
        self.log_dict({"loss": loss.total, "image": loss.image, "heatmap": loss.heatmap})
        self.log("psnr", psnr_db(output.sr[:, -1], batch.hr), prog_bar=True)
        if steps == 1 and self.network.recovery is not None and self.trainer.world_size > 1:
            # Processes wait for each other's gradients of every parameter.
            return loss.total + 0 * sum(parameter.sum() for parameter in self.network.recovery.parameters())
        return loss.total

    def _validation_sizes(self) -> tuple[int, ...]:
        network = self.config.network
        if network.stem == "paper":
            return (16,)
        return (16, 32) if network.output_px == FACE_PX else (64, 128)

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Log `val_score`, the luma PSNR (`y-crop8`) of the last step in dB, averaged over one or two input sizes."""
        scores: list[float] = []
        columns: list[Column] = []
        hr, targets = to_pixels(batch.hr), self._targets(batch)
        for size in self._validation_sizes():
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
