"""EXIF blocks: from that of a source's file to that of a result."""

import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD

from dicface.images.regions import moved_subject
from dicface.images.transform import Transform

MAKER_NOTES = "maker notes"
_ORIENTATION = 0x0112
# Width and height as IFD0 and the EXIF directory state them.
_MAIN_SIZE, _EXIF_SIZE = (0x0100, 0x0101), (0xA002, 0xA003)
_RELATED_SIZE = (0x1001, 0x1002)
"""Width and height as the interoperability directory states them."""
_RESOLUTION, _RESOLUTION_UNIT = (0x011A, 0x011B), 0x0128
_INCH, _CENTIMETRE = 2, 3
_SUBJECT = (0x9214, 0xA214)
"""Subject area and location."""
_FOCAL_PLANE = (0xA20E, 0xA20F)
"""Pixels a unit on the sensor, across and down."""
_MAKER_NOTE, _COLOUR_SPACE, _GAMMA = 0x927C, 0xA001, 0xA500
# Transfer function and range, white point, primaries, coefficients of YCbCr, reference black and white.
_COLOUR_OF_SOURCE = (0x012D, 0x0156, 0x013E, 0x013F, 0x0211, 0x0214)
_SRGB_INTEROP = {1: "R98", 2: b"0100"}
TIFF_TAGS = (
    *(0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298),
    *range(0x9C9B, 0x9CA0),
)
"""Names of document and page, description, maker, model, software, date, artist, computer, rating, copyright, and the
titles that Windows writes. A TIFF's other tags describe its own layout."""
_MOST_SHORT, _MOST_DENSE = 65535, 1e8
_BYTE, _RATIONAL, _UNDEFINED, _SIGNED_RATIONAL = 1, 5, 7, 10
_TYPES = {
    **dict.fromkeys((0x8828, 0x9101, 0x9286, 0xA20C, 0xA300, 0xA301, 0xA40B), (_BYTE, _UNDEFINED)),
    **dict.fromkeys((0x9201, 0x9203, 0x9204), (_RATIONAL, _SIGNED_RATIONAL)),
}
"""Types that Pillow guesses by the value, and those of the same size that Exif 3.0, 4.6.5 asks for."""


def _loaded(exif: bytes) -> Image.Exif:
    block = Image.Exif()
    block.load(exif)
    # Pillow's copy of a pointer that belongs into the EXIF directory.
    block.pop(IFD.Interop, None)
    return block


def _bytes(block: Image.Exif) -> bytes:
    return _typed(block.tobytes()) if len(block) else b""


def _typed(exif: bytes) -> bytes:
    """A block as Pillow writes it, with the standard's types: a comment of the user, say, is no list of numbers."""
    start, order = len(b"Exif\0\0"), "<" if exif[6:8] == b"II" else ">"
    block = bytearray(exif)
    (directory,) = struct.unpack_from(f"{order}I", block, start + 4)
    for at in _entries(block, start + directory, order):
        tag, _, _, value = struct.unpack_from(f"{order}HHII", block, at)
        if tag != IFD.Exif:
            continue
        for detail in _entries(block, start + value, order):
            tag, kind = struct.unpack_from(f"{order}HH", block, detail)
            guessed, right = _TYPES.get(tag, (kind, kind))
            struct.pack_into(f"{order}H", block, detail + 2, right if kind == guessed else kind)
    return bytes(block)


def _entries(block: bytearray, directory: int, order: str) -> range:
    """Places of the entries of a directory."""
    (count,) = struct.unpack_from(f"{order}H", block, directory)
    return range(directory + 2, directory + 2 + 12 * count, 12)


def read_exif(image: Image.Image) -> tuple[bytes, tuple[str, ...]]:
    """The EXIF block of an opened file, without orientation, thumbnail and maker notes, and what was left out of it.

    Maker notes say in their own ways where focus and faces were, and point to places in the file.
    """
    exif = image.getexif()
    exif.pop(_ORIENTATION, None)
    if image.format == "TIFF":
        exif = _of_tiff(exif)
    if not len(exif):
        return b"", ()
    block = _loaded(exif.tobytes())
    details = block.get_ifd(IFD.Exif)
    left_out = (MAKER_NOTES,) if details.pop(_MAKER_NOTE, None) is not None else ()
    return _bytes(block), left_out


def _of_tiff(exif: Image.Exif) -> Image.Exif:
    described = Image.Exif()
    for tag in TIFF_TAGS:
        if tag in exif:
            described[tag] = exif[tag]
    for tag in (IFD.Exif, IFD.GPSInfo):
        if ifd := dict(exif.get_ifd(tag)):
            ifd.pop(IFD.Interop, None)  # rules for JPEG
            described[tag] = ifd
    return described


def moved_exif(exif: bytes, transform: Transform) -> bytes:
    """The block of a moved picture: print size, subject and sensor follow.

    Args:
        exif: the block; may be empty.
        transform: how the picture was moved.
    """
    if not exif:
        return exif
    block = _loaded(exif)
    details = block.get_ifd(IFD.Exif)
    for tag in _SUBJECT:
        if tag in details and (moved := _moved_subject(details.pop(tag), transform)) is not None:
            details[tag] = moved
    # Without a unit, the numbers are the shape of a pixel, which enlarging does not change.
    shape = transform if unitless_density(block) is None else transform._replace(scale_x=1.0, scale_y=1.0)
    for directory, tags, moved in ((block, _RESOLUTION, shape), (details, _FOCAL_PLANE, transform)):
        across, down = (_number(directory.get(tag)) for tag in tags)
        if across is not None and down is not None:
            directory[tags[0]], directory[tags[1]] = moved.sides(across, down)
    return _bytes(block)


def _moved_subject(value: Any, transform: Transform) -> tuple[int, ...] | None:
    """Subject area or location; None if it is damaged or beyond what EXIF can say."""
    try:
        moved = moved_subject([float(number) for number in value], transform)
    except (TypeError, ValueError):
        return None
    return tuple(moved) if 0 <= min(moved) <= max(moved) <= _MOST_SHORT else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 0 < number <= _MOST_DENSE else None


def print_dpi(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """Pixels an inch across and down, as the tags of EXIF and TIFF state them; None if they do not."""
    across, down = (_number(tags.get(tag)) for tag in _RESOLUTION)
    unit = {_INCH: 1.0, _CENTIMETRE: 2.54}.get(tags.get(_RESOLUTION_UNIT, _INCH))
    return None if across is None or down is None or unit is None else (across * unit, down * unit)


def unitless_density(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """Pixels across and down of an unstated unit, which give the shape of a pixel; None if the tags have a unit."""
    across, down = (_number(tags.get(tag)) for tag in _RESOLUTION)
    has_unit = tags.get(_RESOLUTION_UNIT, _INCH) in (_INCH, _CENTIMETRE)
    return None if has_unit or across is None or down is None else (across, down)


def with_dpi(exif: bytes, dpi: tuple[float, float]) -> bytes:
    """The block with pixels an inch, for formats that can say them nowhere else."""
    block = _loaded(exif) if exif else Image.Exif()
    for tag, value in zip(_RESOLUTION, dpi, strict=True):
        block[tag] = Fraction(value).limit_denominator(1000)
    block[_RESOLUTION_UNIT] = _INCH
    return _bytes(block)


def srgb_exif(exif: bytes) -> bytes:
    """The block of pixels that were converted to sRGB."""
    if not exif:
        return exif
    block = _loaded(exif)
    for tag in _COLOUR_OF_SOURCE:
        block.pop(tag, None)
    details = block.get_ifd(IFD.Exif)
    if _COLOUR_SPACE in details:
        details[_COLOUR_SPACE] = 1
    details.pop(_GAMMA, None)
    if IFD.Interop in details:
        details[IFD.Interop] = _SRGB_INTEROP
    return _bytes(block)


def result_exif(exif: bytes, size: tuple[int, int], *, keep_gps: bool) -> bytes:
    """The block with the size of a result.

    Args:
        exif: the block; may be empty.
        size: width and height of the result.
        keep_gps: keep the place where the photo was taken.
    """
    if not exif:
        return exif
    block = _loaded(exif)
    if not keep_gps:
        block.pop(IFD.GPSInfo, None)
    details, related = block.get_ifd(IFD.Exif), dict[int, Any]()
    if IFD.Interop in details:
        # Of another copy: Pillow writes what was read of this one into the main directory, too.
        other = _loaded(exif)
        other.get_ifd(IFD.Exif)
        related.update(other.get_ifd(IFD.Interop))
        details[IFD.Interop] = related
    for directory, tags in ((block, _MAIN_SIZE), (details, _EXIF_SIZE), (related, _RELATED_SIZE)):
        for tag, length in zip(tags, size, strict=True):
            if tag in directory:
                directory[tag] = length
    return _bytes(block)


def without_subject(exif: bytes) -> bytes:
    """The block without what says where something is in the picture."""
    if not exif:
        return exif
    block = _loaded(exif)
    for tag in _SUBJECT:
        block.get_ifd(IFD.Exif).pop(tag, None)
    return _bytes(block)
