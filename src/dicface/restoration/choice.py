"""Choice of the faces that are restored, and of the strength of each."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import cast

from dicface.errors import UsageError
from dicface.faces.geometry import Box

Strength = float | Mapping[int | None, float]
"""One strength for all faces, or strengths by face number. None stands for all other faces; without it, they have 1."""


@dataclass(frozen=True)
class FaceChoice:
    """Which faces are restored, and how strongly. The choice changes neither the numbers of faces nor what is found.

    Attributes:
        strength: share of the restored face in the blend with the plain enlargement, 0 to 1; see `Strength`. A face of
            strength 0 is left alone.
        min_face, max_face: smallest and largest size of faces that were found, see `size_px`; faces of given boxes may
            have any. None for no limit.
        faces: numbers of the faces to restore; None for all.
        force: also restore faces that are too large, too small, seen from the side or doubtful for the model.
        adaptive: lower the strength of a face where the model's expected error is large, see `strength_share`; not with
            `force`.
    """

    strength: Strength = 1.0
    min_face: float | None = None
    max_face: float | None = None
    faces: Collection[int] | None = None
    force: bool = False
    adaptive: bool = True

    def __post_init__(self) -> None:
        strengths = self.strength.values() if isinstance(self.strength, Mapping) else (self.strength,)
        for strength in strengths:
            # Written as `not (...)`, so that NaN fails, too.
            if not 0 <= strength <= 1:
                raise UsageError(f"expected a `strength` from 0 to 1, got {strength:g}")
        _check_numbers("strength", [number for number in self._by_number() if number is not None])
        _check_numbers("faces", self.faces or ())
        for name, size in (("min_face", self.min_face), ("max_face", self.max_face)):
            if size is not None and not size >= 0:
                raise UsageError(f"expected `{name}` in pixels, 0 or more, got {size:g}")
        if self.min_face is not None and self.max_face is not None and self.min_face > self.max_face:
            raise UsageError(f"expected `min_face` not above `max_face`, got {self.min_face:g} and {self.max_face:g}")

    def _by_number(self) -> Mapping[int | None, float]:
        return self.strength if isinstance(self.strength, Mapping) else {None: self.strength}

    def strength_of(self, number: int) -> float:
        """Strength of a face."""
        strengths = self._by_number()
        return float(strengths.get(number, strengths.get(None, 1.0)))

    def takes_number(self, number: int) -> bool:
        """Whether the face of a number is to be restored."""
        return (self.faces is None or number in self.faces) and self.strength_of(number) > 0

    def takes_size(self, box: Box) -> bool:
        """Whether a face that was found has one of the sizes to be restored."""
        size = size_px(box)
        return (self.min_face is None or size >= self.min_face) and (self.max_face is None or size <= self.max_face)

    def missing(self, count: int) -> tuple[int, ...]:
        """Chosen numbers that no face of a photo with so many faces has."""
        named = {number for number in self._by_number() if number is not None} | set(self.faces or ())
        return tuple(sorted(number for number in named if number > count))


def size_px(box: Box) -> float:
    """Size of a face: the longer side of its box, brows to chin, in pixels of the photo."""
    return max(box.right - box.left, box.bottom - box.top)


def _check_numbers(name: str, numbers: Collection[int]) -> None:
    for number in numbers:
        if number < 1:
            raise UsageError(f"expected numbers of faces, 1 or more, in `{name}`, got {number}")


def checked_boxes(boxes: Iterable[Iterable[float]] | None) -> list[Box]:
    """Boxes of faces as a caller gave them, as a list or an (N, 4) array; none for None.

    Raises:
        UsageError: one of them is not four finite numbers.
    """
    if boxes is None:
        return []
    if not isinstance(boxes, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - what callers may try
        raise _no_boxes(boxes)
    return [_checked_box(box) for box in boxes]


def _checked_box(box: object) -> Box:
    edges = list(cast("Iterable[object]", box)) if isinstance(box, Iterable) else []
    numbers = [float(edge) for edge in edges if isinstance(edge, Real) and math.isfinite(edge)]
    if len(edges) != 4 or len(numbers) != 4:
        raise _no_boxes(box)
    return Box(*numbers)


def _no_boxes(got: object) -> UsageError:
    return UsageError(
        "expected `boxes` as a list of faces with four finite numbers each, left, top, right and bottom in pixels of "
        f"the photo, got {got!r}"
    )
