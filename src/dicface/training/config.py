"""Settings of a training run: one frozen dataclass per concern, read strictly from TOML."""

import dataclasses
import difflib
import json
import math
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from dicface.data.augmentation import AugmentationConfig
from dicface.data.batches import BatchConfig
from dicface.data.degradation import LRConfig
from dicface.data.scenes.sampler import SceneConfig
from dicface.errors import ConfigError
from dicface.images.pixels import FACE_PX, LR_PX
from dicface.landmarks import KEYPOINTS
from dicface.networks.dic import DICConfig
from dicface.networks.face_finder import FinderConfig
from dicface.networks.stacked_hourglass import StackedHourglassConfig
from dicface.training.losses import GANConfig, LossConfig

Config = TypeVar("Config")


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW with linear warm-up, then a cosine to zero or halvings.

    Attributes:
        learning_rate: at its highest.
        weight_decay: decoupled.
        warmup_steps: steps over which the rate rises from zero.
        halve_at: steps at which the rate halves; none means a cosine to zero at the run's last step.
        gradient_norm: gradients longer than this are shortened to it; 0 leaves them.
        ema_decay: decay per step of the averaged weights, which are the ones measured and exported.
    """

    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    warmup_steps: int = 0
    halve_at: tuple[int, ...] = ()
    gradient_norm: float = 0.0
    ema_decay: float = 0.999

    def __post_init__(self) -> None:
        rates = (self.learning_rate, self.weight_decay, self.warmup_steps, self.gradient_norm)
        # Said this way round, it refuses what is not a number, too.
        if not (all(0 <= rate < math.inf for rate in rates) and 0 <= self.ema_decay < 1):
            raise ConfigError(f"expected optimiser.* from 0 up and optimiser.ema_decay under 1, got {self}")


@dataclass(frozen=True)
class RunConfig:
    """What is trained, how long and how.

    Attributes:
        task: `landmark` trains the landmark branch alone, `dic` the whole network, `dicgan` goes on from there against
            a discriminator, `hr-landmark` trains the stacked hourglass, `features` the face features of `dicgan`,
            `finder` the network that looks for faces in photos.
            `image` is for callers of `fit` that bring a network of their own, which learns the image alone.
        steps: optimiser steps.
        seed: of weights, order and augmentation.
        precision: of the arithmetic; weights stay float32.
        compile: let torch compile the network first; worth its minutes on accelerators.
        validate_every: steps between measurements on the validation pack, each followed by a checkpoint.
        initial_weights: `framework` draws weights as torch does and, for `landmark` and `dic`, zeroes the last layer;
            `he-normal` is the paper's.
        network_weights: a run's weights that the network starts from.
        landmark_weights: a run of the `landmark` task whose branch `dic` starts from.
        features_weights: a run of the `features` task that `dicgan` compares faces with.
        frozen_landmark_steps: steps during which the landmark branch does not learn.
    """

    task: Literal["landmark", "hr-landmark", "dic", "dicgan", "features", "finder", "image"] = "dic"
    steps: int = 150_000
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False
    validate_every: int = 1000
    initial_weights: Literal["framework", "he-normal"] = "framework"
    network_weights: str = ""
    landmark_weights: str = ""
    features_weights: str = ""
    frozen_landmark_steps: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.validate_every < 1 or self.seed < 0:
            raise ConfigError(f"expected run.steps and run.validate_every from 1 up and run.seed from 0, got {self}")


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


@dataclass(frozen=True)
class TrainConfig:
    """A whole training run; each attribute is a table of the TOML file.

    A file holds the tables that its task uses (`TABLES`), and no others.
    """

    run: RunConfig = field(default_factory=RunConfig)
    network: DICConfig = field(default_factory=DICConfig)
    hourglass: StackedHourglassConfig = field(default_factory=StackedHourglassConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    finder: FinderConfig = field(default_factory=FinderConfig)
    scenes: SceneConfig = field(default_factory=SceneConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    lr: LRConfig = field(default_factory=LRConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    gan: GANConfig = field(default_factory=GANConfig)

    def __post_init__(self) -> None:
        run, network, lr, turned = self.run, self.network, self.lr, self.augmentation
        dic = run.task in ("dic", "dicgan")
        branch = run.task == "landmark" or run.landmark_weights or run.frozen_landmark_steps
        if network.attention == "none" and branch:
            raise ConfigError(
                'network.attention = "none" leaves out the landmark branch; expected run.task "dic", '
                f"no run.landmark_weights and no run.frozen_landmark_steps, got {run}"
            )
        if {network.keypoints, self.hourglass.keypoints} != {KEYPOINTS}:
            raise ConfigError(f"expected keypoints = {KEYPOINTS}, the landmarks of the packs, got {network.keypoints}")
        allowed = (16, 16) if network.stem == "paper" else LR_PX
        if dic and not allowed[0] <= lr.size_min <= lr.size_max <= allowed[1]:
            raise ConfigError(
                f"expected lr.size_min and lr.size_max from {allowed[0]} to {allowed[1]} for the stem "
                f"{network.stem!r}, got {lr.size_min} and {lr.size_max}"
            )
        for name, of in (("landmark_weights", "dic"), ("features_weights", "dicgan")):
            if getattr(run, name) and run.task != of:
                raise ConfigError(f"run.{name} is for the task {of!r}; leave it out of {run.task!r}")
        if run.frozen_landmark_steps and not dic:
            raise ConfigError(f"run.frozen_landmark_steps is for 'dic' and 'dicgan'; leave it out of {run.task!r}")
        sides = {turned.crop_side_min, turned.crop_side_max, float(FACE_PX)}
        if turned.unscaled_share == 1 and (
            len(sides) > 1 or turned.rotation_degrees or {turned.aspect_min, turned.aspect_max} != {1.0}
        ):
            raise ConfigError(
                "augmentation.unscaled_share = 1 leaves every face unturned and unscaled; lower it, or leave out "
                f"crop sides, aspect and rotation, got {turned}"
            )


_COMMON = frozenset({"run", "batch", "augmentation", "optimiser"})
_FINDER = frozenset({"run", "batch", "optimiser", "finder", "scenes"})
TABLES: dict[str, frozenset[str]] = {
    "landmark": _COMMON | {"network", "lr"},
    "hr-landmark": _COMMON | {"hourglass"},
    "dic": _COMMON | {"network", "lr", "loss"},
    "dicgan": _COMMON | {"network", "lr", "loss", "gan"},
    "features": _COMMON | {"features"},
    "finder": _FINDER,
    "image": _COMMON | {"lr"},
}
"""Which tables each task uses."""


def _coerce(value: Any, kind: Any, name: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"expected a table [{name}], got {value!r}")
        return from_mapping(kind, value, name)
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise ConfigError(f"expected one of {typing.get_args(kind)} for {name}, got {value!r}")
        return value
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ConfigError(f"expected a list for {name}, got {value!r}")
        return tuple(_coerce(item, typing.get_args(kind)[0], name) for item in value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f"expected {getattr(kind, '__name__', kind)} for {name}, got {value!r}")
    return value


def from_mapping(kind: type[Config], values: Mapping[str, Any], name: str = "") -> Config:
    """Build a config dataclass from parsed TOML.

    Args:
        kind: the dataclass.
        values: its fields; what is missing keeps its default.
        name: dotted name of the table, for messages.

    Raises:
        ConfigError: a key that the dataclass lacks (the nearest one is named), or a value of the wrong type.
    """
    types = typing.get_type_hints(kind)
    dotted = f"{name}." if name else ""
    for key in values:
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1, cutoff=0.0)
            raise ConfigError(f"unknown setting {dotted}{key}; did you mean {dotted}{near[0]}?")
    return kind(**{key: _coerce(value, types[key], f"{dotted}{key}") for key, value in values.items()})


def read_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a run's TOML file.

    Args:
        path: the file.
        overrides: `table.key=value`, the value in TOML syntax; later ones win.

    Raises:
        ConfigError: unreadable file, bad TOML, unknown key, wrong type.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"expected a TOML file, could not read {str(path)!r}: {error}") from error
    for override in overrides:
        key, equals, literal = override.partition("=")
        table, dot, name = key.strip().partition(".")
        if not (equals and dot):
            raise ConfigError(f"expected table.key=value, got {override!r}")
        try:
            value = tomllib.loads(f"value = {literal}")["value"]
        except tomllib.TOMLDecodeError:
            value = literal.strip()
        if not isinstance(values.setdefault(table, {}), dict):
            raise ConfigError(f"expected a table [{table}], got {values[table]!r}")
        values[table][name] = value
    config = from_mapping(TrainConfig, values)
    unused = sorted(values.keys() - TABLES[config.run.task])
    if unused:
        raise ConfigError(f"the task {config.run.task!r} does not use the tables {unused}; leave them out")
    return config


def resolved(config: TrainConfig) -> dict[str, Any]:
    """The tables that the run's task uses, every key of them, as JSON would give them back."""
    tables = dataclasses.asdict(config)
    return json.loads(json.dumps({name: tables[name] for name in tables if name in TABLES[config.run.task]}))
