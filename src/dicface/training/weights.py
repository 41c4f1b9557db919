"""Trained weights that a run starts from, by name."""

from pathlib import Path

from torch import Tensor

from dicface.checkpoints.networks import read_state, weights_file
from dicface.errors import ConfigError
from dicface.runtime.models import embedded_models, find_model
from dicface.training.config_names import shipped_configs


def find_weights(name: str) -> Path:
    """File of trained weights.

    Args:
        name: of an embedded model; or path of a file (.safetensors), of a run's folder, or of a checkpoint in it.

    Raises:
        ConfigError: there is none; where a shipped config makes it, the command is named.
    """
    cards = embedded_models()
    if name in cards:
        return find_model(name, ".safetensors", cards[name].kind)
    path = weights_file(Path(name))
    if path.is_file():
        return path
    # `dicface train paper/dic-celeba` writes to runs/dic-celeba.
    runs = (path.name, path.parent.name)
    makers = [config for config in shipped_configs() if len(path.parts) > 1 and config.split("/")[-1] in runs]
    if makers:
        raise ConfigError(
            f"expected trained weights in {name!r}, found none; `dicface train {makers[0]}` makes them, or name others"
        )
    raise ConfigError(f"expected one of {', '.join(cards)}, a file of weights or a run's folder, got {name!r}")


def read_weights(name: str) -> dict[str, Tensor]:
    """State dict of trained weights.

    Args:
        name: see `find_weights`.

    Raises:
        ConfigError: there are none.
        CheckpointError: not a file of weights.
    """
    return read_state(find_weights(name))


def part_of(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The weights of one part of a network, or all of them where the part was saved alone.

    Args:
        state: of the network or of the part.
        name: of the part, as the network calls it.
    """
    prefix = f"{name}."
    part = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    return part or state
