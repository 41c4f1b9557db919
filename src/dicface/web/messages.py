"""What the page's script sends, read and checked."""

import math
from collections.abc import Sequence
from typing import Any

from dicface.errors import UsageError
from dicface.faces.geometry import Box
from dicface.runtime.models import DEFAULT_MODEL, embedded_models
from dicface.web.album import Entry
from dicface.web.networks import AddedNetworks
from dicface.web.request import SCALES, Request, request_sharpness

MAX_BOXES = 200
_MODELS = tuple(embedded_models("restoration"))


def read_request(said: Any, entry: Entry, networks: AddedNetworks) -> Request:
    """A request about a photo.

    Args:
        said: decoded JSON: an object with turn, model, scale, boxes, forced, large_faces, background and sharpness,
            each of which may be missing.
        entry: the photo.
        networks: the operator's.

    Raises:
        UsageError: another form, a network that the operator has not given, or a sharpness that the model has not.
    """
    try:
        turn, scale = int(said.get("turn", 0)), float(said.get("scale", 1))
        model = str(said.get("model", DEFAULT_MODEL))
        boxes = tuple(_box(box) for box in said.get("boxes", ()))
        forced = tuple(int(number) for number in said.get("forced", ()))
        large_faces, background = _switch(said, "large_faces"), _switch(said, "background")
        sharpness = None if said.get("sharpness") is None else float(said["sharpness"])
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise UsageError("expected an object with turn, model, scale, boxes, forced, switches and sharpness") from error
    # A path would be a file of the server.
    if model not in _MODELS or scale not in SCALES or len(boxes) > MAX_BOXES:
        raise UsageError(f"expected one of the models, one of the scales and at most {MAX_BOXES} boxes")
    sharpness = request_sharpness(model, sharpness)
    chosen = networks.chosen(large_faces=large_faces, background=background)
    return Request(entry.source, entry.folder, entry.name, turn % 4, model, scale, boxes, forced, chosen, sharpness)


def read_list(said: Any, name: str, most: int) -> list[dict[str, Any]]:
    """A field that is a list of objects.

    Args:
        said: decoded JSON, an object.
        name: of the field.
        most: largest length of the list.

    Raises:
        UsageError: another form, or an empty list.
    """
    found: Any = said.get(name) if isinstance(said, dict) else None
    if not isinstance(found, list) or not 0 < len(found) <= most or not all(isinstance(each, dict) for each in found):
        raise UsageError(f"expected `{name}`, a list of 1 to {most} objects")
    return found


def read_strengths(said: Any) -> dict[int, float]:
    """Strengths by face number: decoded JSON, an object with a field `strengths`.

    Raises:
        UsageError: another form, or a strength out of its range.
    """
    try:
        strengths = {int(number): float(strength) for number, strength in said["strengths"].items()}
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError("expected strengths by face number") from error
    if not all(0 <= strength <= 1 for strength in strengths.values()):
        raise UsageError("expected strengths from 0 to 1")
    return strengths


def _switch(said: Any, name: str) -> bool:
    value = said.get(name, False)
    if not isinstance(value, bool):
        raise TypeError
    return value


def _box(edges: Sequence[Any]) -> Box:
    left, top, right, bottom = (float(edge) for edge in edges)
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise ValueError
    return Box(left, top, right, bottom)
