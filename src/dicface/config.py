"""Settings of a training run: one frozen dataclass per concern, read strictly from TOML."""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from dicface.data.batches import BatchConfig
from dicface.errors import ConfigError
from dicface.losses import LossConfig
from dicface.networks.dic import DICConfig

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


@dataclass(frozen=True)
class RunConfig:
    """What is trained, how long and how.

    Attributes:
        task: `landmark` trains the landmark branch alone, `dic` the whole network.
        steps: optimiser steps.
        seed: of weights, order and augmentation.
        precision: of the arithmetic; weights stay float32.
        validate_every: steps between measurements on the validation pack, each followed by a checkpoint.
        landmark_weights: a run of the `landmark` task whose branch `dic` starts from.
        frozen_landmark_steps: steps during which the landmark branch does not learn.
    """

    task: Literal["landmark", "dic"] = "dic"
    steps: int = 150_000
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    validate_every: int = 1000
    landmark_weights: str = ""
    frozen_landmark_steps: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.validate_every < 1 or self.seed < 0:
            raise ConfigError(f"expected run.steps and run.validate_every from 1 up and run.seed from 0, got {self}")


@dataclass(frozen=True)
class TrainConfig:
    """A whole training run; each attribute is a table of the TOML file."""

    run: RunConfig = field(default_factory=RunConfig)
    network: DICConfig = field(default_factory=DICConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    loss: LossConfig = field(default_factory=LossConfig)


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
    return from_mapping(TrainConfig, values)
