"""Training configs: one frozen dataclass per task with the tables that it uses (ADR 34)."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dicface.data.augmentation import AugmentationConfig
from dicface.data.batches import BatchConfig
from dicface.data.degradation import DegradationConfig
from dicface.data.scenes.sampler import SceneConfig
from dicface.errors import ConfigError
from dicface.images.pixels import FACE_PX
from dicface.landmarks import KEYPOINTS
from dicface.networks.dic import LITE, DICConfig
from dicface.networks.face_finder import FinderConfig
from dicface.networks.stacked_hourglass import StackedHourglassConfig
from dicface.training.losses import GANConfig, LossConfig
from dicface.training.sharp_losses import SharpConfig
from dicface.training.tables import (
    DICGANRunConfig,
    DICRunConfig,
    FeaturesConfig,
    FeaturesRunConfig,
    FinderRunConfig,
    HRLandmarkRunConfig,
    ImageRunConfig,
    LandmarkRunConfig,
    OptimiserConfig,
    RunConfig,
    SharpRunConfig,
)


def _check_optimiser(config: "TrainConfig") -> None:
    optimiser, run = config.optimiser, config.run
    if optimiser.decay_steps > run.steps:
        raise ConfigError(f"expected optimiser.decay_steps up to run.steps, got {optimiser.decay_steps} of {run.steps}")


def _check_common(config: "FaceRun", face_px: int = FACE_PX) -> None:
    """Check what concerns several tables that every task with face crops has."""
    _check_optimiser(config)
    augmentation = config.augmentation
    sides = {augmentation.crop_side_min, augmentation.crop_side_max, float(face_px)}
    if augmentation.unscaled_share == 1 and (
        len(sides) > 1
        or augmentation.face_width_max
        or augmentation.rotation_degrees
        or {augmentation.aspect_min, augmentation.aspect_max} != {1.0}
    ):
        raise ConfigError(
            "augmentation.unscaled_share = 1 leaves every face unturned and unscaled; lower it, or leave out "
            f"crop sides, face width, aspect and rotation, got {augmentation}"
        )


def _check_keypoints(keypoints: int) -> None:
    if keypoints != KEYPOINTS:
        raise ConfigError(f"expected keypoints = {KEYPOINTS}, the landmarks of the packs, got {keypoints}")


def _check_branch(network: DICConfig, run: RunConfig, needed: object) -> None:
    """Refuse settings of the landmark branch for a network without one."""
    if network.attention == "none" and needed:
        raise ConfigError(
            'network.attention = "none" leaves out the landmark branch; expected run.task "dic", '
            f"no run.landmark_weights and no run.frozen_landmark_steps, got {run}"
        )


def _check_sizes(network: DICConfig, degradation: DegradationConfig) -> None:
    low, high = network.lr_px
    if not low <= degradation.size_min <= degradation.size_max <= high:
        raise ConfigError(
            f"expected degradation.size_min and size_max from {low} to {high} for the stem "
            f"{network.stem!r}, got {degradation.size_min} and {degradation.size_max}"
        )


@dataclass(frozen=True)
class LandmarkRun:
    """Pretraining of the landmark branch."""

    run: LandmarkRunConfig = field(default_factory=LandmarkRunConfig)
    network: DICConfig = field(default_factory=DICConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)

    def __post_init__(self) -> None:
        _check_common(self, self.network.output_px)
        _check_branch(self.network, self.run, needed=True)
        _check_keypoints(self.network.keypoints)


@dataclass(frozen=True)
class HRLandmarkRun:
    """Training of the stacked hourglass, which locates landmarks on high-resolution faces."""

    run: HRLandmarkRunConfig = field(default_factory=HRLandmarkRunConfig)
    hourglass: StackedHourglassConfig = field(default_factory=StackedHourglassConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)

    def __post_init__(self) -> None:
        _check_common(self)
        _check_keypoints(self.hourglass.keypoints)


@dataclass(frozen=True)
class DICRun:
    """Training of DIC."""

    run: DICRunConfig = field(default_factory=DICRunConfig)
    network: DICConfig = field(default_factory=DICConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        run, network = self.run, self.network
        _check_common(self, network.output_px)
        _check_branch(network, run, run.landmark_weights or run.frozen_landmark_steps)
        _check_keypoints(network.keypoints)
        _check_sizes(network, self.degradation)
        if run.steps_at and network.recovery != "feedback":
            raise ConfigError(
                f'run.steps_at is for network.recovery = "feedback"; leave it out with {network.recovery!r}'
            )
        doublings = (network.steps - 1).bit_length()
        if run.steps_at and len(run.steps_at) != doublings:
            raise ConfigError(
                f"expected run.steps_at to double one step {doublings} times for network.steps = {network.steps}, "
                f"got {list(run.steps_at)}"
            )


@dataclass(frozen=True)
class DICGANRun:
    """Training of DIC against a discriminator."""

    run: DICGANRunConfig = field(default_factory=DICGANRunConfig)
    network: DICConfig = field(default_factory=DICConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    gan: GANConfig = field(default_factory=GANConfig)

    def __post_init__(self) -> None:
        _check_common(self, self.network.output_px)
        _check_branch(self.network, self.run, self.run.frozen_landmark_steps)
        _check_keypoints(self.network.keypoints)
        _check_sizes(self.network, self.degradation)


@dataclass(frozen=True)
class SharpRun:
    """Training of a sharp twin of a network against patch discriminators (ADR 45)."""

    run: SharpRunConfig = field(default_factory=SharpRunConfig)
    network: DICConfig = field(default_factory=lambda: LITE)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    sharp: SharpConfig = field(default_factory=SharpConfig)

    def __post_init__(self) -> None:
        _check_common(self, self.network.output_px)
        _check_keypoints(self.network.keypoints)
        _check_sizes(self.network, self.degradation)
        if self.sharp.discriminator_steps >= self.run.steps:
            raise ConfigError(
                f"expected sharp.discriminator_steps below run.steps = {self.run.steps}, or the network never learns, "
                f"got {self.sharp.discriminator_steps}"
            )


@dataclass(frozen=True)
class FeaturesRun:
    """Training of the face features."""

    run: FeaturesRunConfig = field(default_factory=FeaturesRunConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)

    def __post_init__(self) -> None:
        _check_common(self)


@dataclass(frozen=True)
class FinderRun:
    """Training of the face finder, on scenes instead of face crops."""

    run: FinderRunConfig = field(default_factory=FinderRunConfig)
    finder: FinderConfig = field(default_factory=FinderConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    scenes: SceneConfig = field(default_factory=SceneConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)

    def __post_init__(self) -> None:
        _check_optimiser(self)


@dataclass(frozen=True)
class ImageRun:
    """Training of a network that the caller of `fit` brings."""

    run: ImageRunConfig = field(default_factory=ImageRunConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)

    def __post_init__(self) -> None:
        _check_common(self)


FaceRun: TypeAlias = LandmarkRun | HRLandmarkRun | DICRun | DICGANRun | SharpRun | FeaturesRun | ImageRun
"""A training run on batches of face crops."""
TrainConfig: TypeAlias = FaceRun | FinderRun
"""A whole training run; each attribute is a table of the TOML file, and `run.task` tells the members apart."""


def resolved(config: TrainConfig) -> dict[str, Any]:
    """All tables and settings of a config, defaults included, as JSON-ready values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))
