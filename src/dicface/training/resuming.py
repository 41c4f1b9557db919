"""What a run goes on from: the state and the config of an earlier run, and what may differ from them."""

import dataclasses
import json
import os
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from dicface.errors import CheckpointError, ConfigError
from dicface.training.config import TrainConfig, resolved
from dicface.training.config_files import from_tables
from dicface.training.parsing import RENAMED
from dicface.training.task import decay_start

FIXED_TABLES = ("network", "hourglass", "features", "finder", "scenes", "batch")
START = "start.ckpt"
"""Name of the checkpoint of another run that a run began with."""


class Origin(NamedTuple):
    """What a run goes on from.

    Attributes:
        checkpoint: state after `step` steps.
        step: steps that were taken.
        config: of the run that wrote the checkpoint.
        starts: what that run was made from, for each of its starts; empty if an older version began it.
    """

    checkpoint: Path
    step: int
    config: TrainConfig
    starts: list[dict[str, Any]]


def _current_names(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a saved config under the names that settings have now."""
    current = {table: dict(values) for table, values in tables.items()}
    for old, new in RENAMED.items():
        (table, _, key), (new_table, _, new_key) = old.partition("."), new.partition(".")
        if not key and table in current:
            current[new_table] = current.pop(table)
        elif key in current.get(table, {}):
            current.setdefault(new_table, {})[new_key] = current[table].pop(key)
    optimiser = current.get("optimiser", {})
    # Before there was a choice of schedules, steps to halve at made it.
    if optimiser.get("halve_at"):
        optimiser.setdefault("schedule", "halving")
    return current


def read_saved_config(run: Path) -> TrainConfig:
    """Config that a run was last started with, overrides included.

    Args:
        run: its folder. A run that was begun before a setting existed has the setting's default.

    Raises:
        ConfigError: the folder holds no config, or one that cannot be read.
    """
    try:
        return from_tables(_current_names(json.loads((run / "config.json").read_text())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise ConfigError(f"expected the run's config.json beside its checkpoint in {str(run)!r}: {error}") from error


def changed_settings(before: TrainConfig, after: TrainConfig) -> list[str]:
    """Settings that differ, one a line: `optimiser.learning_rate: 0.0006 -> 0.0003`."""
    one, other = resolved(before), resolved(after)
    return [
        f"{table}.{key}: {json.dumps(one[table][key])} -> {json.dumps(value)}"
        for table, values in other.items()
        for key, value in values.items()
        if table in one and one[table][key] != value
    ]


def _read_starts(run: Path) -> list[dict[str, Any]]:
    path = run / "run.json"
    try:
        return json.loads(path.read_text())["starts"] if path.exists() else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"expected what the run to resume was made from, could not read {str(path)!r}") from error


def _read_step(checkpoint: Path) -> int:
    try:
        return torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["global_step"]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"expected a checkpoint of a run, could not read {str(checkpoint)!r}: {error}") from error


def read_origin(checkpoint: Path) -> Origin:
    """Read what a run goes on from.

    Args:
        checkpoint: its state, in the folder of the run that wrote it.

    Raises:
        ConfigError: the folder lacks the run's config, or its history cannot be read.
        CheckpointError: not a run's checkpoint.
    """
    run = checkpoint.parent
    return Origin(checkpoint, _read_step(checkpoint), read_saved_config(run), _read_starts(run))


def adopt(origin: Origin, out: Path) -> Origin:
    """Take another run's checkpoint into a new run's folder, where it stays when the other run replaces it.

    Args:
        origin: in the folder of the run that wrote it.
        out: folder of the new run.

    Returns:
        The state, at `out/start.ckpt`, with those starts of the other run that led to it.

    Raises:
        CheckpointError: the other run replaced the checkpoint meanwhile.
    """
    start = out / START
    out.mkdir(parents=True, exist_ok=True)
    start.unlink(missing_ok=True)
    try:
        os.link(origin.checkpoint, start)
    except OSError:  # another file system, or one without links
        shutil.copyfile(origin.checkpoint, start)
    if _read_step(start) != origin.step:
        start.unlink()
        raise CheckpointError(
            f"expected the checkpoint of step {origin.step}, which the run that writes {str(origin.checkpoint)!r} has "
            "replaced meanwhile; start again, or take one that is kept (run.keep_every)"
        )
    starts = [made for made in origin.starts if made.get("step", 0) < origin.step]
    return origin._replace(checkpoint=start, starts=starts)


def decay_config(config: TrainConfig, origin: Origin) -> TrainConfig:
    """Config of a run whose rate falls to zero from where another one stands.

    Args:
        config: of the new run; its `run.steps` does not count.
        origin: where the fall starts.

    Returns:
        The config with `run.steps` at the end of the fall.

    Raises:
        ConfigError: another schedule, or a state outside the constant part.
    """
    optimiser, before, step = config.optimiser, origin.config, origin.step
    if optimiser.schedule != "constant-linear":
        raise ConfigError(
            'expected optimiser.schedule = "constant-linear" for a run that starts with the fall of its rate, got '
            f"{optimiser.schedule!r}"
        )
    if before.optimiser.schedule == "constant-linear":
        first, last = before.optimiser.warmup_steps, decay_start(before.optimiser, before.run.steps)
        if not first <= step <= last:
            raise ConfigError(
                f"expected a checkpoint of the run's constant part, of step {first} to {last}, got one of step {step}"
            )
    # A fifth of the run that results.
    decay_steps = optimiser.decay_steps or max(1, step // 4)
    return dataclasses.replace(
        config,
        run=dataclasses.replace(config.run, steps=step + decay_steps),
        optimiser=dataclasses.replace(optimiser, decay_steps=decay_steps),
    )


def check_resumable(config: TrainConfig, origin: Origin, packs: list[dict[str, Any]]) -> None:
    """Check that nothing differs which may not: what decides which faces a step sees, and what learns from them.

    Args:
        config: to go on with.
        origin: to go on from.
        packs: name, size and hash of the packs to go on with.

    Raises:
        ConfigError: another task, seed, network, batch or packs; another fall once the rate has begun to fall.
    """
    before = origin.config
    wanted, got = (before.run.task, before.run.seed), (config.run.task, config.run.seed)
    if wanted != got:
        raise ConfigError(f"expected run.task and run.seed of the run to resume, {wanted}, got {got}")
    for table in (name for name in FIXED_TABLES if hasattr(config, name)):
        wanted, got = getattr(before, table), getattr(config, table)
        if wanted != got:
            raise ConfigError(f"expected [{table}] of the run to resume, {wanted}, got {got}")
    if origin.starts and origin.starts[-1]["data"] != packs:
        wanted, got = ([pack["file"] for pack in data] for data in (origin.starts[-1]["data"], packs))
        raise ConfigError(
            f"expected the packs of the run to resume, {wanted}, got {got} or other contents; start a new run from "
            "run.network_weights to learn from other faces"
        )
    _check_fall(config, origin)


def _check_fall(config: TrainConfig, origin: Origin) -> None:
    if {config.optimiser.schedule, origin.config.optimiser.schedule} != {"constant-linear"}:
        return
    falls = [(decay_start(each.optimiser, each.run.steps), each.run.steps) for each in (origin.config, config)]
    if falls[0] != falls[1] and origin.step > falls[0][0]:
        raise ConfigError(
            f"expected run.steps and optimiser.decay_steps as they were, for a fall from step {falls[0][0]} to "
            f"{falls[0][1]} in which step {origin.step} lies, got one from {falls[1][0]} to {falls[1][1]}; prolong the "
            "run from a checkpoint of its constant part"
        )
