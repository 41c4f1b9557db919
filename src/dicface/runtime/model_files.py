"""What results say of the models that made them: name, sharpness, hashes."""

from pathlib import Path
from typing import NamedTuple

from dicface.errors import UsageError
from dicface.files import file_digest
from dicface.runtime.models import DEFAULT_SHARPNESS, find_model, sharp_twin
from dicface.runtime.sharp_twins import TWIN_SUFFIX


def chosen_sharpness(model: str, sharpness: float | None, *, backend: str = "auto") -> float:
    """The sharpness that results get.

    Args:
        model: name or path.
        sharpness: as asked for; None takes `DEFAULT_SHARPNESS` where it can be had, and 0 elsewhere.
        backend: name of the backend; torch has no sharp twins.

    Raises:
        UsageError: see `check_sharpness`.
    """
    if sharpness is None:
        return DEFAULT_SHARPNESS if backend != "torch" and sharp_twin(model) is not None else 0.0
    check_sharpness(model, sharpness)
    return float(sharpness)


def check_sharpness(model: str, sharpness: float) -> Path | None:
    """Check the sharpness that is asked of a model.

    Args:
        model: name or path.
        sharpness: see `FaceModel`.

    Returns:
        File of the sharp twin that takes part; None where none does.

    Raises:
        UsageError: out of its range, or not 0 for a model without sharp twin.
    """
    if not 0 <= sharpness <= 1:
        raise UsageError(f"expected a `sharpness` from 0 to 1, got {sharpness:g}")
    if not sharpness:
        return None
    if (twin := sharp_twin(model)) is None:
        raise UsageError(f"expected `sharpness` 0 for a model without sharp twin, got {sharpness:g} for {model!r}")
    return find_model(twin, TWIN_SUFFIX, "sharp")


class ModelFiles(NamedTuple):
    """What results say of the model that made them.

    Attributes:
        title: its name without folders, and its sharpness if it has one.
        sha256: SHA-256 of its file in hex; with that of its sharp twin after it, where that takes part.
    """

    title: str
    sha256: str

    @classmethod
    def of(cls, model: str, sharpness: float = 0.0, path: Path | None = None) -> "ModelFiles":
        """Name a model.

        Args:
            model: name or path.
            sharpness: see `FaceModel`.
            path: its file; None takes the ONNX file of an embedded model.

        Raises:
            UsageError: see `check_sharpness`.
        """
        title, twin = Path(model).name, check_sharpness(model, sharpness)
        digest = file_digest(path or find_model(model))
        if twin is None:
            return cls(title, digest)
        return cls(f"{title} at sharpness {sharpness:g}", f"{digest} + {file_digest(twin)}")
