"""Metadata of a photo: from the source's file to those of a result."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import is_our_fault
from dicface.images import packets, xmp
from dicface.images.exif import (
    moved_exif,
    read_exif,
    result_exif,
    srgb_exif,
    without_subject,
)
from dicface.images.iptc import read_iptc, result_iptc
from dicface.images.print_size import has_square_pixels, stated_dpi
from dicface.images.texts import Text, is_place, raw_profile, read_comment, read_texts
from dicface.images.transform import Transform

EXIF_DAMAGED = "its EXIF block is damaged and was ignored"
NOT_SQUARE = "pixels that are not square"


@dataclass(frozen=True)
class Metadata:
    """Metadata of a photo.

    Attributes:
        exif: EXIF block without orientation (applied), thumbnail and maker notes; empty if none.
        xmp: XMP packet, UTF-8; empty if none.
        provenance: XMP packet with the provenance alone, for formats without room for `xmp`; empty if none.
        profiled: the file had a usable colour profile or another statement of its colours. Pixels are converted to
            sRGB, which a result then declares.
        size: width and height in pixels of the picture that all this is about; None if unknown.
        dpi: pixels an inch across and down in print; None if not stated.
        iptc: IPTC-IIM block; empty if none.
        texts: text chunks of a PNG.
        comment: comment of a JPEG or GIF, in its own encoding; empty if none.
        left_out: what the source's file had and is not kept, for the user.
    """

    exif: bytes = b""
    xmp: bytes = b""
    provenance: bytes = b""
    profiled: bool = False
    size: tuple[int, int] | None = None
    dpi: tuple[float, float] | None = None
    iptc: bytes = b""
    texts: tuple[Text, ...] = ()
    comment: bytes = b""
    left_out: tuple[str, ...] = ()


NO_METADATA = Metadata()


def read_metadata(image: Image.Image, transform: Transform) -> tuple[Metadata, list[str]]:
    """Read the metadata of a loaded image.

    Args:
        image: upright. Its orientation is removed from the metadata here.
        transform: how its stored pixels were turned; what says where something is follows.

    Returns:
        The metadata of the pixels as they are stored (see `srgb_metadata`), and notes on damaged blocks.
    """
    notes: list[str] = []
    exif, left_out = b"", ()
    dpi = stated_dpi(image)
    dpi = (dpi[1], dpi[0]) if dpi is not None and transform.is_turned else dpi
    try:
        exif, left_out = read_exif(image)
        exif = moved_exif(exif, transform)
    except Exception as error:  # damaged EXIF raises exceptions of any class
        if is_our_fault(error):
            raise
        exif, left_out = b"", ()
        notes.append(EXIF_DAMAGED)
    packet = image.info.get("xmp") or raw_profile(image, "xmp")
    if not isinstance(packet, bytes) or not packets.is_packet(packet):
        packet = b""
        notes.append("its XMP packet is damaged and was ignored")
    packet, without = packets.upright_packet(packet, transform)
    iptc, texts, comment = read_iptc(image), read_texts(image), read_comment(image)
    if dpi is None and not has_square_pixels(image):
        without = (*without, NOT_SQUARE)
    return Metadata(
        exif, packet, size=image.size, dpi=dpi, iptc=iptc, texts=texts, comment=comment, left_out=left_out + without
    ), notes


def srgb_metadata(metadata: Metadata) -> Metadata:
    """The metadata of a photo whose pixels were converted to sRGB: EXIF and XMP say so, or nothing."""
    return replace(metadata, exif=srgb_exif(metadata.exif), xmp=packets.srgb_packet(metadata.xmp), profiled=True)


def result_metadata(
    source: Metadata,
    pixels: NDArray[np.uint8],
    provenance: xmp.Provenance | None = None,
    *,
    keep_gps: bool = False,
) -> Metadata:
    """The metadata of a result.

    Args:
        source: metadata of the photo that the result was made from.
        pixels: (H, W, 3) uint8 RGB, the result: the photo enlarged, or something else that was made of it.
        provenance: model and version that made the result; None leaves that out.
        keep_gps: keep the place where the photo was taken.

    Returns:
        The source's metadata as far as it holds for the result, and the provenance. What says where something is in
        the picture follows the enlargement; it is left out of a result that is no enlargement. The print keeps its
        size.
    """
    height, width = pixels.shape[:2]
    across, down = source.size or (width, height)
    transform = Transform(1, across, down, width / across, height / down)
    is_enlargement = abs(width * down - height * across) <= (across + down) / 2
    exif, packet = source.exif, source.xmp
    if is_enlargement:
        exif = moved_exif(exif, transform)
    else:
        exif, packet = without_subject(exif), packets.without_places(packet)
    scale_x = transform.scale_x if is_enlargement else transform.scale_y
    return replace(
        source,
        exif=result_exif(exif, (width, height), keep_gps=keep_gps),
        xmp=xmp.result_packet(packet, provenance, keep_gps=keep_gps, transform=transform),
        provenance=xmp.result_packet(b"", provenance),
        size=(width, height),
        dpi=None if source.dpi is None else (source.dpi[0] * scale_x, source.dpi[1] * transform.scale_y),
        iptc=result_iptc(source.iptc, keep_gps=keep_gps),
        texts=tuple(text for text in source.texts if keep_gps or not is_place(text)),
    )
