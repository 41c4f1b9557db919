"""Recognition of the network in a checkpoint of the authors or of mmagic."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from torch import Tensor

from dicface.checkpoints.names import Dialect, NetworkKind, to_our_names
from dicface.checkpoints.pickled import plain_tensors
from dicface.errors import CheckpointError

# Keys under which the authors' solvers (of DIC and of DICGAN) save a network, and one more that they read.
_NETWORK_KEYS = ("state_dict", "netG", "model")
_OR_WRAPPED = f", or a checkpoint with one under {' or '.join(_NETWORK_KEYS)}"
# Checkpoints of mmediting 0.x also hold the channel means as a convolution, and a counter of steps.
_MMAGIC_PARTS = ("generator", "discriminator", "feature_loss", "img_denormalize", "step_counter")


class Foreign(NamedTuple):
    """A network found in a checkpoint.

    Attributes:
        network: kind of network.
        state: its parameters in our names.
        source: owner and form of the checkpoint.
        left_out: other networks in the checkpoint.
    """

    network: NetworkKind
    state: dict[str, Tensor]
    source: str
    left_out: tuple[str, ...]


def recognise_network(content: object) -> Foreign:
    """Recognise the network in a checkpoint by its parameter names.

    Of several networks, the one that super-resolves is taken.

    Args:
        content: a state dict, with or without the `module.` of DataParallel, or a training checkpoint around one.

    Raises:
        CheckpointError: none of the authors' or mmagic's networks, or an unknown parameter.
    """
    found, form, left_out = content, "state dict", ()
    if isinstance(content, dict):
        wrapper = cast(dict[object, object], content)
        inside = next((key for key in _NETWORK_KEYS if isinstance(wrapper.get(key), dict)), None)
        if inside is not None:
            found, form = wrapper[inside], "training checkpoint"
            left_out = ("discriminator",) if inside == "netG" and "netD" in wrapper else ()
    state = _without_prefix(plain_tensors(found, _OR_WRAPPED), "module.")
    if any(key.startswith("generator.") for key in state):
        left_out = _other_parts(state)
        state = {key.removeprefix("generator."): state[key] for key in state if key.startswith("generator.")}
    network, dialect = _recognise(state)
    owner = "mmagic's" if dialect == "mmagic" else "the authors'"
    return Foreign(network, to_our_names(state, network, dialect), f"{owner} {form}", left_out)


def _without_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    if not all(key.startswith(prefix) for key in state):
        return state
    return {key.removeprefix(prefix): value for key, value in state.items()}


def _other_parts(keys: Iterable[str]) -> tuple[str, ...]:
    """The other networks with learned weights in mmagic's checkpoint."""
    parts: dict[str, str] = {}
    for key in keys:
        parts.setdefault(key.split(".")[0], key)
    unknown = [key for part, key in parts.items() if part not in _MMAGIC_PARTS]
    if unknown:
        raise CheckpointError(
            f"expected parameters of {', '.join(_MMAGIC_PARTS)} in mmagic's checkpoint, got {unknown[0]!r}; "
            "is this another network?"
        )
    return tuple(part for part in ("discriminator", "feature_loss") if part in parts)


def _recognise(state: Mapping[str, Tensor]) -> tuple[NetworkKind, Dialect]:
    heads = {key.split(".")[0] for key in state}
    if "first_block" in heads:
        return "DIC network", "mmagic" if heads & {"conv_first", "hour_glass"} else "authors"
    if "hg0_lin1" in heads:
        return "stacked hourglass", "authors"
    if {"hg", "compress_in"} <= heads:
        return "landmark branch", "authors"
    if "features" in heads:
        dialect = "mmagic" if "features.3.filter.weight" in state else "authors"
        return "discriminator" if "classifier" in heads else "LightCNN features", dialect
    raise CheckpointError(
        "expected the DIC network, its landmark branch, the stacked hourglass, the discriminator or the LightCNN "
        f"features, in the authors' or mmagic's names, got parameters such as {list(state)[:3]}"
    )
