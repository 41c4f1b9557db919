"""What a file states about its colours: an ICC profile, code points, primaries and gamma, or EXIF."""

import struct
from typing import Any, NamedTuple

from PIL import Image
from PIL.ExifTags import IFD

from dicface.errors import is_our_fault
from dicface.images.boxes import file_head, file_part, primary_properties
from dicface.images.chunks import png_chunk
from dicface.images.colour import ADOBE_RGB, SRGB_PRIMARIES, ColourSpace, Primaries, cicp_space, is_srgb

UNKNOWN = "its colours are not sRGB and of a space that is not known here ({}); taken as sRGB"
UNCALIBRATED = "its EXIF block says that its colours are not sRGB, and not what they are; taken as sRGB"
_BMP_HEAD, _LARGEST_PROFILE = 14, 16 << 20
_COLOUR_SPACE, _INTEROPERABILITY_INDEX = 0xA001, 1
_SRGB, _ADOBE_RGB, _NOT_SRGB = 1, 2, 0xFFFF
_WHITE_POINT, _PRIMARIES = 0x013E, 0x013F
_TIFF_GAMMA = 2.2
"""Source: TIFF 6.0, section 20, of files without a transfer function."""


class StatedColour(NamedTuple):
    """What a file states.

    Attributes:
        profile: its ICC profile, which counts; empty if none does.
        space: a colour space other than sRGB; None for sRGB, or if a profile counts.
        note: for the user; empty if all is clear.
    """

    profile: bytes = b""
    space: ColourSpace | None = None
    note: str = ""


def stated_colour(image: Image.Image) -> StatedColour:
    """Read what an opened file states about its colours, before its pixels are loaded.

    Of several statements one counts: PNG's cICP before a profile, that before sRGB, gAMA and cHRM; a profile before
    the nclx of HEIC and AVIF, except PQ and HLG; EXIF last.

    Args:
        image: as opened; of a PIL image without its file, what Pillow has kept.

    Source:
        PNG third edition, section 4.3; ISO 23008-12 (HEIF), 6.5.5; Exif 3.0, 4.6.6 and DCF 2.0, 5.5.
    """
    profile: bytes = image.info.get("icc_profile") or _bmp_profile(image)
    codes = _png_codes(image) or _nclx_codes(image)
    if codes is not None:
        space = cicp_space(*codes)
        if image.format == "PNG" or not profile or (space is not None and space.is_hdr):
            if space is None:
                return StatedColour(profile, None, "" if profile else UNKNOWN.format("/".join(map(str, codes))))
            return StatedColour(b"", None if is_srgb(space) else space)
    if profile:
        return StatedColour(profile)
    if "srgb" in image.info:
        return StatedColour()
    if codes is None and (space := _png_space(image) or _tiff_space(image)) is not None:
        return StatedColour(b"", None if is_srgb(space) else space)
    return StatedColour() if codes is not None else _exif_colour(image)


def _png_codes(image: Image.Image) -> tuple[int, int] | None:
    """Primaries and transfer of the chunk cICP, which Pillow passes over."""
    codes = png_chunk(image, b"cICP")
    return (codes[0], codes[1]) if len(codes) == 4 else None


def _nclx_codes(image: Image.Image) -> tuple[int, int] | None:
    """Primaries and transfer of HEIC and AVIF."""
    codes = image.info.get("nclx_profile")
    if isinstance(codes, dict):
        return int(codes["color_primaries"]), int(codes["transfer_characteristics"])
    if image.format != "AVIF":
        return None
    for kind, content in primary_properties(file_head(image)):
        if kind == b"colr" and content.startswith(b"nclx") and len(content) >= 8:
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            return primaries, transfer
    return None


def _bmp_profile(image: Image.Image) -> bytes:
    """The profile in a BMP of version 5, which Pillow passes over; empty if none."""
    if image.format != "BMP":
        return b""
    head = file_head(image)
    if len(head) < _BMP_HEAD + 124 or head[_BMP_HEAD + 56 : _BMP_HEAD + 60] != b"DEBM":
        return b""
    at, length = struct.unpack_from("<II", head, _BMP_HEAD + 112)
    return file_part(image, _BMP_HEAD + at, min(length, _LARGEST_PROFILE))


def _png_space(image: Image.Image) -> ColourSpace | None:
    """Primaries and exponent of the chunks cHRM and gAMA; sRGB's where one of them is missing."""
    gamma, points = image.info.get("gamma"), image.info.get("chromaticity")
    if image.format not in ("PNG", None) or (gamma is None and points is None):
        return None
    primaries = SRGB_PRIMARIES
    if points is not None:
        white, red, green, blue = zip(points[::2], points[1::2], strict=True)
        primaries = Primaries(red, green, blue, white)
    return _usable(primaries, 1 / gamma if gamma else None)


def _tiff_space(image: Image.Image) -> ColourSpace | None:
    """White point and primaries of a TIFF."""
    tags: Any = getattr(image, "tag_v2", None)
    if tags is None or _PRIMARIES not in tags or image.mode not in ("RGB", "RGBA"):
        return None
    points = [float(number) for number in (*tags[_PRIMARIES], *tags.get(_WHITE_POINT, SRGB_PRIMARIES.white))]
    if len(points) != 8:
        return None
    red, green, blue, white = zip(points[::2], points[1::2], strict=True)
    return _usable(Primaries(red, green, blue, white), _TIFF_GAMMA)


def _usable(primaries: Primaries, exponent: float | None) -> ColourSpace | None:
    """The colour space, unless its numbers are not those of one."""
    if any(y <= 0 or not 0 <= x <= 1 or x + y > 1 for x, y in primaries):
        return None
    (ax, ay), (bx, by), (cx, cy) = primaries[:3]
    area = abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))
    if area < 0.01 or (exponent is not None and not 0.2 <= exponent <= 5):
        return None
    return ColourSpace(primaries, "sRGB" if exponent is None else exponent)


def _exif_colour(image: Image.Image) -> StatedColour:
    """Adobe RGB as cameras name it: a colour space that is not sRGB, and option file R03."""
    try:
        exif = image.getexif()
        details = exif.get_ifd(IFD.Exif)
        stated = details.get(_COLOUR_SPACE)
        index = exif.get_ifd(IFD.Interop).get(_INTEROPERABILITY_INDEX) if IFD.Interop in details else None
    except Exception as error:  # damaged EXIF raises exceptions of any class
        if is_our_fault(error):
            raise
        return StatedColour()
    name = index.decode("ascii", "replace") if isinstance(index, bytes) else str(index or "")
    if stated == _ADOBE_RGB or (stated == _NOT_SRGB and name.startswith("R03")):
        return StatedColour(b"", ADOBE_RGB)
    return StatedColour(b"", None, UNCALIBRATED if stated == _NOT_SRGB else "")
