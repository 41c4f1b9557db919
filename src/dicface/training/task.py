"""Base class of training tasks: construction, initial weights, optimiser, schedule, weights file."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import lightning
import torch
from torch import Tensor, nn

from dicface.checkpoints.networks import load_strictly, write_tensors
from dicface.data.batches import Degrade
from dicface.data.degradation import DegradationConfig
from dicface.data.packs import FacePack
from dicface.images.pixels import FACE_PX
from dicface.training.batches import Crops, FaceBatches
from dicface.training.config import FinderRun, TrainConfig
from dicface.training.tables import OptimiserConfig
from dicface.training.weights import read_weights

Network = TypeVar("Network", bound=nn.Module)
Settings = TypeVar("Settings", bound=TrainConfig)


class Column(NamedTuple):
    """One column of the picture grid in the log; each row is a face.

    Attributes:
        images: (N, 3, S, S) float RGB in [0, 1].
        heatmaps: (N, K, H, W) float, drawn as landmarks; None for none.
    """

    images: Tensor
    heatmaps: Tensor | None = None


def decay_start(config: OptimiserConfig, steps: int) -> int:
    """Step at which the linear decay of the schedule `constant-linear` starts; the rate there is still the highest.

    Args:
        config: optimiser table of the run.
        steps: number of steps of the run.
    """
    return steps - (config.decay_steps or max(1, steps // 5))


def lr_lambda(step: int, config: OptimiserConfig, steps: int) -> float:
    """Learning rate at a step, relative to the highest.

    Args:
        step: number of the step, from 0 to `steps`, where `constant-linear` and `cosine` reach zero.
        config: optimiser table of the run.
        steps: number of steps of the run.

    Returns:
        Factor from 0 to 1.
    """
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    match config.schedule:
        case "constant-linear":
            decay_steps = steps - decay_start(config, steps)
            return warmup * min(1.0, max(0, steps - step) / decay_steps)
        case "halving":
            return warmup * 0.5 ** sum(step >= at for at in config.halve_at)
        case "cosine":
            done = max(0, step - config.warmup_steps) / max(1, steps - config.warmup_steps)
            return warmup * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def clip_gradients(optimiser: torch.optim.Optimizer, max_norm: float) -> None:
    """Clip the norm of each parameter group's gradients, in place.

    Args:
        optimiser: holds the parameter groups.
        max_norm: largest norm; 0 does not clip.
    """
    if max_norm:
        for group in optimiser.param_groups:
            nn.utils.clip_grad_norm_(group["params"], max_norm)


def zero_layer(layer: nn.Module) -> None:
    """Zero weight and bias of a last layer, so that training starts without residual or with empty heatmaps."""
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


def he_normal(network: nn.Module) -> None:
    """Initialise all convolutions and linear layers He-normal, with zero biases.

    Source: the paper's training details.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Task(lightning.LightningModule, Generic[Network, Settings]):
    """A network and its training: losses, validation, initial weights.

    `training_step` returns the loss, a scalar. `validation_step` logs `val_score`, the higher the better, and returns
    pictures for the log: `{"columns": [...]}`, a list of `Column`.

    Args:
        config: config of the run.

    Attributes:
        config_type: type of the task's config.
        validation_faces: number of faces of the validation pack that are measured.
        network: the network that is trained; its averaged weights are the result.
        config: config of the run.
    """

    config_type: ClassVar[type[TrainConfig]]
    validation_faces: ClassVar[int] = 200
    network: Network
    config: Settings

    def __init__(self, config: Settings) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def build(cls, config: Settings, train: FacePack) -> Self:
        """Create the untrained task.

        Args:
            config: config of the run.
            train: faces to learn from.
        """
        return cls(config)

    def compile_network(self) -> None:
        """Compile the network, or its parts, with `torch.compile`, at the first step."""
        self.network.compile()

    @classmethod
    def usable_faces(cls, pack: FacePack) -> FacePack:
        """The faces of a pack that the task can learn from.

        Raises:
            PackError: there are too few of them.
        """
        return pack

    def start(self) -> None:
        """Load the initial weights that the config names. Called for new runs only, not for resumed ones.

        Raises:
            ConfigError: no weights of that name.
            CheckpointError: the weights do not fit the network.
        """
        if self.config.run.network_weights:
            load_strictly(self.network, self.start_state(self.config.run.network_weights))

    def start_state(self, name: str) -> dict[str, Tensor]:
        """State dict of the weights that the network starts from.

        Args:
            name: see `dicface.training.weights.find_weights`.

        Raises:
            ConfigError: no weights of that name.
            CheckpointError: not a file of weights.
        """
        return read_weights(name)

    @property
    def degradation(self) -> DegradationConfig:
        """Degradation of the training faces; the paper's if the config has no such table."""
        return DegradationConfig()

    @property
    def face_px(self) -> int:
        """Side of the training faces in pixels."""
        return FACE_PX

    def batches(
        self, train: FacePack, validation: FacePack | None, degrade: Degrade | None
    ) -> lightning.LightningDataModule:
        """Training and validation batches.

        Args:
            train: faces to learn from.
            validation: faces to measure on; None for none.
            degrade: reduces training faces instead of `degradation`; None for none.
        """
        config: TrainConfig = self.config
        assert not isinstance(config, FinderRun)
        crops = Crops(self.degradation, degrade, self.face_px, self.validation_faces)
        return FaceBatches(train, validation, config, crops)

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameter groups; gradients are clipped per group."""
        return [list(self.parameters())]

    def learning_rates(self) -> list[float]:
        """Highest learning rate of each parameter group; all follow the same schedule."""
        return [self.config.optimiser.learning_rate for _ in self.groups()]

    @property
    def betas(self) -> tuple[float, float]:
        """Decay of the optimiser's first and second moments."""
        return 0.9, 0.999

    def rate(self, step: int) -> float:
        """Learning rate at a step, relative to the highest; see `lr_lambda`."""
        return lr_lambda(step, self.config.optimiser, self.config.run.steps)

    def configure_optimizers(self) -> Any:
        config = self.config.optimiser
        groups = [{"params": group, "lr": lr} for group, lr in zip(self.groups(), self.learning_rates(), strict=True)]
        optimiser = torch.optim.AdamW(groups, betas=self.betas, weight_decay=config.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self.rate)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_start(self) -> None:
        """Set learning rates, moments and weight decay to the config's; a resumed run has loaded the checkpoint's."""
        (optimiser,) = self.trainer.optimizers
        (schedule,) = (setting.scheduler for setting in self.trainer.lr_scheduler_configs)
        assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)
        rates = self.learning_rates()
        schedule.base_lrs = list(rates)
        factor = self.rate(self.global_step)
        for group, highest in zip(optimiser.param_groups, rates, strict=True):
            group["initial_lr"] = highest
            group["lr"] = highest * factor
            group["betas"] = self.betas
            group["weight_decay"] = self.config.optimiser.weight_decay

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Clip gradients. Lightning's own clipping refuses fused optimisers, because of float16."""
        clip_gradients(optimizer, self.config.optimiser.max_grad_norm)

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the network's current weights as safetensors.

        Args:
            path: the file; replaced in one step if it exists.
            notes: strings to store beside the weights.
        """
        write_tensors(self.network.state_dict(), path, notes)
