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
from dicface.data.degradation import DegradationConfig
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
        # Said this way round, it refuses what is not a number, too.
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
        keep_every: steps between checkpoints that are kept, `step-00020000.ckpt`; 0 keeps the last and the best only.
        initial_weights: `framework` draws weights as torch does and, for `landmark` and `dic`, zeroes the last layer
            (the U draws its own, ADR 31); `he-normal` is the paper's.
        network_weights: a run's weights that the network starts from.
        landmark_weights: a run of the `landmark` task whose branch `dic` starts from.
        features_weights: a run of the `features` task that `dicgan` compares faces with.
        frozen_landmark_steps: steps during which the landmark branch does not learn.
        steps_at: optimiser steps at which `dic` doubles the number of the network's steps, from one up to
            `network.steps`; until the first of them the later recovery block is a copy of the first one. None: all of
            the network's steps from the start.
    """

    task: Literal["landmark", "hr-landmark", "dic", "dicgan", "features", "finder", "image"] = "dic"
    steps: int = 150_000
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False
    validate_every: int = 1000
    keep_every: int = 0
    initial_weights: Literal["framework", "he-normal"] = "framework"
    network_weights: str = ""
    landmark_weights: str = ""
    features_weights: str = ""
    frozen_landmark_steps: int = 0
    steps_at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.steps < 1 or self.validate_every < 1 or self.seed < 0 or self.keep_every < 0:
            raise ConfigError(
                f"expected run.steps and run.validate_every from 1 up, run.seed and run.keep_every from 0, got {self}"
            )
        if self.steps_at and not 0 < self.steps_at[0] <= self.steps_at[-1] < self.steps:
            raise ConfigError(
                f"expected run.steps_at between 0 and run.steps = {self.steps}, got {list(self.steps_at)}"
            )
        if list(self.steps_at) != sorted(set(self.steps_at)):
            raise ConfigError(f"expected run.steps_at to rise, got {list(self.steps_at)}")


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
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    gan: GANConfig = field(default_factory=GANConfig)

    def __post_init__(self) -> None:
        run, network, degradation, turned = self.run, self.network, self.degradation, self.augmentation
        if self.optimiser.decay_steps > run.steps:
            raise ConfigError(
                f"expected optimiser.decay_steps up to run.steps, got {self.optimiser.decay_steps} of {run.steps}"
            )
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
        if dic and not allowed[0] <= degradation.size_min <= degradation.size_max <= allowed[1]:
            raise ConfigError(
                f"expected degradation.size_min and size_max from {allowed[0]} to {allowed[1]} for the stem "
                f"{network.stem!r}, got {degradation.size_min} and {degradation.size_max}"
            )
        for name, of in (("landmark_weights", "dic"), ("features_weights", "dicgan")):
            if getattr(run, name) and run.task != of:
                raise ConfigError(f"run.{name} is for the task {of!r}; leave it out of {run.task!r}")
        if run.frozen_landmark_steps and not dic:
            raise ConfigError(f"run.frozen_landmark_steps is for 'dic' and 'dicgan'; leave it out of {run.task!r}")
        if run.steps_at and (run.task != "dic" or network.recovery != "feedback"):
            raise ConfigError(
                f"run.steps_at is for the task 'dic' and network.recovery = \"feedback\"; leave it out of {run.task!r} "
                f"with {network.recovery!r}"
            )
        doublings = (network.steps - 1).bit_length()
        if run.steps_at and len(run.steps_at) != doublings:
            raise ConfigError(
                f"expected run.steps_at to double one step {doublings} times for network.steps = {network.steps}, "
                f"got {list(run.steps_at)}"
            )
        sides = {turned.crop_side_min, turned.crop_side_max, float(FACE_PX)}
        if turned.unscaled_share == 1 and (
            len(sides) > 1
            or turned.face_width_max
            or turned.rotation_degrees
            or {turned.aspect_min, turned.aspect_max} != {1.0}
        ):
            raise ConfigError(
                "augmentation.unscaled_share = 1 leaves every face unturned and unscaled; lower it, or leave out "
                f"crop sides, face width, aspect and rotation, got {turned}"
            )


_COMMON = frozenset({"run", "batch", "augmentation", "optimiser"})
_FINDER = frozenset({"run", "batch", "optimiser", "finder", "scenes"})
TABLES: dict[str, frozenset[str]] = {
    "landmark": _COMMON | {"network", "degradation"},
    "hr-landmark": _COMMON | {"hourglass"},
    "dic": _COMMON | {"network", "degradation", "loss"},
    "dicgan": _COMMON | {"network", "degradation", "loss", "gan"},
    "features": _COMMON | {"features"},
    "finder": _FINDER,
    "image": _COMMON | {"degradation"},
}
"""Which tables each task uses."""


RENAMED = {
    "lr": "degradation",
    "degradation.degradation": "degradation.kind",
    "degradation.sensor_min": "degradation.sensor_scale_min",
    "degradation.sensor_max": "degradation.sensor_scale_max",
    "optimiser.gradient_norm": "optimiser.max_grad_norm",
}
"""Settings, `table.key`, and whole tables that had another name in earlier versions, and their names now."""


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
        ConfigError: a key that the dataclass lacks (its new name or the nearest one is named), or a value of the
            wrong type.
    """
    types = typing.get_type_hints(kind)
    dotted = f"{name}." if name else ""
    for key in values:
        if new := RENAMED.get(f"{dotted}{key}"):
            what = f"setting {dotted}{key} is now called {new}" if name else f"table [{key}] is now called [{new}]"
            raise ConfigError(f"the {what}; rename it")
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1, cutoff=0.0)
            raise ConfigError(f"unknown setting {dotted}{key}; did you mean {dotted}{near[0]}?")
    return kind(**{key: _coerce(value, types[key], f"{dotted}{key}") for key, value in values.items()})


def _override(values: dict[str, Any], overrides: Sequence[str]) -> None:
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


def from_tables(values: Mapping[str, Any]) -> TrainConfig:
    """A run's config from the tables of its file.

    Raises:
        ConfigError: unknown key, wrong type, a table that the task does not use.
    """
    config = from_mapping(TrainConfig, values)
    unused = sorted(values.keys() - TABLES[config.run.task])
    if unused:
        raise ConfigError(f"the task {config.run.task!r} does not use the tables {unused}; leave them out")
    return config


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
    _override(values, overrides)
    return from_tables(values)


def with_overrides(config: TrainConfig, overrides: Sequence[str]) -> TrainConfig:
    """A config with some settings changed; see `read_config`.

    Raises:
        ConfigError: unknown key, wrong type, settings that contradict.
    """
    values = resolved(config)
    _override(values, overrides)
    return from_tables(values)


def resolved(config: TrainConfig) -> dict[str, Any]:
    """The tables that the run's task uses, every key of them, as JSON would give them back."""
    tables = dataclasses.asdict(config)
    return json.loads(json.dumps({name: tables[name] for name in tables if name in TABLES[config.run.task]}))
