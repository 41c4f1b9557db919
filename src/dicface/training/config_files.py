"""Reading of training configs: TOML files and overrides of their settings."""

import dataclasses
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dicface.errors import ConfigError
from dicface.training import parsing
from dicface.training.config import TrainConfig, resolved
from dicface.training.config_names import find_config
from dicface.training.tables import DICRunConfig, RunConfig


def _run_tables() -> dict[str, tuple[type[TrainConfig], type[RunConfig]]]:
    """Type of the config and type of its table [run], by name of the task."""
    kinds: list[tuple[type[TrainConfig], type[RunConfig]]] = [
        (kind, typing.get_type_hints(kind)["run"]) for kind in typing.get_args(TrainConfig)
    ]
    return {table.task: (kind, table) for kind, table in kinds}


def _fields(kind: Any) -> list[str]:
    return [one.name for one in dataclasses.fields(kind)]


def _own_settings(task: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """The table [run] without settings of other tasks, which may be present with empty values.

    Raises:
        ConfigError: a setting of another task with a value.
    """
    tables = {name: _fields(table) for name, (_, table) in _run_tables().items()}
    own = dict(run)
    for key in run.keys() - set(tables[task]):
        owners = [name for name in tables if key in tables[name]]
        if owners and own.pop(key) not in ("", 0, [], ()):
            whose = f"the task {owners[0]!r}" if len(owners) == 1 else " and ".join(map(repr, owners))
            raise ConfigError(f"run.{key} is for {whose}; leave it out of {task!r}")
    return own


def from_tables(values: Mapping[str, Any]) -> TrainConfig:
    """Build a config from parsed tables.

    Args:
        values: settings by table; missing ones have their defaults.

    Raises:
        ConfigError: unknown key, wrong type, a table or setting that the task does not use.
    """
    kinds = _run_tables()
    known = dict.fromkeys(table for kind, _ in kinds.values() for table in _fields(kind))
    for table in values:
        parsing.check_name(table, known)
    run = parsing.as_table(values.get("run", {}), "run")
    task = run.get("task", DICRunConfig.task)
    if not isinstance(task, str) or task not in kinds:
        raise ConfigError(f"expected one of {tuple(kinds)} for run.task, got {task!r}")
    kind, _ = kinds[task]
    if unused := sorted(values.keys() - set(_fields(kind))):
        raise ConfigError(f"the task {task!r} does not use the tables {unused}; leave them out")
    return parsing.from_mapping(kind, {**values, "run": _own_settings(task, run)})


def read_config(name: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a run's config.

    Args:
        name: name of a shipped config, or path of a TOML file.
        overrides: `table.key=value`, the value in TOML syntax; later ones win.

    Raises:
        ConfigError: no such file, bad TOML, unknown key, wrong type.
    """
    path = find_config(name)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"expected a TOML file, could not read {str(path)!r}: {error}") from error
    parsing.override(values, overrides)
    return from_tables(values)


def with_overrides(config: TrainConfig, overrides: Sequence[str]) -> TrainConfig:
    """Change settings of a config.

    Args:
        config: left as it is.
        overrides: see `read_config`.

    Returns:
        The changed config.

    Raises:
        ConfigError: unknown key, wrong type, contradictory settings.
    """
    values = resolved(config)
    parsing.override(values, overrides)
    return from_tables(values)
