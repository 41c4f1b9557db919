"""Tables of a training config: run, optimiser, face features."""

import math
from dataclasses import dataclass
from typing import Literal

from dicface.errors import ConfigError


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW with linear warm-up and one of three schedules of the learning rate.

    Attributes:
        learning_rate: highest learning rate, after the warm-up.
        weight_decay: decoupled weight decay.
        warmup_steps: number of steps over which the rate rises from zero.
        schedule: schedule after the warm-up. `constant-linear` stays at the highest rate and decays linearly to zero
            over the run's last steps, `cosine` reaches zero at the run's last step, `halving` halves the rate at given
            steps (ADR 28).
        decay_steps: number of steps of the linear decay of `constant-linear`; 0 is a fifth of the run.
        halve_at: steps at which `halving` halves the rate.
        max_grad_norm: largest norm of a parameter group's gradients, which are clipped to it; 0 does not clip.
        ema_decay: decay per step of the averaged weights, which are validated and written; 0 up to but not 1.
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
    """Settings of the run that every task has.

    Weights are named as in `find_weights`: an embedded model, a file, or the folder or a checkpoint of a run.

    Attributes:
        task: name of the task; each has a subclass.
        steps: number of optimiser steps.
        seed: seed of initial weights, order of the faces and augmentation.
        precision: precision of the arithmetic; weights stay float32.
        compile: compile the network with `torch.compile` first, which takes minutes and pays off on accelerators.
        validate_every: steps between validations, each followed by a checkpoint.
        keep_every: steps between checkpoints that are kept, `step-00020000.ckpt`; 0 keeps the last and the best only.
        workers: processes that draw the batches, each on a CPU core; 0 draws them in the training process, on its
            device. Batches are the same up to rounding.
        initial_weights: `framework` draws weights as torch does and, for `landmark` and `dic`, zeroes the last layer
            (the U has its own initialisation, ADR 31); `he-normal` is the paper's.
        network_weights: weights that the network starts from; empty for new ones. A U of 256 px also starts from one of
            128 px with the same channels (ADR 43).
    """

    task: str = ""
    steps: int = 150_000
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False
    validate_every: int = 1000
    keep_every: int = 0
    workers: int = 0
    initial_weights: Literal["framework", "he-normal"] = "framework"
    network_weights: str = ""

    def __post_init__(self) -> None:
        if min(self.steps, self.validate_every) < 1 or min(self.seed, self.keep_every, self.workers) < 0:
            raise ConfigError(
                "expected run.steps and run.validate_every from 1 up, run.seed, run.keep_every and run.workers from 0, "
                f"got {self}"
            )

    @property
    def starts_from(self) -> list[str]:
        """Names of all weights that a new run starts from."""
        names = (getattr(self, f"{part}_weights", "") for part in ("network", "landmark", "features"))
        return [name for name in names if name]


@dataclass(frozen=True)
class LandmarkRunConfig(RunConfig):
    """Settings of a run that pretrains the landmark branch."""

    task: Literal["landmark"] = "landmark"


@dataclass(frozen=True)
class HRLandmarkRunConfig(RunConfig):
    """Settings of a run that trains the stacked hourglass."""

    task: Literal["hr-landmark"] = "hr-landmark"


@dataclass(frozen=True)
class DICRunConfig(RunConfig):
    """Settings of a run that trains DIC.

    Attributes:
        landmark_weights: weights that the landmark branch starts from, of a run of the `landmark` task or of a DIC
            network; empty for new ones.
        frozen_landmark_steps: number of optimiser steps, from the first, during which the landmark branch is frozen.
        steps_at: optimiser steps at which the number of the network's steps doubles, from one up to `network.steps`.
            Before the first of them the later recovery block is a copy of the first one. Empty for all of the network's
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
    """Settings of a run that trains DIC against a discriminator.

    Attributes:
        features_weights: weights of the face features of the feature loss, of a run of the `features` task.
        frozen_landmark_steps: number of optimiser steps, from the first, during which the landmark branch is frozen.
    """

    task: Literal["dicgan"] = "dicgan"
    features_weights: str = ""
    frozen_landmark_steps: int = 0


@dataclass(frozen=True)
class SharpRunConfig(RunConfig):
    """Settings of a run that trains a sharp twin of a network against patch discriminators.

    Attributes:
        features_weights: weights of the face features of the feature loss, of a run of the `features` task.
    """

    task: Literal["sharp"] = "sharp"
    features_weights: str = ""


@dataclass(frozen=True)
class FeaturesRunConfig(RunConfig):
    """Settings of a run that trains the face features of DICGAN's feature loss."""

    task: Literal["features"] = "features"


@dataclass(frozen=True)
class FinderRunConfig(RunConfig):
    """Settings of a run that trains the face finder."""

    task: Literal["finder"] = "finder"


@dataclass(frozen=True)
class ImageRunConfig(RunConfig):
    """Settings of a run that trains a network given by the caller of `fit` on the image alone."""

    task: Literal["image"] = "image"


@dataclass(frozen=True)
class FeaturesConfig:
    """Embedding and loss of the face features; see `FeaturesTask`.

    Attributes:
        embedding: length of an embedding.
        scale: factor of the cosines before the softmax.
        margin: margin that is subtracted from the cosine of the true identity.
    """

    embedding: int = 256
    scale: float = 16.0
    margin: float = 0.2
