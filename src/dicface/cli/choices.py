"""Parsing of the options that choose faces, strength and scale."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dicface.errors import UsageError

if TYPE_CHECKING:
    from dicface.faces.geometry import Box
    from dicface.images.inputs import Shard
    from dicface.restoration.choice import Strength
    from dicface.restoration.scale import Scale


def parse_box(text: str) -> "Box":
    """A face by --box X0,Y0,X1,Y1."""
    from dicface.faces.geometry import Box

    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected --box X0,Y0,X1,Y1 in pixels of the photo, got {text!r}") from error
    # Written as `not (...)`, so that NaN fails, too.
    if not (-math.inf < left < right < math.inf and -math.inf < top < bottom < math.inf):
        raise UsageError(f"expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got {text!r}")
    return Box(left, top, right, bottom)


def parse_scale(text: str) -> "Scale":
    """A scale by --scale: auto or a number from 1 to 8."""
    from dicface.restoration.scale import check_scale

    try:
        scale = "auto" if text == "auto" else float(text)
        check_scale(scale)
    except ValueError as error:
        raise UsageError(f"expected --scale auto or a number from 1 to 8, got {text!r}") from error
    return scale


def parse_strengths(texts: Sequence[str]) -> "Strength":
    """Strengths by --strength 0.7 for all faces and --strength 3=0.4 for one."""
    strengths: dict[int | None, float] = {}
    for text in texts:
        number, equals, value = text.rpartition("=")
        try:
            key, strength = int(number) if equals else None, float(value)
        except ValueError as error:
            raise UsageError(
                f"expected --strength 0.7, or --strength 3=0.7 for the face of number 3, got {text!r}"
            ) from error
        if key in strengths:
            which = "all faces" if key is None else f"face {key}"
            raise UsageError(f"expected one --strength for {which}, got {strengths[key]:g} and {text!r}")
        strengths[key] = strength
    return strengths


def parse_faces(text: str | None) -> tuple[int, ...] | None:
    """Numbers of faces by --faces 1,3."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected --faces 1,3 with numbers of the report or of --preview, got {text!r}") from error


def parse_shard(text: str) -> "Shard":
    """A part of the inputs by --shard I/N."""
    from dicface.images.inputs import Shard

    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise UsageError(f"expected --shard I/N with I from 0 to N - 1, such as 0/3, 1/3 and 2/3, got {text!r}")
    return Shard(int(index), int(count))
