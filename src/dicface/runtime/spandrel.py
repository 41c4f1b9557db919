"""General super-resolution networks through spandrel (extra `compare`)."""

import importlib
import importlib.util
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from dicface.checkpoints.networks import read_tensors
from dicface.checkpoints.pickled import read_pickled
from dicface.errors import CheckpointError, UsageError

_LONGEST_REASON = 200
_TORCHVISION = "torchvision.transforms.functional"


def _refuse(*_: object, **__: object) -> Any:
    raise UsageError("this network needs torchvision, which dicface keeps out of spandrel; it cannot run here")


def _stand_ins() -> dict[str, ModuleType]:
    """Empty modules with the names that spandrel imports from torchvision."""
    names = ("torchvision", "torchvision.transforms", _TORCHVISION)
    modules = {name: ModuleType(name) for name in names}
    for name in ("InterpolationMode", "normalize", "rotate"):
        setattr(modules[_TORCHVISION], name, _refuse)
    return modules


def import_spandrel() -> ModuleType:
    """Import spandrel without torchvision.

    spandrel needs torchvision for two architectures, neither of which enlarges small faces; these cannot run. A
    torchvision that does not match torch's build would make all of spandrel unusable (ADR 17).

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


def _read_state(path: Path) -> Any:
    if path.suffix.lower() == ".safetensors":
        return read_tensors(path)[0]
    return read_pickled(path)


def load_general(path: Path) -> Any:
    """Load a network with one colour image in and one out, in evaluation mode, on the CPU.

    Args:
        path: .safetensors, or a file of torch.save (.pth, .pt, .ckpt); weights alone or inside a training checkpoint.
            Nothing in it is executed.

    Returns:
        spandrel's `ImageModelDescriptor`: has `scale` and `architecture.name`, and called with (1, 3, H, W) float32 RGB
        in [0, 1] it gives (1, 3, scale H, scale W) float32 in [0, 1], padding whatever the network needs.

    Raises:
        UsageError: spandrel is not installed.
        CheckpointError: unreadable, an unknown architecture, or another kind of input.
    """
    spandrel = import_spandrel()
    state = _read_state(path)
    name = path.name
    if not isinstance(state, dict):
        raise CheckpointError(f"expected weights by name, got a {type(state).__name__} in {name!r}")
    try:
        with warnings.catch_warnings():
            # Older architectures use functions that torch has deprecated.
            warnings.simplefilter("ignore")
            network = spandrel.ModelLoader().load_from_state_dict(spandrel.canonicalize_state_dict(state))
    except spandrel.UnsupportedModelError as error:
        raise CheckpointError(
            f"expected weights of an architecture that spandrel {version('spandrel')} knows, got {name!r} with "
            f"{[str(key) for key in list(state)[:3]]}"
        ) from error
    # Architectures infer their settings from the weights and raise exceptions of any class for others.
    except Exception as error:
        why = " ".join(str(error).split())[:_LONGEST_REASON]
        raise CheckpointError(f"expected whole weights of one network, {name!r} does not load: {why}") from error
    architecture = network.architecture.name
    if not isinstance(network, spandrel.ImageModelDescriptor):
        raise CheckpointError(f"expected a network that takes an image alone, got {architecture}, which fills in holes")
    if network.purpose == "FaceSR":
        raise CheckpointError(
            f"expected a network that enlarges, got {architecture}, which repairs faces already aligned at 512 px"
        )
    channels = network.input_channels, network.output_channels
    if channels != (3, 3):
        raise CheckpointError(f"expected 3 channels in and 3 out, got {architecture} with {channels}")
    return network.eval()
