"""A request about an uploaded photo, and the limits of its photo and its result."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dicface.errors import OutputError, UsageError
from dicface.faces.geometry import Box
from dicface.faces.turns import Quarters, turn_image
from dicface.images.photo import Photo, read_photo
from dicface.runtime.model_files import chosen_sharpness
from dicface.runtime.models import DEFAULT_MODEL, DEFAULT_SHARPNESS
from dicface.web.networks import NO_NETWORKS, AddedNetworks

MAX_UPLOAD_MEGAPIXELS = 64.0
"""Of an uploaded photo: a letter page at 600 dpi has 34, the largest phones' photos 50."""
MAX_RESULT_MEGAPIXELS = 64.0
SCALES = (1, 2, 4, 8)
SHARPNESSES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Each is a network in memory, so that a request may not have any number."""


class Request(NamedTuple):
    """A request about an uploaded photo.

    Attributes:
        source: the uploaded file.
        folder: folder for results.
        name: what the owner calls the file.
        turn: quarter turns clockwise that the owner gave the photo.
        model: name of an embedded model.
        scale: enlargement of the photo.
        boxes: faces drawn by the owner, in pixels of the turned photo.
        forced: numbers of faces to restore although they would be left as they are.
        networks: of the operator's networks, those that are switched on.
        sharpness: of the faces, one of `SHARPNESSES`.
    """

    source: Path
    folder: Path
    name: str
    turn: int = 0
    model: str = DEFAULT_MODEL
    scale: float = 1.0
    boxes: tuple[Box, ...] = ()
    forced: tuple[int, ...] = ()
    networks: AddedNetworks = NO_NETWORKS
    sharpness: float = DEFAULT_SHARPNESS

    @property
    def enlarged_file(self) -> Path | None:
        """File for the photo as the network for the background enlarges it: an array, without restored faces.

        None if that network is not used. A photo that keeps its size is not changed by it.
        """
        if self.networks.background is None or self.scale == 1:
            return None
        return self.folder / f"enlarged-{self.turn}-{self.scale:g}.npy"


def read_turned(source: Path, turn: int) -> Photo:
    """Read a photo within the page's limits, turned by quarters clockwise."""
    photo = read_photo(source, max_megapixels=MAX_UPLOAD_MEGAPIXELS)
    quarters: Quarters = (0, 3, 2, 1)[turn % 4]
    if quarters == 0:
        return photo
    alpha = None if photo.alpha is None else np.ascontiguousarray(np.rot90(photo.alpha, quarters))
    return replace(photo, pixels=np.ascontiguousarray(turn_image(photo.pixels, quarters)), alpha=alpha)


def request_sharpness(model: str, sharpness: float | None) -> float:
    """The sharpness of a request's result; see `chosen_sharpness`.

    Raises:
        UsageError: not one of `SHARPNESSES`, or not 0 for a model without sharp twin.
    """
    if sharpness is not None and sharpness not in SHARPNESSES:
        raise UsageError(f"expected as `sharpness` one of {', '.join(f'{each:g}' for each in SHARPNESSES)}")
    return chosen_sharpness(model, sharpness)


def check_result(request: Request, width: int, height: int) -> None:
    """Check the size of a result.

    Args:
        request: of it, the scale counts.
        width, height: of the photo, in pixels.

    Raises:
        OutputError: it would have more than `MAX_RESULT_MEGAPIXELS`.
    """
    megapixels = width * height * request.scale**2 / 1e6
    if megapixels > MAX_RESULT_MEGAPIXELS:
        raise OutputError(f"expected a result of at most {MAX_RESULT_MEGAPIXELS:g} megapixels, got {megapixels:.0f}")
