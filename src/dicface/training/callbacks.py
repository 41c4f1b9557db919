"""Callbacks of a training run: averaged weights, checkpoints, checks for NaN, pictures for the log."""

from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from numpy.typing import NDArray
from torch import Tensor

from dicface.errors import TrainingError
from dicface.files import written_whole
from dicface.images.draw import draw_landmarks, side_by_side
from dicface.images.pixels import FACE_PX, resize
from dicface.landmarks import HEATMAP_SIZE, decode_heatmaps
from dicface.networks.resize import to_pixels
from dicface.training.task import Column

PICTURED_FACES = 6
STEPS_BETWEEN_LOOKS = 20


class AveragedWeights(WeightAveraging):
    """Exponential moving average of the weights, which is validated and, at the end, written.

    After n steps the decay is (1 + n) / (10 + n), at most its final value. A constant decay would keep the random
    initial weights in the average for thousands of steps.

    Args:
        decay: final decay per step, from 0 up to but not including 1.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        # Beside the weights: by default it would lie on the CPU and be copied there and back at every step.
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        super().__init__(device=device, multi_avg_fn=self.average)

    def average(self, averages: Any, current: Any, count: Tensor) -> None:
        """Update the averages in place.

        Args:
            averages, current: lists of tensors of one dtype, with equal shapes.
            count: scalar, number of updates so far.
        """
        if not averages[0].is_floating_point():
            for old, new in zip(averages, current, strict=True):
                old.copy_(new)
            return
        share = 1 - torch.clamp((1 + count) / (10 + count), max=self.decay)
        for old, new in zip(averages, current, strict=True):
            old.lerp_(new, share.to(old.dtype))


class StopOnNaN(Callback):
    """Stop a run whose loss or weights are not finite, before a checkpoint replaces a good one.

    Both are checked every `STEPS_BETWEEN_LOOKS` steps and before every checkpoint, since reading a value makes an
    accelerator wait. The first step with a bad loss is recorded on the device of the loss.

    Raises:
        TrainingError: a loss or a weight is NaN or infinite.
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
        """Record the first step whose loss is not finite."""
        loss: Tensor = outputs["loss"].detach()
        step = torch.full_like(loss, trainer.global_step, dtype=torch.int64)
        none = torch.zeros_like(step)
        bad = torch.where(loss.isfinite(), none, step)
        self._first_bad = bad if self._first_bad is None else torch.where(self._first_bad > 0, self._first_bad, bad)
        if trainer.global_step % STEPS_BETWEEN_LOOKS == 0:
            self._look(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Check before a checkpoint is written."""
        self._look(trainer, pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Check before the weights are written."""
        self._look(trainer, pl_module)

    def _look(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        advice = (
            "the checkpoints are from earlier steps; try a lower optimiser.learning_rate, a longer warm-up or "
            "optimiser.max_grad_norm = 1"
        )
        if self._first_bad is not None and int(self._first_bad):
            raise TrainingError(f"expected a finite loss, got NaN or infinity at step {int(self._first_bad)}; {advice}")
        numbers = [*pl_module.parameters(), *pl_module.buffers()]
        if not bool(torch.stack([tensor.isfinite().all() for tensor in numbers]).all()):
            raise TrainingError(f"expected finite weights, got NaN or infinity by step {trainer.global_step}; {advice}")


class SaveWhenTold(Callback):
    """On SIGTERM, write `last.ckpt` after the current step; Lightning then ends the run.

    During validation nothing is written, since the checkpoint of that step exists already.

    Args:
        checkpoint: path of `last.ckpt`.
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
        """Write if any process has received SIGTERM; all processes take part in writing."""
        if trainer.strategy.reduce_boolean_decision(trainer.received_sigterm, all=False):
            trainer.save_checkpoint(self.checkpoint, weights_only=False)


class KeepCheckpoints(Callback):
    """Write a checkpoint in regular intervals and keep it: `step-00020000.ckpt`.

    Args:
        folder: folder of the run.
        every: number of steps between checkpoints; 0 writes none.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write after every step whose number is a multiple of `every`."""
        if self.every and trainer.global_step % self.every == 0:
            trainer.save_checkpoint(self.folder / f"step-{trainer.global_step:08d}.ckpt", weights_only=False)


class SaveAtTheEnd(Callback):
    """Write `last.ckpt` after the last step, whatever `validate_every` is, so that a run can be prolonged.

    Args:
        checkpoint: path of `last.ckpt`.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the checkpoint. Listed before `AveragedWeights`, which then replaces the weights by their averages."""
        trainer.save_checkpoint(self.checkpoint, weights_only=False)


class LastScore(Callback):
    """Record the last validation score, in checkpoints as well, for the notes in the weights file.

    Attributes:
        note: `val_score` and `val_score_step` as text; empty before the first validation.
    """

    def __init__(self) -> None:
        self.note: dict[str, str] = {}

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the score and its step."""
        score = trainer.callback_metrics.get("val_score")
        if score is not None:
            self.note = {"val_score": f"{float(score):.6g}", "val_score_step": str(trainer.global_step)}

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return dict(self.note)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.note = dict(state_dict)


class WholeFiles(TorchCheckpointIO):
    """Writer of checkpoints: a file appears under its name complete or not at all, on any file system."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write under a temporary name beside the checkpoint, then rename."""
        with written_whole(Path(path)) as part, part.open("wb") as file:
            torch.save(checkpoint, file)


class Checkpoint(ModelCheckpoint):
    """Checkpoints in the folder of a run. The best score stays valid when the folder is moved.

    Args:
        folder: folder of the run.
        name: name of the file without `.ckpt`.
        when: further arguments of `ModelCheckpoint`.
    """

    def __init__(self, folder: Path, name: str, **when: Any) -> None:
        super().__init__(folder, filename=name, enable_version_counter=False, **when)

    @property
    def state_key(self) -> str:
        """Key of the state in a checkpoint: that of Lightning's own class, as in checkpoints of older versions."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a checkpoint, with its paths moved to the folder of the run.

        If the folder lacks the file of the best score, as in a run that starts from another run's checkpoint, the score
        is discarded.
        """

        def moved(path: str) -> str:
            return str(Path(self.dirpath or "", Path(path).name)) if path else path

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        if state_dict["best_model_path"] and not Path(moved(state_dict["best_model_path"])).exists():
            return
        here = {key: moved(state_dict[key]) for key in paths}
        scores = {moved(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **here, "best_k_models": scores, "dirpath": self.dirpath})


class PictureGrid(Callback):
    """Log a picture of the first validation faces: input, every step with its landmarks, reference."""

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Log the grid of the first batch."""
        if batch_idx == 0 and outputs["columns"] and isinstance(trainer.logger, TensorBoardLogger):
            grid = picture_grid(outputs["columns"])
            trainer.logger.experiment.add_image("faces", grid, trainer.global_step, dataformats="HWC")


def picture_grid(columns: list[Column]) -> NDArray[np.uint8]:
    """Draw faces as rows of one picture, with their landmarks.

    Args:
        columns: columns of the picture, for the same faces, at least one; the first `PICTURED_FACES` are drawn.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    drawn: list[NDArray[np.uint8]] = []
    for column in columns:
        faces = [resize(face, (FACE_PX, FACE_PX)) for face in to_pixels(column.images[:PICTURED_FACES])]
        if column.heatmaps is not None:
            points = decode_heatmaps(column.heatmaps[:PICTURED_FACES].float().cpu().numpy())
            points = points * (HEATMAP_SIZE / column.heatmaps.shape[-1])
            faces = [draw_landmarks(*pair) for pair in zip(faces, points, strict=True)]
        drawn.append(np.concatenate(faces))
    return side_by_side(drawn)
