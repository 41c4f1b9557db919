"""Colour spaces by their primaries and transfer function, and their conversion to 8-bit sRGB."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Curve = Literal["sRGB", "PQ", "HLG"]
Point = tuple[float, float]
"""Chromaticity x, y."""
D65: Point = (0.3127, 0.329)
REFERENCE_WHITE_NITS = 203.0
"""Luminance that becomes the white of a plain picture. Source: ITU-R BT.2408, HDR reference white."""
_PEAK_NITS = 1000.0
_STRAIGHT_UP_TO = 0.6
"""Linear light that tone mapping leaves as it is, relative to the reference white; above it rolls off."""
_STEPS = 1 << 14
_BAND_PIXELS = 1 << 20
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class Primaries(NamedTuple):
    """Chromaticities of a colour space: x, y of red, green, blue and white."""

    red: Point
    green: Point
    blue: Point
    white: Point = D65


class ColourSpace(NamedTuple):
    """An RGB colour space.

    Attributes:
        primaries: of its colours.
        transfer: a named curve from stored values to light, or an exponent (2.2: light is the value to the power 2.2).
    """

    primaries: Primaries
    transfer: Curve | float

    @property
    def is_hdr(self) -> bool:
        """Whether values stand for light above the white of a plain picture."""
        return self.transfer in ("PQ", "HLG")


SRGB_PRIMARIES = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3_PRIMARIES = Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
BT2020_PRIMARIES = Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
ADOBE_RGB = ColourSpace(Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 563 / 256)
"""Source: Adobe RGB (1998) Color Image Encoding, version 2005-05."""
_C: Point = (0.310, 0.316)
_SMPTE_170M = Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
# Code points of ITU-T H.273, which PNG's cICP and the nclx of HEIC and AVIF use.
_CICP_PRIMARIES = {
    1: SRGB_PRIMARIES,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: BT2020_PRIMARIES,
    11: P3_PRIMARIES._replace(white=(0.314, 0.351)),
    12: P3_PRIMARIES,
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
# 1, 6, 14 and 15 are the curve of cameras for television; displays show such pictures as they show sRGB.
_CICP_TRANSFERS: dict[int, Curve | float] = {
    **dict.fromkeys((1, 6, 13, 14, 15), "sRGB"),
    4: 2.2,
    5: 2.8,
    8: 1.0,
    16: "PQ",
    17: 2.6,
    18: "HLG",
}
_UNSPECIFIED = 2


def cicp_space(primaries: int, transfer: int) -> ColourSpace | None:
    """The colour space of two code points of ITU-T H.273; unspecified ones mean sRGB. None if one is not known."""
    found = SRGB_PRIMARIES if primaries == _UNSPECIFIED else _CICP_PRIMARIES.get(primaries)
    curve = "sRGB" if transfer == _UNSPECIFIED else _CICP_TRANSFERS.get(transfer)
    return None if found is None or curve is None else ColourSpace(found, curve)


def is_srgb(space: ColourSpace) -> bool:
    """Whether a colour space is sRGB up to the rounding of its numbers in files.

    An exponent of 2.2 with the primaries of sRGB is sRGB, too: programs write it for that.
    """
    near = np.allclose(np.array(space.primaries), np.array(SRGB_PRIMARIES), atol=2e-3)
    return near and (space.transfer == "sRGB" or (not isinstance(space.transfer, str) and 2.15 < space.transfer < 2.25))


def _to_xyz(primaries: Primaries) -> NDArray[np.float64]:
    """(3, 3) from linear RGB to XYZ, adapted to D65 by Bradford's method."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    colours, white = columns[:, :3], columns[:, 3]
    scaled = colours * np.linalg.solve(colours, white)
    x, y = D65
    source, target = _BRADFORD @ white, _BRADFORD @ [x / y, 1.0, (1 - x - y) / y]
    return np.linalg.inv(_BRADFORD) @ np.diag(target / source) @ _BRADFORD @ scaled


def _light(transfer: Curve | float) -> NDArray[np.float64]:
    """(256,) light of each stored value; 1 is white, or the reference white of HDR. HLG: light of the scene, 0 to 1."""
    value = np.arange(256) / 255
    if transfer == "PQ":
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = value ** (1 / m2)
        return 10_000 / REFERENCE_WHITE_NITS * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    if transfer == "HLG":
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
    if transfer == "sRGB":
        return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    assert not isinstance(transfer, str)
    return value**transfer


def _encoded() -> NDArray[np.uint8]:
    """sRGB values of evenly spaced light from 0 to 1."""
    light = np.arange(_STEPS) / (_STEPS - 1)
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(value * 255).astype(np.uint8)


def _tone_mapped(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light relative to the reference white, rolled off towards 1 without a change of hue."""
    low = _STRAIGHT_UP_TO
    most = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    above = np.minimum((most - low) / (1 - low), (peak := (_PEAK_NITS / REFERENCE_WHITE_NITS - low) / (1 - low)))
    rolled = low + (1 - low) * above * (1 + above / peak**2) / (1 + above)
    return light * np.where(most <= low, 1, rolled / most).astype(np.float32)


def to_srgb(pixels: NDArray[np.uint8], space: ColourSpace) -> NDArray[np.uint8]:
    """Convert pixels to sRGB. Colours outside of it are clipped; HDR is tone-mapped.

    Args:
        pixels: (H, W, 3) uint8 RGB of the colour space.
        space: the colour space.

    Returns:
        (H, W, 3) uint8 RGB, sRGB. Grey pixels stay grey.

    Source:
        ITU-R BT.2100 for PQ and HLG (system gamma 1.2 of a display of 1,000 nits), ITU-R BT.2408 for their white.
    """
    matrix = (np.linalg.inv(_to_xyz(SRGB_PRIMARIES)) @ _to_xyz(space.primaries)).astype(np.float32)
    luminance = _to_xyz(space.primaries)[1].astype(np.float32)
    light, encoded = _light(space.transfer).astype(np.float32), _encoded()
    result = np.empty_like(pixels)
    rows = max(1, _BAND_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        linear = light[pixels[top : top + rows]]
        if space.transfer == "HLG":
            scene = np.maximum(linear @ luminance, 1e-6)[..., None]
            linear = _PEAK_NITS / REFERENCE_WHITE_NITS * linear * scene**0.2
        linear = np.maximum(linear @ matrix.T, 0)
        if space.is_hdr:
            linear = _tone_mapped(linear)
        result[top : top + rows] = encoded[np.rint(np.minimum(linear, 1) * (_STEPS - 1)).astype(np.int32)]
    return result
