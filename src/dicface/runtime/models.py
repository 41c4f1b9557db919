"""Models by name: the embedded ones with their cards, and files."""

import os
from functools import cache
from pathlib import Path

from dicface.checkpoints.runs import how_to_make, weights_file
from dicface.errors import UnknownModelError
from dicface.runtime.additional_models import AdditionalModels, additional_models, check_hash
from dicface.runtime.cards import Kind, ModelCard, SharpResult, parse_card

DEFAULT_MODEL = "lite"
DEFAULT_SHARPNESS = 0.5
"""Sharpness of results unless another is asked for, where the model has a sharp twin (ADR 48)."""
PICKLED = (".pth", ".pt", ".ckpt")
"""What `torch.save` wrote: other people's checkpoints, and those of unfinished runs."""
_LARGER = {"lite": "lite-256"}
"""Models that restore the faces that are too large for a model, by its name."""
_SHARP = {"lite": "lite-sharp", "lite-256": "lite-256-sharp"}
"""Sharp twins of models, by the model's name."""
_EMBEDDED = Path(__file__).parent.parent / "models"


@cache
def _cards() -> tuple[ModelCard, ...]:
    paths = sorted(_EMBEDDED.glob("*.json"), key=lambda path: path.stem)
    return tuple(parse_card(path.stem, path.read_text(encoding="utf-8")) for path in paths)


def _additional() -> AdditionalModels:
    return additional_models(frozenset(card.name for card in _cards()))


def embedded_models(kind: Kind | None = None) -> dict[str, ModelCard]:
    """Names and cards of the models inside the package and in `dicface-models`, of one kind or of all."""
    return {card.name: card for card in (*_cards(), *_additional().cards) if kind in (None, card.kind)}


def _file_of(card: ModelCard, suffix: str) -> Path:
    """A file of an embedded model; of one in `dicface-models`, with the hash of its card.

    Raises:
        UnknownModelError: the model has no file of this suffix.
        CheckpointError: not the file that the card describes.
    """
    if suffix not in card.sha256:
        raise UnknownModelError(f"expected a model with a {suffix} file, {card.name} has {', '.join(card.sha256)} only")
    added = _additional()
    if added.folder is None or card.name not in {each.name for each in added.cards}:
        return _EMBEDDED / f"{card.name}{suffix}"
    path = added.folder / f"{card.name}{suffix}"
    check_hash(card, path)
    return path


def _also() -> str:
    """Text to add to a list of names where `dicface-models` is installed and cannot be used; else empty."""
    problem = _additional().problem
    return f" ({problem})" if problem else ""


def find_card(name: str) -> ModelCard:
    """Card of an embedded model of any kind.

    Raises:
        UnknownModelError: none of that name.
    """
    cards = embedded_models()
    if name not in cards:
        raise UnknownModelError(f"expected one of {', '.join(cards)}, got {name!r}{_also()}")
    return cards[name]


def models_to_choose() -> list[str]:
    """Names of the restoration models that a user chooses from; larger and sharp ones are used by themselves."""
    names = embedded_models("restoration")
    return [name for name in names if name not in {larger_model(other) for other in names}]


def larger_model(name: str) -> str | None:
    """Name of the embedded model for faces that are too large for another; None if there is none."""
    larger = _LARGER.get(name)
    return larger if larger in embedded_models("restoration") else None


def sharp_twin(name: str) -> str | None:
    """Name of the sharp twin of an embedded model; None if there is none."""
    twin = _SHARP.get(name)
    return twin if twin in embedded_models("sharp") else None


def sharp_results(name: str) -> tuple[SharpResult, ...]:
    """What was measured of an embedded model and its sharp twin, by size and sharpness; empty if it has none."""
    twin = sharp_twin(name)
    return () if twin is None else tuple(row for row in find_card(twin).results if isinstance(row, SharpResult))


def find_model(name: str, suffix: str = ".onnx", kind: Kind = "restoration") -> Path:
    """File of an embedded model, or the file or run that `name` is a path of.

    Args:
        name: of an embedded model, or path of a file or of a run's folder, whose weights are taken.
        suffix: which of an embedded model's files.
        kind: what the model is for.

    Raises:
        UnknownModelError: neither, or an embedded model without such a file. If a shipped config makes the run, the
            error names the command.
        CheckpointError: a file of `dicface-models` that is not the one its card describes.
    """
    names = embedded_models(kind)
    if name in names:
        return _file_of(names[name], suffix)
    if (path := weights_file(Path(name))).is_file():
        return path
    raise UnknownModelError(
        f"expected one of {', '.join(names)}, a model file (.onnx, .safetensors) or a run's folder, got {name!r}"
        f"{' without weights' if Path(name).is_dir() else ''}{_also()}{how_to_make(name)}"
    )


def find_network(name: str | os.PathLike[str]) -> Path:
    """Weights of a network that restores faces, for torch.

    Args:
        name: of an embedded model, or path of a file (.safetensors), of a run's folder, or of a checkpoint in it.

    Raises:
        UnknownModelError: neither. If a shipped config makes the run, the error names the command.
        CheckpointError: see `find_model`.
    """
    path, names = Path(name), embedded_models("restoration")
    if str(name) in names:
        return find_model(str(name), ".safetensors")
    if path.exists():
        return path
    raise UnknownModelError(
        f"expected one of {', '.join(names)}, a .safetensors file, a run's folder or its checkpoint, got {str(name)!r}"
        f"{_also()}{how_to_make(path)}"
    )
