"""Models by name: the embedded ones with their cards, and files."""

import json
from pathlib import Path
from typing import Any, Literal

from dicface.errors import UnknownModelError

Kind = Literal["restoration", "landmarks", "features", "finder"]

DEFAULT_MODEL = "lite"
MODEL_FOR_JPEG = "lite-robust"
"""Better than the default on photos that were stored as JPEG of quality 90 and less (ADR 0027)."""
PICKLED = (".pth", ".pt", ".ckpt")
"""What `torch.save` wrote: other people's checkpoints, and those of unfinished runs."""
_EMBEDDED = Path(__file__).parent.parent / "models"


def embedded_models(kind: Kind | None = None) -> dict[str, dict[str, Any]]:
    """Names and cards of the models inside the package, of one kind or of all."""
    cards = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in _EMBEDDED.glob("*.json")}
    return {name: card for name, card in sorted(cards.items()) if kind in (None, card["kind"])}


def find_model(name: str, suffix: str = ".onnx", kind: Kind = "restoration") -> Path:
    """File of an embedded model, or the file that `name` is a path of.

    Args:
        name: of an embedded model, or a path.
        suffix: which of an embedded model's files.
        kind: what the model is for.

    Raises:
        UnknownModelError: neither.
    """
    names = embedded_models(kind)
    if name in names:
        return _EMBEDDED / f"{name}{suffix}"
    if (path := Path(name)).is_file():
        return path
    raise UnknownModelError(f"expected one of {', '.join(names)} or a model file (.onnx, .safetensors), got {name!r}")
