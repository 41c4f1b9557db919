"""Resuming: state and config of an earlier run, and the settings that may differ from it."""

import dataclasses
import json
import os
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from dicface.checkpoints.runs import how_to_make
from dicface.errors import CheckpointError, ConfigError
from dicface.training.config import TrainConfig, resolved
from dicface.training.config_files import from_tables
from dicface.training.parsing import RENAMED
from dicface.training.task import decay_start

FIXED_TABLES = ("network", "hourglass", "features", "finder", "scenes", "batch")
START = "start.ckpt"
"""Name of the file with the checkpoint of another run from which a run started."""


class Origin(NamedTuple):
    """State from which a run continues.

    Attributes:
        checkpoint: file with the state after `step` steps.
        step: number of steps taken.
        config: config of the run that wrote the checkpoint.
        starts: provenance of each start of that run (see `describe_start`); empty for runs of older versions.
    """

    checkpoint: Path
    step: int
    config: TrainConfig
    starts: list[dict[str, Any]]


def _current_names(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of a saved config, with renamed settings under their present names."""
    current = {table: dict(values) for table, values in tables.items()}
    for old, new in RENAMED.items():
        (table, _, key), (new_table, _, new_key) = old.partition("."), new.partition(".")
        if not key and table in current:
            current[new_table] = current.pop(table)
        elif key in current.get(table, {}):
            current.setdefault(new_table, {})[new_key] = current[table].pop(key)
    optimiser = current.get("optimiser", {})
    # Older versions had no choice of schedules: `halve_at` meant `halving`.
    if optimiser.get("halve_at"):
        optimiser.setdefault("schedule", "halving")
    return current


def read_saved_config(run: Path) -> TrainConfig:
    """Config with which a run was last started, overrides included.

    Args:
        run: folder of the run. Settings that its version did not have get their defaults.

    Raises:
        ConfigError: the folder holds no config, or one that cannot be read.
    """
    try:
        return from_tables(_current_names(json.loads((run / "config.json").read_text())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise ConfigError(f"expected the run's config.json beside its checkpoint in {str(run)!r}: {error}") from error


def changed_settings(before: TrainConfig, after: TrainConfig) -> list[str]:
    """Settings that differ, one per line: `optimiser.learning_rate: 0.0006 -> 0.0003`."""
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
        raise ConfigError(f"expected the provenance of the run to resume, could not read {str(path)!r}") from error


def _read_step(checkpoint: Path) -> int:
    try:
        return torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["global_step"]
    except FileNotFoundError as error:
        raise CheckpointError(
            f"expected a checkpoint of a run, found nothing at {str(checkpoint)!r}{how_to_make(checkpoint)}"
        ) from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"expected a checkpoint of a run, could not read {str(checkpoint)!r}: {error}") from error


def read_origin(checkpoint: Path) -> Origin:
    """Read the state from which a run continues.

    Args:
        checkpoint: the checkpoint, in the folder of the run that wrote it.

    Raises:
        ConfigError: the folder lacks the run's config, or its history cannot be read.
        CheckpointError: not a run's checkpoint.
    """
    run = checkpoint.parent
    return Origin(checkpoint, _read_step(checkpoint), read_saved_config(run), _read_starts(run))


def adopt(origin: Origin, out: Path) -> Origin:
    """Link or copy another run's checkpoint into a new run's folder, where it outlasts replacement by the other run.

    Args:
        origin: state in the folder of the other run.
        out: folder of the new run.

    Returns:
        The state at `out/start.ckpt`, with the starts of the other run before that step.

    Raises:
        CheckpointError: the other run has replaced the checkpoint in the meantime.
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
            "replaced in the meantime; start again, or take one that is kept (run.keep_every)"
        )
    starts = [made for made in origin.starts if made.get("step", 0) < origin.step]
    return origin._replace(checkpoint=start, starts=starts)


def decay_config(config: TrainConfig, origin: Origin) -> TrainConfig:
    """Config of a run that decays the learning rate of another run's state linearly to zero.

    Args:
        config: config of the new run; its `run.steps` is ignored.
        origin: state at which the decay starts.

    Returns:
        The config with `run.steps` at the end of the decay.

    Raises:
        ConfigError: another schedule, or a state outside the constant part.
    """
    optimiser, before, step = config.optimiser, origin.config, origin.step
    if optimiser.schedule != "constant-linear":
        raise ConfigError(
            'expected optimiser.schedule = "constant-linear" for a run that starts with the decay of its rate, got '
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
    """Check that the settings that decide about faces and network are those of the earlier run.

    Args:
        config: config to continue with.
        origin: state to continue from.
        packs: name, size and hash of the packs to continue with.

    Raises:
        ConfigError: another task, seed, network, batch or other packs; another decay after the decay has started.
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
    _check_decay(config, origin)


def _check_decay(config: TrainConfig, origin: Origin) -> None:
    if {config.optimiser.schedule, origin.config.optimiser.schedule} != {"constant-linear"}:
        return
    decays = [(decay_start(each.optimiser, each.run.steps), each.run.steps) for each in (origin.config, config)]
    if decays[0] != decays[1] and origin.step > decays[0][0]:
        raise ConfigError(
            f"expected run.steps and optimiser.decay_steps as they were, for a decay from step {decays[0][0]} to "
            f"{decays[0][1]} in which step {origin.step} lies, got one from {decays[1][0]} to {decays[1][1]}; prolong "
            "the run from a checkpoint of its constant part"
        )
