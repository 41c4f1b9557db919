"""What travels beside the pixels: EXIF, XMP and the colour profile, from the source's file to the result's."""

import struct
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ExifTags import IFD
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from dicface.images import xmp as packets

EXIF_DAMAGED = "its EXIF block is damaged and was ignored"
_ORIENTATION = 0x0112
_XMP_IN_TIFF = 0x02BC
_THUMBNAIL_AT, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_THUMBNAIL_PX = (160, 120)
# Width and height as IFD0 and the EXIF directory state them.
_MAIN_SIZE, _EXIF_SIZE = (0x0100, 0x0101), (0xA002, 0xA003)
# Description, maker, model, software, date, artist, copyright. A TIFF's other tags describe its own layout.
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_JPEG_SUFFIXES, _TIFF_SUFFIXES = (".jpg", ".jpeg"), (".tif", ".tiff")
_MAX_JPEG_EXIF, _MAX_JPEG_XMP = 65000, 65502


@dataclass(frozen=True)
class Metadata:
    """What a photo's file says beside its pixels.

    Attributes:
        exif: the EXIF block, its orientation already applied and removed; empty if none.
        xmp: the XMP packet, UTF-8; empty if none.
        profiled: there was a usable colour profile. The pixels are in sRGB by now, so that is what a result says.
        provenance: a packet with the mark alone, for a format that has no room for `xmp`; empty if unmarked.
        thumbnail: the EXIF block held a thumbnail, which `exif` lacks.
    """

    exif: bytes = b""
    xmp: bytes = b""
    provenance: bytes = b""
    profiled: bool = False
    thumbnail: bool = False


NO_METADATA = Metadata()


def read_metadata(image: Image.Image) -> tuple[Metadata, list[str]]:
    """The metadata of an opened file.

    Args:
        image: as opened; it forgets its orientation, so turn it upright first.

    Returns:
        The metadata, `profiled` left to whoever converts the colours, and what was damaged.
    """
    notes: list[str] = []
    exif, thumbnail = b"", False
    try:
        exif, thumbnail = _read_exif(image)
    except Exception:  # damaged EXIF raises whatever its parsing trips over
        notes.append(EXIF_DAMAGED)
    packet = image.info.get("xmp") or b""
    if not isinstance(packet, bytes) or not packets.is_packet(packet):
        packet = b""
        notes.append("its XMP packet is damaged and was ignored")
    return Metadata(exif, packet, thumbnail=thumbnail), notes


def _read_exif(image: Image.Image) -> tuple[bytes, bool]:
    """The EXIF block without its orientation, and whether there was a thumbnail."""
    exif = image.getexif()
    exif.pop(_ORIENTATION, None)
    if image.format != "TIFF":
        block = exif.tobytes() if len(exif) else b""
        # Only now: a thumbnail that was looked at goes astray in what Pillow writes.
        return block, _THUMBNAIL_AT in exif.get_ifd(IFD.IFD1)
    described = Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in exif:
            described[tag] = exif[tag]
    for tag in (IFD.Exif, IFD.GPSInfo):
        if ifd := dict(exif.get_ifd(tag)):
            ifd.pop(IFD.Interop, None)  # rules for JPEG
            described[tag] = ifd
    return (described.tobytes() if len(described) else b""), False


def result_metadata(
    source: Metadata, pixels: NDArray[np.uint8], provenance: packets.Provenance | None = None, keep_gps: bool = False
) -> Metadata:
    """The metadata of a result, from that of its source.

    Args:
        source: of the photo that the result was made from.
        pixels: (H, W, 3) uint8 RGB, the result; a source's thumbnail is made anew from it.
        provenance: what the result says about itself; None leaves that out.
        keep_gps: keep the place where the photo was taken.

    Returns:
        Everything the source said that still holds, and the mark.
    """
    exif = source.exif
    if exif:
        height, width = pixels.shape[:2]
        block = Image.Exif()
        block.load(exif)
        if not keep_gps:
            block.pop(IFD.GPSInfo, None)
        for directory, tags in ((block, _MAIN_SIZE), (block.get_ifd(IFD.Exif), _EXIF_SIZE)):
            for tag, length in zip(tags, (width, height), strict=True):
                if tag in directory:
                    directory[tag] = length
        exif = block.tobytes() if len(block) else b""
    if source.thumbnail:
        exif = _with_thumbnail(exif or Image.Exif().tobytes(), pixels)
    xmp = packets.result_packet(source.xmp, provenance, keep_gps)
    return replace(source, exif=exif, xmp=xmp, provenance=packets.result_packet(b"", provenance))


def _with_thumbnail(exif: bytes, pixels: NDArray[np.uint8]) -> bytes:
    """An EXIF block followed by its second directory, which Pillow does not write."""
    small, encoded = Image.fromarray(pixels), BytesIO()
    small.thumbnail(_THUMBNAIL_PX)
    small.save(encoded, "JPEG", quality=75)
    block = exif.removeprefix(b"Exif\0\0")
    block += bytes(len(block) % 2)
    order = "<" if block.startswith(b"II") else ">"
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    (count,) = struct.unpack_from(f"{order}H", block, first)
    next_at = first + 2 + 12 * count
    directory = ImageFileDirectory_v2(block[:8])
    # Compression (JPEG), resolution and its unit (inch), and where the thumbnail is.
    directory[0x0103], directory[0x011A], directory[0x011B], directory[0x0128] = 6, 72.0, 72.0, 2
    directory[_THUMBNAIL_AT], directory[_THUMBNAIL_LENGTH] = 0, len(encoded.getvalue())
    directory[_THUMBNAIL_AT] = len(block) + len(directory.tobytes(len(block)))
    linked = block[:next_at] + struct.pack(f"{order}I", len(block)) + block[next_at + 4 :]
    return b"Exif\0\0" + linked + directory.tobytes(len(block)) + encoded.getvalue()


def _srgb_profile() -> bytes:
    """An sRGB profile that does not change with the time of day."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made_on = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return profile[:24] + made_on + profile[36:]


def save_options(suffix: str, metadata: Metadata, grey: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What to give to Pillow's `save`, so that a file of that format says it.

    Args:
        suffix: of the file, in lower case.
        metadata: what to say.
        grey: the picture has one colour channel, for which an sRGB profile would be wrong, and needless.

    Returns:
        Options, and what the format cannot hold, for the user to know.
    """
    exif, xmp = metadata.exif, metadata.xmp
    lost: list[str] = []
    if exif and (suffix == ".bmp" or (suffix in _JPEG_SUFFIXES and len(exif) > _MAX_JPEG_EXIF)):
        exif = b""
        lost.append("EXIF")
    if xmp and suffix == ".bmp":
        xmp = b""
        lost.append("XMP with the mark of what it is" if metadata.provenance else "XMP")
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
    """EXIF and XMP as a TIFF's own tags; libtiff cannot write nested directories, so beside these nothing is packed."""
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
