"""Damages of faces for evaluation, by name. Nothing here imports torch, so that names are checked quickly."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.images.pixels import resize

NAMES = "grey, sepia, faded, blurX, noiseX, grainX, sharpX, jpegQ, jpegQ-444, twice-jpegQ, twice-jpegQ-444"
"""Names of damages; X and Q stand for numbers."""
NOTHING = "none"
Print = Literal["grey", "sepia", "faded"]
"""Damages of the high-resolution face, which is the reference."""
Fault = Literal["blur", "noise", "grain", "sharp", "jpeg"]
"""Damages of the low-resolution crop."""


class Effect(NamedTuple):
    """One operation of a damage.

    Attributes:
        kind: the operation.
        strength: the number in its name; 0 for prints, which have none.
        full_colour: JPEG stores colour at full resolution.
        twice: the crop is stored as JPEG twice.
    """

    kind: Print | Fault
    strength: float = 0.0
    full_colour: bool = False
    twice: bool = False


class _Range(NamedTuple):
    """Range of the strength of a fault; `whole` for integers only."""

    low: float
    high: float
    whole: bool = False


_RANGES: dict[Fault, _Range] = {
    "blur": _Range(0.1, 8),
    "noise": _Range(0, 255),
    "grain": _Range(0, 255),
    "sharp": _Range(0, 5),
    "jpeg": _Range(1, 99, whole=True),
}


@dataclass(frozen=True)
class Damage:
    """Damage of faces before they are super-resolved.

    Attributes:
        name: as given; empty for no damage.
        prints: operations on the high-resolution face, which is the reference.
        faults: operations on the low-resolution crop, in this order.
    """

    name: str = ""
    prints: tuple[Effect, ...] = ()
    faults: tuple[Effect, ...] = ()

    def truth(self, hr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The faces that results are compared with: (N, R, R, 3) uint8 RGB -> the same shape."""
        if not self.prints:
            return hr
        return np.stack([_applied(self.prints, face, 0) for face in hr])

    def crop(self, truth: NDArray[np.uint8], lr_size: int, face: int) -> NDArray[np.uint8]:
        """Reduce a face with Pillow's bicubic and damage it.

        Args:
            truth: (R, R, 3) uint8 RGB, one of `truth`.
            lr_size: side of the result in pixels.
            face: number of the face in the data, the seed of noise and of the position on JPEG's grid.

        Returns:
            (lr_size, lr_size, 3) uint8 RGB; equal arguments give equal crops.
        """
        return _applied(self.faults, resize(truth, (lr_size, lr_size)), face)


NO_DAMAGE = Damage()


def _applied(effects: tuple[Effect, ...], image: NDArray[np.uint8], face: int) -> NDArray[np.uint8]:
    if not effects:
        return image
    # Imported where a face is damaged: it imports torch.
    from dicface.evaluation.effects import apply_effect

    for number, effect in enumerate(effects):
        image = apply_effect(effect, image, np.random.default_rng((face, number)))
    return image


def _parse_fault(name: str) -> Effect:
    found = re.fullmatch(r"(?:(twice)-)?([a-z]+)(\d+(?:\.\d+)?)(-444)?", name)
    if found is None or found[2] not in _RANGES or (found[2] != "jpeg" and (found[1] or found[4])):
        raise UsageError(f"expected a damage, one of {NAMES}, or {NOTHING}, got {name!r}")
    kind, strength = cast(Fault, found[2]), float(found[3])
    low, high, whole = _RANGES[kind]
    if not low <= strength <= high or (whole and strength % 1):
        number = "a whole number" if whole else "a number"
        raise UsageError(f"expected {number} from {low:g} to {high:g} for {kind}, got {name!r}")
    return Effect(kind, strength, full_colour=found[4] is not None, twice=found[1] is not None)


def parse_damage(text: str) -> Damage:
    """Parse a damage.

    Args:
        text: comma-separated names, applied in this order; empty or `none` for no damage. `grey`, `sepia` and `faded`
            change the reference and come first. `blurX`: standard deviation in pixels of the crop. `noiseX`:
            standard deviation in grey levels, independent in every colour; `grainX`: the same in all colours. `sharpX`:
            amount of an unsharp mask. `jpegQ`: quality, with colour at half resolution, or at full with `-444`;
            `twice-jpegQ`: stored twice, at another place of the grid.

    Raises:
        UsageError: an unknown name, a strength out of range, or a print after another damage.
    """
    names = [] if text.strip() in ("", NOTHING) else [name.strip() for name in text.split(",")]
    prints = [kind for name in names for kind in get_args(Print) if kind == name]
    if names[: len(prints)] != prints:
        first = ", ".join(get_args(Print))
        raise UsageError(f"expected {first} before other damages, since they change the face, got {text!r}")
    faults = tuple(_parse_fault(name) for name in names[len(prints) :])
    return Damage(",".join(names), tuple(map(Effect, prints)), faults)
