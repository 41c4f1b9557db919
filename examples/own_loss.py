"""Train DIC with a loss, a degradation and a callback of your own (needs the train extra).

    python examples/own_loss.py PACK.parquet OUT --steps 1000

Nothing in the package is edited: the task is subclassed, the rest are arguments of `fit`. The result is an ordinary
run: `dicface export OUT` and `dicface evaluate DATA --model OUT/weights.safetensors` take it.
"""

import argparse
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from dicface.data.batches import FaceBatch, target_heatmaps
from dicface.networks.dic import DICOutput
from dicface.networks.resize import resize_bicubic
from dicface.training.config_files import read_config
from dicface.training.dic import DICTask
from dicface.training.fit import fit
from dicface.training.losses import DICLoss


class CharbonnierTask(DICTask):
    """DIC by the Charbonnier loss: like L1, but smooth where the difference is small."""

    def loss(self, output: DICOutput, batch: FaceBatch) -> DICLoss:
        """Image and heatmaps of every step; `total` is what is minimised."""
        difference = output.sr - batch.hr[:, None]
        image = (difference.square() + 1e-6).sqrt().mean()
        heatmap = nn.functional.mse_loss(
            output.heatmaps, target_heatmaps(batch.landmarks)[:, None].expand_as(output.heatmaps)
        )
        return DICLoss(image + 0.1 * heatmap, image, heatmap)


def interlaced(hr: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Faces as an old video camera saw them: even lines a moment later than odd ones, moved by up to two pixels.

    Args:
        hr: (n, 3, 128, 128) float RGB in [0, 1].
        size: S, side of the result in pixels.
        generator: all randomness comes from it.

    Returns:
        (n, 3, S, S) float RGB.
    """
    lr = resize_bicubic(hr, size)
    moved_px = int(torch.randint(-2, 3, (1,), generator=generator))
    lr[:, :, ::2] = lr[:, :, ::2].roll(moved_px, dims=-1)
    return lr


class RememberLosses(Callback):
    """Keep the loss of every step."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Called by Lightning after each step."""
        self.losses.append(float(outputs["loss"]))


def main(arguments: list[str] | None = None) -> RememberLosses:
    """Train, and print where the weights are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    given = parser.parse_args(arguments)
    shorter = [f"run.steps={given.steps}", "run.landmark_weights=", "optimiser.decay_steps=0"]
    config = read_config("lite", [*shorter, *given.set])
    remembered = RememberLosses()
    weights = fit(
        config,
        [given.pack],
        None,
        given.out,
        build=CharbonnierTask.build,
        degrade=interlaced,
        callbacks=[remembered],
    )
    print(f"{weights}: the loss went from {remembered.losses[0]:.4f} to {remembered.losses[-1]:.4f}")
    return remembered


if __name__ == "__main__":
    main()
