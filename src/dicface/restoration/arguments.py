"""Arguments of the calls that restore photos, for those that pass them on; `Restorer.restore` says what each means."""

from collections.abc import Collection, Sequence
from typing import TypedDict

from dicface.faces.geometry import Box
from dicface.restoration.choice import Strength
from dicface.restoration.scale import Scale


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
