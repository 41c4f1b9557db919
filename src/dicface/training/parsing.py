"""Strict conversion of parsed TOML to config dataclasses."""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from dicface.errors import ConfigError

Config = TypeVar("Config")

RENAMED = {
    "lr": "degradation",
    "degradation.degradation": "degradation.kind",
    "degradation.sensor_min": "degradation.sensor_scale_min",
    "degradation.sensor_max": "degradation.sensor_scale_max",
    "optimiser.gradient_norm": "optimiser.max_grad_norm",
}
"""Settings (`table.key`) and tables by their names in earlier versions, with their present names."""


def check_name(key: str, known: Iterable[str], table: str = "") -> None:
    """Refuse a key that does not exist.

    Args:
        key: name of a setting, or of a table.
        known: the keys that exist.
        table: dotted name of the table; empty for the whole file.

    Raises:
        ConfigError: no such key; the error says the new name of a renamed key, or the nearest name.
    """
    dotted = f"{table}." if table else ""
    if new := RENAMED.get(f"{dotted}{key}"):
        what = f"setting {dotted}{key} is now called {new}" if table else f"table [{key}] is now called [{new}]"
        raise ConfigError(f"the {what}; rename it")
    known = list(known)
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
        raise ConfigError(f"unknown setting {dotted}{key}; did you mean {dotted}{near[0]}?")


def _coerce(value: Any, kind: Any, name: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return from_mapping(kind, as_table(value, name), name)
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


def as_table(value: Any, name: str) -> Mapping[str, Any]:
    """Check that a value is a table.

    Args:
        value: parsed TOML.
        name: dotted name, for the error.

    Returns:
        The value.

    Raises:
        ConfigError: it is not a table.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(f"expected a table [{name}], got {value!r}")
    return value


def from_mapping(kind: type[Config], values: Mapping[str, Any], name: str = "") -> Config:
    """Build a config dataclass from parsed TOML.

    Args:
        kind: the dataclass.
        values: values of its fields; missing fields have their defaults.
        name: dotted name of the table, for errors.

    Raises:
        ConfigError: an unknown key (see `check_name`), or a value of the wrong type.
    """
    types = typing.get_type_hints(kind)
    for key in values:
        check_name(key, types, name)
    dotted = f"{name}." if name else ""
    return kind(**{key: _coerce(value, types[key], f"{dotted}{key}") for key, value in values.items()})


def override(values: dict[str, Any], overrides: Sequence[str]) -> None:
    """Change settings in place.

    Args:
        values: tables of a config.
        overrides: `table.key=value`, the value in TOML syntax or as bare text; later ones win.

    Raises:
        ConfigError: an override of another form, or of a table that is a plain value.
    """
    for text in overrides:
        key, equals, literal = text.partition("=")
        table, dot, name = key.strip().partition(".")
        if not (equals and dot):
            raise ConfigError(f"expected table.key=value, got {text!r}")
        try:
            value = tomllib.loads(f"value = {literal}")["value"]
        except tomllib.TOMLDecodeError:
            value = literal.strip()
        if not isinstance(values.setdefault(table, {}), dict):
            raise ConfigError(f"expected a table [{table}], got {values[table]!r}")
        values[table][name] = value
