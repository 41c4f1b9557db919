"""General super-resolution networks, as spandrel knows them (extra `compare`)."""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from dicface.errors import UsageError

_TORCHVISION = "torchvision.transforms.functional"


def _refuse(*_: object, **__: object) -> Any:
    raise UsageError("this network needs torchvision, which dicface keeps out of spandrel; it cannot run here")


def _stand_ins() -> dict[str, ModuleType]:
    """Modules that have the names which spandrel imports from torchvision, and no content."""
    names = ("torchvision", "torchvision.transforms", _TORCHVISION)
    modules = {name: ModuleType(name) for name in names}
    for name in ("InterpolationMode", "normalize", "rotate"):
        setattr(modules[_TORCHVISION], name, _refuse)
    return modules


def import_spandrel() -> ModuleType:
    """spandrel, imported without torchvision.

    It wants torchvision for two architectures only, neither of which enlarges small faces; they are there but cannot
    run. A torchvision beside a torch of another build would take all the others with it (ADR 0017).

    Raises:
        UsageError: not installed.
    """
    for name in ("torch", "spandrel", "einops"):
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"{name} is not installed, which general networks need; pip install 'dicface[compare]', then "
                "pip install --no-deps spandrel"
            )
    if "spandrel" in sys.modules or "torchvision" in sys.modules:
        return importlib.import_module("spandrel")
    stand_ins = _stand_ins()
    sys.modules.update(stand_ins)
    try:
        return importlib.import_module("spandrel")
    finally:
        for name in stand_ins:
            del sys.modules[name]
