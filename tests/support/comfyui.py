"""A stand-in for ComfyUI: loads a node pack as it does, and runs a node with checks of what goes in and comes out."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

_NUMBERS = {"INT": int, "FLOAT": float}


def load_pack(folder: Path) -> ModuleType:
    """Import a folder of custom nodes: under its path as name, with relative imports."""
    name = str(folder).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def run_node(node: Any, **given: Any) -> tuple[Any, ...]:
    """Call a node with the values of its inputs; those left out have their defaults."""
    asked = type(node).INPUT_TYPES()
    assert asked.keys() <= {"required", "optional", "hidden"}
    values: dict[str, Any] = {}
    for group, inputs in asked.items():
        for name, (kind, *settings) in inputs.items():
            if name in given:
                values[name] = given[name]
            elif group == "required" and settings:
                values[name] = settings[0]["default"]
            if name in values:
                _check(kind, values[name], settings[0] if settings else {})
    assert given.keys() <= values.keys(), given.keys() - values.keys()
    results = getattr(node, type(node).FUNCTION)(**values)
    assert isinstance(results, tuple)
    assert len(results) == len(node.RETURN_TYPES) == len(node.RETURN_NAMES)
    for kind, result in zip(node.RETURN_TYPES, results, strict=True):
        _check(kind, result, {})
    return results


def _check(kind: Any, value: Any, settings: dict[str, Any]) -> None:
    if isinstance(kind, list):
        assert value in kind
    elif kind in _NUMBERS:
        assert isinstance(value, _NUMBERS[kind])
        assert settings["min"] <= value <= settings["max"]
    else:
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float32
        assert 0 <= float(value.min()) <= float(value.max()) <= 1
        assert value.ndim == {"IMAGE": 4, "MASK": 3}[kind]
