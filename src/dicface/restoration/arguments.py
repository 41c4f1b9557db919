"""Arguments of the calls that restore photos, for those that pass them on; `Restorer` says what each means."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypedDict

from dicface.faces.geometry import Box
from dicface.faces.names import DetectorName
from dicface.restoration.choice import Strength
from dicface.restoration.scale import Scale
from dicface.runtime.providers import BackendName, ProviderName


class FaceArguments(TypedDict):
    """Arguments that choose faces, which finding and restoring share."""

    boxes: Sequence[Box] | None
    only_boxes: bool
    strength: Strength
    min_face: float | None
    max_face: float | None
    faces: Collection[int] | None
    force: bool


class RestoreArguments(FaceArguments):
    """Arguments that decide about the result of restoring a photo."""

    scale: Scale
    adaptive: bool
    passes: int


class RestorerArguments(TypedDict):
    """Arguments of `Restorer` that name its networks and how they run."""

    backend: BackendName
    provider: ProviderName
    detector: DetectorName
    detector_threshold: float | None
    large_faces: str | Path | None
    fidelity: float
    background: str | Path | None
    sharpness: float | None
