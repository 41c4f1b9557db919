"""What happens beside the training steps."""

from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from numpy.typing import NDArray
from torch import Tensor

from dicface.draw import draw_landmarks, side_by_side
from dicface.errors import TrainingError
from dicface.images import FACE_PX, resize, to_uint8
from dicface.landmarks import decode_heatmaps
from dicface.training.task import Column

PICTURED_FACES = 6
STEPS_BETWEEN_LOOKS = 20


class AveragedWeights(WeightAveraging):
    """Exponential moving average of the weights, which is what gets measured and shipped.

    The decay rises with the number of steps, (1 + n) / (10 + n) up to its final value, or the random start would
    weigh on the average for the first thousands of steps.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        super().__init__(avg_fn=self.average)

    def average(self, averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        """A new average from the old one, the current value, and the number of values so far."""
        if not averaged.is_floating_point():
            return current
        steps = float(count)
        return averaged.lerp(current, 1 - min(self.decay, (1 + steps) / (10 + steps)))

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """After every step."""
        return step_idx is not None


class StopOnNaN(Callback):
    """Stop a run whose loss is no longer a number, before a checkpoint is written over a good one.

    The loss is looked at now and then and before every checkpoint, since looking makes an accelerator wait; the first
    bad step is remembered where the loss is.
    """

    def __init__(self) -> None:
        self._first_bad: Tensor | None = None

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Remember the first step with a loss that is not finite."""
        loss: Tensor = outputs["loss"].detach()
        step = torch.full_like(loss, trainer.global_step, dtype=torch.int64)
        none = torch.zeros_like(step)
        bad = torch.where(loss.isfinite(), none, step)
        self._first_bad = bad if self._first_bad is None else torch.where(self._first_bad > 0, self._first_bad, bad)
        if trainer.global_step % STEPS_BETWEEN_LOOKS == 0:
            self._look()

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Look before anything is written."""
        self._look()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Look before the result is written."""
        self._look()

    def _look(self) -> None:
        if self._first_bad is not None and int(self._first_bad):
            raise TrainingError(
                f"expected a finite loss, got none at step {int(self._first_bad)}; the checkpoints are of before; "
                "try a lower optimiser.learning_rate, a longer warm-up or optimiser.gradient_norm = 1"
            )


class SaveWhenTold(Callback):
    """On SIGTERM, write `last.ckpt` after the step at hand; Lightning then ends the run.

    During a measurement nothing needs to be written: the checkpoint of that step is there already.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write if told to leave."""
        if trainer.received_sigterm:
            trainer.save_checkpoint(self.checkpoint)


class PictureGrid(Callback):
    """Log the first validation faces: what went in, every step with its landmarks, the truth."""

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the grid of the first batch."""
        if batch_idx == 0 and outputs["columns"] and isinstance(trainer.logger, TensorBoardLogger):
            grid = picture_grid(outputs["columns"])
            trainer.logger.experiment.add_image("faces", grid, trainer.global_step, dataformats="HWC")


def picture_grid(columns: list[Column]) -> NDArray[np.uint8]:
    """Faces as rows of one picture, with landmarks drawn in.

    Args:
        columns: of at least one face; the first `PICTURED_FACES` are drawn.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    drawn: list[NDArray[np.uint8]] = []
    for column in columns:
        pixels = to_uint8(column.images[:PICTURED_FACES].float().permute(0, 2, 3, 1).cpu().numpy())
        faces = [resize(face, (FACE_PX, FACE_PX)) for face in pixels]
        if column.heatmaps is not None:
            points = decode_heatmaps(column.heatmaps[:PICTURED_FACES].float().cpu().numpy())
            faces = [draw_landmarks(*pair) for pair in zip(faces, points, strict=True)]
        drawn.append(np.concatenate(faces))
    return side_by_side(drawn)
