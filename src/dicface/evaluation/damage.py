"""Damage for faces that are measured: named, the same every time, and made as in training."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dicface.data.damage import JPEG_GRID, fade, gaussian_blur, jpeg, luma, sepia, sharpen
from dicface.errors import UsageError
from dicface.images.pixels import resize
from dicface.networks.resize import round_to_8_bits, to_pixels

NAMES = "grey, sepia, faded, blurX, noiseX, grainX, sharpX, jpegQ, jpegQ-444, twice-jpegQ, twice-jpegQ-444"
"""Damages by name; X and Q stand for numbers."""
NOTHING = "none"
_SEPIA_STRENGTH = 0.7
_FADED_BLACK, _FADED_WHITE = 0.15, 0.8
_HALO_RADIUS_PX = 0.8

Draw = np.random.Generator
Effect = Callable[[NDArray[np.uint8], Draw], NDArray[np.uint8]]
"""(H, H, 3) uint8 RGB and random numbers -> the same shape, damaged."""


class _Range(NamedTuple):
    """Strengths that a damage may have."""

    low: float
    high: float
    whole: bool = False


@dataclass(frozen=True)
class Damage:
    """What happens to faces before they are super-resolved.

    Attributes:
        name: as it was asked for, empty for no damage.
        prints: change the high-resolution face, so that it is also what counts as true: grey, sepia and faded.
        faults: happen to the low-resolution crop, in this order.
    """

    name: str = ""
    prints: tuple[Effect, ...] = ()
    faults: tuple[Effect, ...] = ()

    def truth(self, hr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(N, 128, 128, 3) uint8 RGB -> the faces that results are compared with, the same shape."""
        if not self.prints:
            return hr
        return np.stack([_applied(self.prints, face, 0) for face in hr])

    def crop(self, truth: NDArray[np.uint8], lr_size: int, face: int) -> NDArray[np.uint8]:
        """Reduce a face with Pillow's bicubic and damage it.

        Args:
            truth: (128, 128, 3) uint8 RGB, one of `truth`.
            lr_size: side of the result in pixels.
            face: its number in the data, which decides the noise and where on JPEG's grid the crop lies.

        Returns:
            (lr_size, lr_size, 3) uint8 RGB, the same every time.
        """
        return _applied(self.faults, resize(truth, (lr_size, lr_size)), face)


NO_DAMAGE = Damage()


def _applied(effects: tuple[Effect, ...], image: NDArray[np.uint8], face: int) -> NDArray[np.uint8]:
    for place, effect in enumerate(effects):
        image = effect(image, np.random.default_rng((face, place)))
    return image


def _effect(change: Callable[[Tensor], Tensor]) -> Effect:
    """An effect out of a function of (1, 3, H, H) float RGB in [0, 1]."""

    def effect(image: NDArray[np.uint8], _: Draw) -> NDArray[np.uint8]:
        changed = change(torch.tensor(image).permute(2, 0, 1)[None] / 255)
        return to_pixels(round_to_8_bits(changed))[0]

    return effect


def _grey(images: Tensor) -> Tensor:
    return luma(images).expand_as(images)


def _noise(image: NDArray[np.uint8], draw: Draw, *, levels: float, colours: int) -> NDArray[np.uint8]:
    noise = draw.normal(0, levels, (*image.shape[:2], colours))
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def _jpeg(image: NDArray[np.uint8], draw: Draw, *, quality: int, full_colour: bool, times: int) -> NDArray[np.uint8]:
    for _ in range(times):
        above, left = draw.integers(0, JPEG_GRID, 2).tolist()
        image = jpeg(image, quality, above, left, full_colour=full_colour)
    return image


_PRINTS: dict[str, Effect] = {
    "grey": _effect(_grey),
    "sepia": _effect(lambda images: sepia(images, torch.tensor([_SEPIA_STRENGTH]))),
    "faded": _effect(lambda images: fade(images, torch.tensor([_FADED_BLACK]), torch.tensor([_FADED_WHITE]))),
}
_RANGES = {
    "blur": _Range(0.1, 8),
    "noise": _Range(0, 255),
    "grain": _Range(0, 255),
    "sharp": _Range(0, 5),
    "jpeg": _Range(1, 99, whole=True),
}


def _fault(kind: str, strength: float, *, full_colour: bool, twice: bool) -> Effect:
    amount = torch.tensor([strength])
    match kind:
        case "blur":
            return _effect(lambda images: gaussian_blur(images, amount))
        case "noise":
            return partial(_noise, levels=strength, colours=3)
        case "grain":
            return partial(_noise, levels=strength, colours=1)
        case "sharp":
            return _effect(lambda images: sharpen(images, amount, torch.tensor([_HALO_RADIUS_PX])))
        case _:
            return partial(_jpeg, quality=int(strength), full_colour=full_colour, times=2 if twice else 1)


def _parse_fault(name: str) -> Effect:
    found = re.fullmatch(r"(?:(twice)-)?([a-z]+)(\d+(?:\.\d+)?)(-444)?", name)
    if found is None or found[2] not in _RANGES or (found[2] != "jpeg" and (found[1] or found[4])):
        raise UsageError(f"expected a damage, one of {NAMES}, or {NOTHING}, got {name!r}")
    kind, strength = found[2], float(found[3])
    low, high, whole = _RANGES[kind]
    if not low <= strength <= high or (whole and strength % 1):
        number = "a whole number" if whole else "a number"
        raise UsageError(f"expected {number} from {low:g} to {high:g} for {kind}, got {name!r}")
    return _fault(kind, strength, full_colour=found[4] is not None, twice=found[1] is not None)


def parse_damage(text: str) -> Damage:
    """The damage that names stand for.

    Args:
        text: names with commas between, applied in this order; empty or `none` for no damage. `grey`, `sepia` and
            `faded` change the face itself and come first. `blurX`: standard deviation in pixels of the crop. `noiseX`:
            standard deviation in grey levels, independent in every colour; `grainX`: the same in all colours. `sharpX`:
            amount of an unsharp mask. `jpegQ`: quality, with colour at half resolution, or at full with `-444`;
            `twice-jpegQ`: stored twice, at another place of the grid.

    Raises:
        UsageError: an unknown name, a strength outside reason, or a print after another damage.
    """
    names = [] if text.strip() in ("", NOTHING) else [name.strip() for name in text.split(",")]
    prints = [name for name in names if name in _PRINTS]
    if names[: len(prints)] != prints:
        first = ", ".join(_PRINTS)
        raise UsageError(f"expected {first} before other damages, since they change the face, got {text!r}")
    faults = tuple(_parse_fault(name) for name in names[len(prints) :])
    return Damage(",".join(names), tuple(_PRINTS[name] for name in prints), faults)
