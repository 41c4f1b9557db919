"""Options by which Pillow writes metadata, for each format as far as it can hold them."""

import struct
from typing import Any

from PIL import Image, ImageCms
from PIL.ExifTags import IFD
from PIL.PngImagePlugin import PngInfo

from dicface.images import iptc, texts
from dicface.images.exif import TIFF_TAGS, print_dpi, with_dpi
from dicface.images.metadata import Metadata
from dicface.images.packets import Property, with_missing

_XMP_IN_TIFF = 0x02BC
_JPEG_SUFFIXES, _TIFF_SUFFIXES = (".jpg", ".jpeg"), (".tif", ".tiff")
_MAX_JPEG_EXIF, _MAX_JPEG_XMP, _MAX_JPEG_COMMENT, _MAX_JPEG_DPI = 65000, 65502, 65533, 65535


def save_options(suffix: str, metadata: Metadata, *, grey: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Options of Pillow's `save` that write metadata.

    Args:
        suffix: suffix of the file, in lower case.
        metadata: the metadata to write.
        grey: the image has one channel; an sRGB profile does not apply.

    Returns:
        The options, and notes on what the format cannot hold and on what was left out before.
    """
    exif, xmp = metadata.exif, metadata.xmp
    lost: list[str] = []
    if exif and (suffix == ".bmp" or (suffix in _JPEG_SUFFIXES and len(exif) > _MAX_JPEG_EXIF)):
        exif = b""
        lost.append("EXIF")
    options: dict[str, Any] = {"icc_profile": _srgb_profile()} if metadata.profiled and not grey else {}
    written, properties, words = _words(suffix, metadata)
    xmp = with_missing(xmp, properties) if suffix != ".bmp" else xmp
    if xmp and suffix == ".bmp":
        xmp = b""
        lost.append("XMP with the provenance" if metadata.provenance else "XMP")
    if suffix in _JPEG_SUFFIXES and len(xmp) > _MAX_JPEG_XMP:
        xmp = metadata.provenance
        lost.append("the source's XMP")
    options |= written | _print_size(suffix, metadata.dpi)
    if suffix in (".webp", ".avif") and metadata.dpi is not None and print_dpi(_tags(exif)) is None:
        exif = with_dpi(exif, metadata.dpi)
    if suffix in _TIFF_SUFFIXES:
        options |= _tiff_options(exif, xmp, metadata.iptc)
    elif exif:
        options["exif"] = exif
    if xmp and suffix == ".png":
        options.setdefault("pnginfo", PngInfo()).add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif xmp and suffix not in _TIFF_SUFFIXES:
        options["xmp"] = xmp
    return options, _notes(suffix, lost + words, metadata)


def _notes(suffix: str, lost: list[str], metadata: Metadata) -> tuple[str, ...]:
    """One note on everything that is left out; none if nothing is."""
    parts: list[str] = []
    if lost:
        listed = " and ".join(filter(None, (", ".join(lost[:-1]), lost[-1])))
        one = len(lost) == 1 and not lost[0].startswith("the texts")
        parts.append(f"{listed} left out, {suffix} cannot hold {'it' if one else 'them'}")
    if metadata.left_out:
        parts.append(f"left out of its metadata: {', '.join(metadata.left_out)}")
    return ("; ".join(parts),) if parts else ()


def _tags(exif: bytes) -> Image.Exif:
    block = Image.Exif()
    block.load(exif)
    return block


def _print_size(suffix: str, dpi: tuple[float, float] | None) -> dict[str, Any]:
    if dpi is None or suffix in (".webp", ".avif") or (suffix in _JPEG_SUFFIXES and max(dpi) > _MAX_JPEG_DPI):
        return {}
    return {"dpi": dpi}


def _words(suffix: str, metadata: Metadata) -> tuple[dict[str, Any], list[Property], list[str]]:
    """IPTC, texts and comment: options that write them, what goes into XMP instead, and what a format cannot hold."""
    options: dict[str, Any] = {}
    properties: list[Property] = []
    lost: list[str] = []
    segment = iptc.jpeg_segment(metadata.iptc) if metadata.iptc and suffix in _JPEG_SUFFIXES else None
    if segment is not None:
        options["extra"] = segment
    elif metadata.iptc and suffix not in _TIFF_SUFFIXES:
        found, unnamed = iptc.as_properties(metadata.iptc)
        properties += found
        lost += ["IPTC"] if suffix == ".bmp" else [f"IPTC {', '.join(map(str, unnamed))}"] if unnamed else []
    if suffix == ".png":
        info = PngInfo()
        texts.add_texts(info, metadata.texts)
        if metadata.comment:
            texts.add_texts(info, [texts.Text(texts.COMMENT, texts.decoded(metadata.comment))])
        if metadata.texts or metadata.comment:
            options["pnginfo"] = info
        return options, properties, lost
    found, others = texts.as_properties(metadata.texts)
    properties += found
    comment = metadata.comment
    if suffix in _JPEG_SUFFIXES:
        for text in [text for text in others if text.keyword == texts.COMMENT and not comment]:
            comment = text.text.encode()
            others.remove(text)
        if 0 < len(comment) <= _MAX_JPEG_COMMENT:
            options["comment"], comment = comment, b""
    named = [text.keyword for text in (metadata.texts if suffix == ".bmp" else others)]
    lost += [f"the text{'s' * (len(named) > 1)} {', '.join(named)}"] if named else []
    lost += ["the comment"] if comment else []
    return options, properties, lost


def _srgb_profile() -> bytes:
    """An sRGB profile with a fixed creation date, so that equal results give equal files."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made_on = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return profile[:24] + made_on + profile[36:]


def _tiff_options(exif: bytes, xmp: bytes, block_of_iptc: bytes) -> dict[str, Any]:
    """EXIF, XMP and IPTC as TIFF tags.

    libtiff cannot write nested directories, nor IPTC as bytes; a file with them is not compressed.
    """
    block = _tags(exif)
    for tag in set(block) - {*TIFF_TAGS, IFD.Exif, IFD.GPSInfo}:
        del block[tag]
    block.get_ifd(IFD.Exif).pop(IFD.Interop, None)  # rules for JPEG
    plain = bool(block_of_iptc) or IFD.Exif in block or IFD.GPSInfo in block
    if xmp:
        block[_XMP_IN_TIFF] = xmp
    if block_of_iptc:
        block[iptc.IPTC_IN_TIFF] = block_of_iptc
    return {"exif": block, "compression": "raw" if plain else "tiff_deflate"}
