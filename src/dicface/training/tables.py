"""Tables of a training config that belong to no other room: the run itself, the optimiser, the face features."""

import math
from dataclasses import dataclass
from typing import Literal

from dicface.errors import ConfigError


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW with linear warm-up and one of three schedules of the learning rate.

    Attributes:
        learning_rate: at its highest.
        weight_decay: decoupled.
        warmup_steps: steps over which the rate rises from zero.
        schedule: after the warm-up. `constant-linear` stays at the highest rate and falls linearly to zero over the
            run's last steps, `cosine` falls to zero at the run's last step, `halving` halves at given steps (ADR 28).
        decay_steps: steps of the fall of `constant-linear`; 0 is a fifth of the run.
        halve_at: steps at which the rate of `halving` halves.
        max_grad_norm: gradients of a larger norm are scaled down to it; 0 leaves them.
        ema_decay: decay per step of the averaged weights, which are the ones measured and exported.
    """

    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    warmup_steps: int = 0
    schedule: Literal["constant-linear", "cosine", "halving"] = "cosine"
    decay_steps: int = 0
    halve_at: tuple[int, ...] = ()
    max_grad_norm: float = 0.0
    ema_decay: float = 0.999

    def __post_init__(self) -> None:
        rates = (self.learning_rate, self.weight_decay, self.warmup_steps, self.decay_steps, self.max_grad_norm)
        # Written as `not (...)`, so that NaN fails, too.
        if not (all(0 <= rate < math.inf for rate in rates) and 0 <= self.ema_decay < 1):
            raise ConfigError(f"expected optimiser.* from 0 up and optimiser.ema_decay under 1, got {self}")
        falls = self.schedule == "constant-linear"
        if bool(self.halve_at) != (self.schedule == "halving") or (self.decay_steps and not falls):
            raise ConfigError(
                'expected optimiser.halve_at with optimiser.schedule = "halving" and only there, and '
                f'optimiser.decay_steps only with "constant-linear", got {self}'
            )


@dataclass(frozen=True)
class RunConfig:
    """How long and how a network is trained; the settings that every task has.

    Weights are named as `find_weights` takes them: an embedded model, a file, or the folder or checkpoint of a run.

    Attributes:
        task: what is trained; each task has a subclass with its name.
        steps: optimiser steps.
        seed: of weights, order and augmentation.
        precision: of the arithmetic; weights stay float32.
        compile: let torch compile the network first; worth its minutes on accelerators.
        validate_every: steps between measurements on the validation pack, each followed by a checkpoint.
        keep_every: steps between checkpoints that are kept, `step-00020000.ckpt`; 0 keeps the last and the best only.
        initial_weights: `framework` draws weights as torch does and, for `landmark` and `dic`, zeroes the last layer
            (the U draws its own, ADR 31); `he-normal` is the paper's.
        network_weights: what the network starts from; empty for new weights.
    """

    task: str = ""
    steps: int = 150_000
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False
    validate_every: int = 1000
    keep_every: int = 0
    initial_weights: Literal["framework", "he-normal"] = "framework"
    network_weights: str = ""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.validate_every < 1 or self.seed < 0 or self.keep_every < 0:
            raise ConfigError(
                f"expected run.steps and run.validate_every from 1 up, run.seed and run.keep_every from 0, got {self}"
            )

    @property
    def starts_from(self) -> list[str]:
        """The weights that a new run starts from, as they are named."""
        names = (getattr(self, f"{part}_weights", "") for part in ("network", "landmark", "features"))
        return [name for name in names if name]


@dataclass(frozen=True)
class LandmarkRunConfig(RunConfig):
    """Of the landmark branch alone."""

    task: Literal["landmark"] = "landmark"


@dataclass(frozen=True)
class HRLandmarkRunConfig(RunConfig):
    """Of the stacked hourglass."""

    task: Literal["hr-landmark"] = "hr-landmark"


@dataclass(frozen=True)
class DICRunConfig(RunConfig):
    """Of the whole network.

    Attributes:
        landmark_weights: what the landmark branch starts from: a run of the `landmark` task, or a DIC network's branch.
        frozen_landmark_steps: steps during which the landmark branch does not learn.
        steps_at: optimiser steps at which the number of the network's steps doubles, from one up to `network.steps`;
            until the first of them the later recovery block is a copy of the first one. Empty: all of the network's
            steps from the start.
    """

    task: Literal["dic"] = "dic"
    landmark_weights: str = ""
    frozen_landmark_steps: int = 0
    steps_at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps_at and not 0 < self.steps_at[0] <= self.steps_at[-1] < self.steps:
            raise ConfigError(
                f"expected run.steps_at between 0 and run.steps = {self.steps}, got {list(self.steps_at)}"
            )
        if list(self.steps_at) != sorted(set(self.steps_at)):
            raise ConfigError(f"expected run.steps_at to rise, got {list(self.steps_at)}")


@dataclass(frozen=True)
class DICGANRunConfig(RunConfig):
    """Of the network against a discriminator.

    Attributes:
        features_weights: a run of the `features` task, whose features compare faces.
        frozen_landmark_steps: steps during which the landmark branch does not learn.
    """

    task: Literal["dicgan"] = "dicgan"
    features_weights: str = ""
    frozen_landmark_steps: int = 0


@dataclass(frozen=True)
class FeaturesRunConfig(RunConfig):
    """Of the face features that `dicgan` compares faces with."""

    task: Literal["features"] = "features"


@dataclass(frozen=True)
class FinderRunConfig(RunConfig):
    """Of the network that looks for faces in photos."""

    task: Literal["finder"] = "finder"


@dataclass(frozen=True)
class ImageRunConfig(RunConfig):
    """Of a network that the caller of `fit` brings, which learns the image alone."""

    task: Literal["image"] = "image"


@dataclass(frozen=True)
class FeaturesConfig:
    """How faces of different people are told apart.

    Attributes:
        embedding: numbers that describe a face.
        scale: of the cosines, before the softmax.
        margin: by which the right person's cosine has to lead.
    """

    embedding: int = 256
    scale: float = 16.0
    margin: float = 0.2
