"""What all training tasks share: weights to start from, optimiser, schedule, and what they hand over."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import lightning
import torch
from torch import Tensor, nn

from dicface.checkpoints.networks import write_tensors
from dicface.training.config import OptimiserConfig, TrainConfig

Network = TypeVar("Network", bound=nn.Module)


class Column(NamedTuple):
    """One column of the picture grid in the log; each row is a face.

    Attributes:
        images: (N, 3, S, S) float RGB in [0, 1].
        heatmaps: (N, K, 32, 32) float, drawn as landmarks; None for none.
    """

    images: Tensor
    heatmaps: Tensor | None = None


def rate_factor(step: int, config: OptimiserConfig, steps: int) -> float:
    """Learning rate at a step, relative to the highest."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    if config.halve_at:
        return 0.5 ** sum(step >= at for at in config.halve_at)
    done = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def zero_layer(layer: nn.Module) -> None:
    """Zero a last layer, so that training starts from the plain answer (no residual, empty heatmaps)."""
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


def he_normal(network: nn.Module) -> None:
    """Draw all convolutions and linear layers He-normal, biases zero.

    Source: the paper's training details.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Task(lightning.LightningModule, Generic[Network]):
    """A network that learns.

    `validation_step` logs `val_score`, the higher the better, and returns pictures for the log: `{"columns": [...]}`.

    Attributes:
        network: what the run is for; its averaged weights are the result.
    """

    network: Network

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameters, those together whose gradients are shortened together."""
        return [list(self.parameters())]

    def configure_optimizers(self) -> Any:
        config = self.config.optimiser
        groups = [{"params": group} for group in self.groups()]
        optimiser = torch.optim.AdamW(groups, config.learning_rate, weight_decay=config.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: rate_factor(step, config, self.config.run.steps)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_start(self) -> None:
        """Take rate and decay from the config, where a resumed run found the checkpoint's."""
        (optimiser,) = self.trainer.optimizers
        (schedule,) = (setting.scheduler for setting in self.trainer.lr_scheduler_configs)
        assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)
        config = self.config.optimiser
        schedule.base_lrs = [config.learning_rate for _ in optimiser.param_groups]
        factor = rate_factor(self.global_step, config, self.config.run.steps)
        for group in optimiser.param_groups:
            group["initial_lr"] = config.learning_rate
            group["lr"] = config.learning_rate * factor
            group["weight_decay"] = config.weight_decay

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten long gradients. Lightning's own clipping refuses fused optimisers, for float16's sake."""
        self.shorten_gradients(optimizer)

    def shorten_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten the gradients of each group to the configured length."""
        if self.config.optimiser.gradient_norm:
            for group in optimizer.param_groups:
                nn.utils.clip_grad_norm_(group["params"], self.config.optimiser.gradient_norm)

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the network's current weights as safetensors.

        Args:
            path: the file; replaced in one step if it exists.
            notes: stored beside the weights.
        """
        write_tensors(self.network.state_dict(), path, notes)
