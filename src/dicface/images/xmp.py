"""XMP packets: provenance of results beside the source's own properties."""

from typing import NamedTuple
from xml.dom.minidom import Document

from dicface.images.packets import (
    ANY,
    EXIF,
    IPTC_CORE,
    PHOTOSHOP,
    TIFF,
    added_description,
    parse,
    serialised,
    take_out,
)
from dicface.images.regions import move_regions
from dicface.images.transform import Transform
from dicface.version import __version__

COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""A photo with parts that a trained network made."""
ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
"""A photo that was only enlarged."""
NAMESPACE = "urn:dicface:xmp/1.0/"
"""Namespace of the properties ModelName, ModelSHA256, DicfaceVersion, RestoredFaces, InventedDetail, SettingsSHA256 and
Shows, which exiftool lists as XMP-dicface. They differ from common tags such as Model, since some programs show only
one of several properties with the same name."""

_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
# Namespace and beginning of the name. They describe the stored pixels of the source, or parts of its file that a result
# lacks: previews, gain maps, films behind the photo.
_OF_THE_FILE = (
    (TIFF, "Orientation"),
    (TIFF, "ImageWidth"),
    (TIFF, "ImageLength"),
    (TIFF, "BitsPerSample"),
    (TIFF, "Compression"),
    (TIFF, "PhotometricInterpretation"),
    (TIFF, "SamplesPerPixel"),
    (TIFF, "PlanarConfiguration"),
    (TIFF, "YCbCrSubSampling"),
    (TIFF, "YCbCrPositioning"),
    (TIFF, "XResolution"),
    (TIFF, "YResolution"),
    (TIFF, "ResolutionUnit"),
    (EXIF, "FocalPlane"),
    (PHOTOSHOP, "LegacyIPTCDigest"),
    (EXIF, "PixelXDimension"),
    (EXIF, "PixelYDimension"),
    ("http://purl.org/dc/elements/1.1/", "format"),
    ("http://ns.adobe.com/xap/1.0/", "Thumbnails"),
    ("http://ns.google.com/photos/1.0/container/", ""),
    ("http://ns.google.com/photos/1.0/camera/", ""),
    ("http://ns.google.com/photos/1.0/image/", ""),
    ("http://ns.google.com/photos/1.0/depthmap/", ""),
    ("http://ns.apple.com/pixeldatainfo/1.0/", ""),
    (NAMESPACE, ""),
)
# Programs write the names of a place beside its coordinates, or find them by those.
_PLACE = (
    (PHOTOSHOP, "City"),
    (PHOTOSHOP, "State"),
    (PHOTOSHOP, "Country"),
    (IPTC_CORE, "Location"),
    (IPTC_CORE, "CountryCode"),
    # Drones and phones have names of their own for it.
    (ANY, "GPS"),
    (ANY, "Gps"),
    (ANY, "Latitude"),
    (ANY, "Longitude"),
    (_IPTC, "LocationCreated"),
    (_IPTC, "LocationShown"),
)
_SOURCE_TYPE = (_IPTC, "DigitalSourceType")


class Provenance(NamedTuple):
    """Provenance of a result.

    Attributes:
        model: name of the model.
        model_sha256: SHA-256 of the model file in hex.
        faces: number of faces it made.
        version: version of dicface.
        shows: description of an image that accompanies the result; empty for the result itself.
        settings_sha256: digest of the settings of a file's restoration, see `dicface.restoration.settings`; empty if
            unknown.
        invented_detail: mean of the faces' `invented_detail`; None if unknown.
    """

    model: str
    model_sha256: str
    faces: int
    version: str = __version__
    shows: str = ""
    settings_sha256: str = ""
    invented_detail: float | None = None

    @property
    def source_type(self) -> str:
        """IPTC digital source type: `COMPOSITE` with restored faces, else `ENHANCED`."""
        return COMPOSITE if self.faces else ENHANCED


def result_packet(
    packet: bytes, provenance: Provenance | None, *, keep_gps: bool = False, transform: Transform | None = None
) -> bytes:
    """The packet of a result, from that of its source.

    Properties of the source's file (orientation, size, preview) and of the place are removed, all others kept. Regions
    follow the picture. A source that declares to be made by a network keeps that declaration.

    Args:
        packet: packet of the source; empty if it has none.
        provenance: provenance to add; None adds nothing.
        keep_gps: keep the place where the photo was taken.
        transform: how the picture was enlarged; None if it was not.

    Returns:
        The packet; empty without properties.

    Raises:
        ValueError: not a packet, see `is_packet`.
    """
    if not packet and provenance is None:
        return b""
    document = parse(packet)
    take_out(document, _OF_THE_FILE if keep_gps else (*_OF_THE_FILE, *_PLACE))
    if transform is not None:
        move_regions(document, transform)
    if provenance is not None:
        said = take_out(document, (_SOURCE_TYPE,))
        keep = [value for value in said if "rainedAlgorithmicMedia" in value or (value and not provenance.faces)]
        _add(document, provenance, keep[0] if keep else provenance.source_type)
    return serialised(document)


def _add(document: Document, provenance: Provenance, source_type: str) -> None:
    """Add a description with the provenance."""
    added = added_description(document)
    for prefix, namespace in (("Iptc4xmpExt", _IPTC), ("dicface", NAMESPACE)):
        added.setAttribute(f"xmlns:{prefix}", namespace)
    added.setAttributeNS(_IPTC, "Iptc4xmpExt:DigitalSourceType", source_type)
    added.setAttributeNS(NAMESPACE, "dicface:ModelName", provenance.model)
    added.setAttributeNS(NAMESPACE, "dicface:ModelSHA256", provenance.model_sha256)
    added.setAttributeNS(NAMESPACE, "dicface:DicfaceVersion", provenance.version)
    added.setAttributeNS(NAMESPACE, "dicface:RestoredFaces", str(provenance.faces))
    if provenance.invented_detail is not None:
        added.setAttributeNS(NAMESPACE, "dicface:InventedDetail", f"{provenance.invented_detail:.2f}")
    if provenance.settings_sha256:
        added.setAttributeNS(NAMESPACE, "dicface:SettingsSHA256", provenance.settings_sha256)
    if provenance.shows:
        added.setAttributeNS(NAMESPACE, "dicface:Shows", provenance.shows)
