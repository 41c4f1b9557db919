"""EXIF, XMP and colour profile, from the source's file to the result's."""

import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ExifTags import IFD
from PIL.PngImagePlugin import PngInfo

from dicface.images import xmp as packets

EXIF_DAMAGED = "its EXIF block is damaged and was ignored"
_ORIENTATION = 0x0112
_XMP_IN_TIFF = 0x02BC
# Width and height as IFD0 and the EXIF directory state them.
_MAIN_SIZE, _EXIF_SIZE = (0x0100, 0x0101), (0xA002, 0xA003)
# Description, maker, model, software, date, artist, copyright. A TIFF's other tags describe its own layout.
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_COLOUR_SPACE, _GAMMA = 0xA001, 0xA500
# Transfer function and range, white point, primaries, coefficients of YCbCr, reference black and white.
_COLOUR_OF_SOURCE = (0x012D, 0x0156, 0x013E, 0x013F, 0x0211, 0x0214)
_SRGB_INTEROP = {1: "R98", 2: b"0100"}
_JPEG_SUFFIXES, _TIFF_SUFFIXES = (".jpg", ".jpeg"), (".tif", ".tiff")
_MAX_JPEG_EXIF, _MAX_JPEG_XMP = 65000, 65502


@dataclass(frozen=True)
class Metadata:
    """Metadata of a photo.

    Attributes:
        exif: EXIF block without orientation (applied) and thumbnail; empty if none.
        xmp: XMP packet, UTF-8; empty if none.
        provenance: XMP packet with the provenance alone, for formats without room for `xmp`; empty if none.
        profiled: the file had a usable colour profile or another statement of its colours. Pixels are converted to
            sRGB, which a result then declares.
    """

    exif: bytes = b""
    xmp: bytes = b""
    provenance: bytes = b""
    profiled: bool = False


NO_METADATA = Metadata()


def read_metadata(image: Image.Image) -> tuple[Metadata, list[str]]:
    """Read the metadata of an opened file.

    Args:
        image: as opened. Its orientation is removed here; apply it first.

    Returns:
        The metadata of the pixels as they are stored (see `srgb_metadata`), and notes on damaged blocks.
    """
    notes: list[str] = []
    exif = b""
    try:
        exif = _read_exif(image)
    except Exception:  # damaged EXIF raises exceptions of any class
        notes.append(EXIF_DAMAGED)
    packet = image.info.get("xmp") or b""
    if not isinstance(packet, bytes) or not packets.is_packet(packet):
        packet = b""
        notes.append("its XMP packet is damaged and was ignored")
    return Metadata(exif, packet), notes


def _read_exif(image: Image.Image) -> bytes:
    """The EXIF block without orientation and thumbnail; empty if none."""
    exif = image.getexif()
    exif.pop(_ORIENTATION, None)
    if image.format != "TIFF":
        return exif.tobytes() if len(exif) else b""
    described = Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in exif:
            described[tag] = exif[tag]
    for tag in (IFD.Exif, IFD.GPSInfo):
        if ifd := dict(exif.get_ifd(tag)):
            ifd.pop(IFD.Interop, None)  # rules for JPEG
            described[tag] = ifd
    return described.tobytes() if len(described) else b""


def result_metadata(
    source: Metadata,
    pixels: NDArray[np.uint8],
    provenance: packets.Provenance | None = None,
    *,
    keep_gps: bool = False,
) -> Metadata:
    """The metadata of a result.

    Args:
        source: metadata of the photo that the result was made from.
        pixels: (H, W, 3) uint8 RGB, the result.
        provenance: model and version that made the result; None leaves that out.
        keep_gps: keep the place where the photo was taken.

    Returns:
        The source's metadata as far as it holds for the result, and the provenance. The EXIF thumbnail is left out.
    """
    exif = source.exif
    if exif:
        height, width = pixels.shape[:2]
        block = Image.Exif()
        block.load(exif)
        # Pillow's copy of a pointer that belongs into the EXIF directory.
        block.pop(IFD.Interop, None)
        if not keep_gps:
            block.pop(IFD.GPSInfo, None)
        for directory, tags in ((block, _MAIN_SIZE), (block.get_ifd(IFD.Exif), _EXIF_SIZE)):
            for tag, length in zip(tags, (width, height), strict=True):
                if tag in directory:
                    directory[tag] = length
        exif = block.tobytes() if len(block) else b""
    xmp = packets.result_packet(source.xmp, provenance, keep_gps=keep_gps)
    return replace(source, exif=exif, xmp=xmp, provenance=packets.result_packet(b"", provenance))


def srgb_metadata(metadata: Metadata) -> Metadata:
    """The metadata of a photo whose pixels were converted to sRGB: EXIF and XMP say so, or nothing."""
    return replace(metadata, exif=_srgb_exif(metadata.exif), xmp=packets.srgb_packet(metadata.xmp), profiled=True)


def _srgb_exif(exif: bytes) -> bytes:
    if not exif:
        return exif
    block = Image.Exif()
    block.load(exif)
    for tag in _COLOUR_OF_SOURCE:
        block.pop(tag, None)
    details = block.get_ifd(IFD.Exif)
    if _COLOUR_SPACE in details:
        details[_COLOUR_SPACE] = 1
    details.pop(_GAMMA, None)
    if IFD.Interop in details:
        block.pop(IFD.Interop, None)
        details[IFD.Interop] = _SRGB_INTEROP
    return block.tobytes() if len(block) else b""


def _srgb_profile() -> bytes:
    """An sRGB profile with a fixed creation date, so that equal results give equal files."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made_on = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return profile[:24] + made_on + profile[36:]


def save_options(suffix: str, metadata: Metadata, *, grey: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Options of Pillow's `save` that write metadata.

    Args:
        suffix: suffix of the file, in lower case.
        metadata: the metadata to write.
        grey: the image has one channel; an sRGB profile does not apply.

    Returns:
        The options, and a note on what the format cannot hold.
    """
    exif, xmp = metadata.exif, metadata.xmp
    lost: list[str] = []
    if exif and (suffix == ".bmp" or (suffix in _JPEG_SUFFIXES and len(exif) > _MAX_JPEG_EXIF)):
        exif = b""
        lost.append("EXIF")
    if xmp and suffix == ".bmp":
        xmp = b""
        lost.append("XMP with the provenance" if metadata.provenance else "XMP")
    if suffix in _JPEG_SUFFIXES and len(xmp) > _MAX_JPEG_XMP:
        xmp = metadata.provenance
        lost.append("the source's XMP")
    notes = (
        (f"{' and '.join(lost)} left out, {suffix} cannot hold {'it' if len(lost) == 1 else 'them'}",) if lost else ()
    )
    options: dict[str, Any] = {"icc_profile": _srgb_profile()} if metadata.profiled and not grey else {}
    if suffix in _TIFF_SUFFIXES:
        options |= _tiff_options(exif, xmp)
    elif exif:
        options["exif"] = exif
    if xmp and suffix == ".png":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif xmp and suffix not in _TIFF_SUFFIXES:
        options["xmp"] = xmp
    return options, notes


def _tiff_options(exif: bytes, xmp: bytes) -> dict[str, Any]:
    """EXIF and XMP as TIFF tags. libtiff cannot write nested directories; a file with them is not compressed."""
    block = Image.Exif()
    if exif:
        block.load(exif)
        for tag in set(block) - {*_TIFF_TAGS, IFD.Exif, IFD.GPSInfo}:
            del block[tag]
    block.get_ifd(IFD.Exif).pop(IFD.Interop, None)  # rules for JPEG
    nested = IFD.Exif in block or IFD.GPSInfo in block
    if xmp:
        block[_XMP_IN_TIFF] = xmp
    return {"exif": block, "compression": "raw" if nested else "tiff_deflate"}
