"""Models of the distribution `dicface-models`: too large for this one, found where it is installed (ADR 41)."""

import logging
import re
from collections.abc import Collection
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from dicface.errors import CheckpointError
from dicface.files import file_digest
from dicface.runtime.cards import ModelCard, parse_card
from dicface.version import __version__

DISTRIBUTION = "dicface-models"
MAX_MODELS_BYTES = 50_000_000
"""Largest size of all files of `dicface-models` together."""
_MODULE = "dicface_models"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WEIGHTS = {".onnx", ".safetensors"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_log = logging.getLogger(__name__)


class AdditionalModels(NamedTuple):
    """The usable models of `dicface-models`.

    Attributes:
        folder: folder of the files; None where the distribution is not installed.
        cards: cards of the models by name; empty if something is wrong.
        problem: what is wrong, and what to do; empty if nothing is.
    """

    folder: Path | None
    cards: tuple[ModelCard, ...] = ()
    problem: str = ""


def _read_card(path: Path, taken: Collection[str]) -> ModelCard:
    """A card whose name is free and which names files of weights that exist."""
    if not _NAME.fullmatch(path.stem):
        raise CheckpointError(f"expected a name in lower case, with digits and dashes, got {path.stem!r}")
    if path.stem in taken:
        raise CheckpointError(f"expected a name of its own, {path.stem!r} is a model inside dicface")
    try:
        card = parse_card(path.stem, path.read_text(encoding="utf-8"))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"expected a complete card in {path.name}, could not read {error!r}") from error
    if not card.sha256 or not _WEIGHTS.issuperset(card.sha256):
        raise CheckpointError(f"expected hashes of .onnx or .safetensors in {path.name}, got {sorted(card.sha256)}")
    for suffix, digest in card.sha256.items():
        if not _DIGEST.fullmatch(digest):
            raise CheckpointError(f"expected a SHA-256 in hex in {path.name}, got {digest!r}")
        if not path.with_suffix(suffix).is_file():
            raise CheckpointError(f"expected {path.stem}{suffix} beside its card, found no such file")
    return card


def check_models(folder: Path, taken: Collection[str]) -> tuple[ModelCard, ...]:
    """Check the models of a folder by everything but their hashes.

    Args:
        folder: weights (.onnx, .safetensors) and a card (.json) of each model.
        taken: names that none of them may have.

    Returns:
        The cards, by name; none if the folder holds no models.

    Raises:
        CheckpointError: a card is incomplete, its name is taken, a file lacks its card or a card its file, or all
            files together are too large.
    """
    cards = tuple(_read_card(path, taken) for path in sorted(folder.glob("*.json")))
    described = {f"{card.name}{suffix}" for card in cards for suffix in card.sha256}
    weights = [path for path in folder.iterdir() if path.suffix in _WEIGHTS]
    if strays := sorted(path.name for path in weights if path.name not in described):
        raise CheckpointError(f"expected a card for every file of weights, {strays[0]} has none")
    size = sum(path.stat().st_size for path in weights)
    if size > MAX_MODELS_BYTES:
        raise CheckpointError(f"expected at most {MAX_MODELS_BYTES / 1e6:g} MB of weights, got {size / 1e6:.1f} MB")
    return cards


def check_hash(card: ModelCard, path: Path) -> None:
    """Check that a model's file is the one that its card describes.

    Raises:
        CheckpointError: it is another one.
    """
    if file_digest(path) != card.sha256[path.suffix]:
        raise CheckpointError(
            f"expected {path.name} to have the hash of its card, sha256 {card.sha256[path.suffix]}; it is damaged or "
            f"was changed; install {DISTRIBUTION} again"
        )


@cache
def additional_models(taken: frozenset[str]) -> AdditionalModels:
    """The models of `dicface-models`, which are left out together if something is wrong with one.

    Args:
        taken: names of the models inside this package.
    """
    try:
        theirs = version(DISTRIBUTION)
    except PackageNotFoundError:
        return AdditionalModels(None)
    spec = find_spec(_MODULE)
    folder = Path(next(iter(spec.submodule_search_locations or ()), "")) if spec else Path()
    problem = ""
    if theirs != __version__:
        problem = (
            f"{DISTRIBUTION} {theirs} does not fit dicface {__version__}; pip install {DISTRIBUTION}=={__version__}"
        )
    try:
        cards = () if problem else check_models(folder, taken)
    except (CheckpointError, OSError) as error:
        cards, problem = (), f"{DISTRIBUTION} {theirs} is damaged: {error}"
    if problem:
        _log.warning("the models of %s are left out: %s", DISTRIBUTION, problem)
    return AdditionalModels(folder, cards, problem)
