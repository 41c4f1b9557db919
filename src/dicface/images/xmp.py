"""XMP packets: provenance of results beside the source's own properties."""

from typing import NamedTuple
from xml.dom.minidom import Document, Element, parseString
from xml.parsers.expat import ExpatError

from dicface.version import __version__

COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""A photo with parts that a trained network made."""
ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
"""A photo that was only enlarged."""
NAMESPACE = "urn:dicface:xmp/1.0/"
"""Of the properties ModelName, ModelSHA256, DicfaceVersion, RestoredFaces and Shows: XMP-dicface, as exiftool calls it.
No common tag has these names: of two of one name, such as a camera's Model, programs show one."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"/></x:xmpmeta>'.encode()
_HEAD, _TAIL = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
# Namespace and beginning of the name. They describe the stored pixels of the source, or parts of its file that a result
# lacks: previews, gain maps, films behind the photo.
_OF_THE_FILE = (
    (_TIFF, "Orientation"),
    (_TIFF, "ImageWidth"),
    (_TIFF, "ImageLength"),
    (_EXIF, "PixelXDimension"),
    (_EXIF, "PixelYDimension"),
    ("http://purl.org/dc/elements/1.1/", "format"),
    ("http://ns.adobe.com/xap/1.0/", "Thumbnails"),
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"),
    ("http://ns.adobe.com/hdr-gain-map/1.0/", ""),
    ("http://ns.google.com/photos/1.0/container/", ""),
    ("http://ns.google.com/photos/1.0/camera/", ""),
    (NAMESPACE, ""),
)
# Programs write the names of a place beside its coordinates, or find them by those.
_PLACE = (
    (_EXIF, "GPS"),
    (_PHOTOSHOP, "City"),
    (_PHOTOSHOP, "State"),
    (_PHOTOSHOP, "Country"),
    (_IPTC_CORE, "Location"),
    (_IPTC_CORE, "CountryCode"),
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
    """

    model: str
    model_sha256: str
    faces: int
    version: str = __version__
    shows: str = ""

    @property
    def source_type(self) -> str:
        """IPTC digital source type: `COMPOSITE` with restored faces, else `ENHANCED`."""
        return COMPOSITE if self.faces else ENHANCED


def _parse(packet: bytes) -> Document:
    try:
        document = parseString(packet.strip(b"\0 \t\r\n") or _EMPTY)
    except (ExpatError, LookupError, UnicodeError) as error:
        raise ValueError(f"expected an XMP packet, got what is no XML: {error}") from error
    if document.doctype is not None or len(document.getElementsByTagNameNS(_RDF, "RDF")) != 1:
        raise ValueError("expected an XMP packet, got other XML")
    return document


def is_packet(packet: bytes) -> bool:
    """Whether bytes are an XMP packet that can be extended."""
    try:
        _parse(packet)
    except ValueError:
        return False
    return True


def _matches(node: Element | object, patterns: tuple[tuple[str, str], ...]) -> bool:
    namespace, name = getattr(node, "namespaceURI", None), getattr(node, "localName", None) or ""
    return any(namespace == wanted and name.startswith(beginning) for wanted, beginning in patterns)


def _take_out(document: Document, patterns: tuple[tuple[str, str], ...]) -> list[str]:
    """Remove properties in any notation; returns the values of the simple ones."""
    values: list[str] = []
    for element in document.getElementsByTagName("*"):
        attributes = [attribute for attribute in element.attributes.values() if _matches(attribute, patterns)]
        for attribute in attributes:
            values.append(attribute.value)
            element.removeAttributeNode(attribute)
        if _matches(element, patterns) and element.parentNode is not None:
            values.append("".join(getattr(child, "data", "") for child in element.childNodes).strip())
            element.parentNode.removeChild(element)
    return values


def result_packet(packet: bytes, provenance: Provenance | None, *, keep_gps: bool = False) -> bytes:
    """The packet of a result, from that of its source.

    Properties of the source's file (orientation, size, preview) and of the place are removed, all others kept. A source
    that declares to be made by a network keeps that declaration.

    Args:
        packet: packet of the source; empty if it has none.
        provenance: provenance to add; None adds nothing.
        keep_gps: keep the place where the photo was taken.

    Returns:
        The packet; empty without properties.

    Raises:
        ValueError: not a packet, see `is_packet`.
    """
    if not packet and provenance is None:
        return b""
    document = _parse(packet)
    _take_out(document, _OF_THE_FILE if keep_gps else (*_OF_THE_FILE, *_PLACE))
    if provenance is not None:
        said = _take_out(document, (_SOURCE_TYPE,))
        keep = [value for value in said if "rainedAlgorithmicMedia" in value or (value and not provenance.faces)]
        _add(document, provenance, keep[0] if keep else provenance.source_type)
    root = document.documentElement
    assert root is not None
    return f"{_HEAD}{root.toxml()}{_TAIL}".encode()


def _add(document: Document, provenance: Provenance, source_type: str) -> None:
    """Add a description with the provenance."""
    (rdf,) = document.getElementsByTagNameNS(_RDF, "RDF")
    about = [element.getAttributeNS(_RDF, "about") for element in rdf.getElementsByTagNameNS(_RDF, "Description")]
    added = document.createElementNS(_RDF, "rdf:Description")
    for prefix, namespace in (("rdf", _RDF), ("Iptc4xmpExt", _IPTC), ("dicface", NAMESPACE)):
        added.setAttribute(f"xmlns:{prefix}", namespace)
    added.setAttributeNS(_RDF, "rdf:about", about[0] if about else "")
    added.setAttributeNS(_IPTC, "Iptc4xmpExt:DigitalSourceType", source_type)
    added.setAttributeNS(NAMESPACE, "dicface:ModelName", provenance.model)
    added.setAttributeNS(NAMESPACE, "dicface:ModelSHA256", provenance.model_sha256)
    added.setAttributeNS(NAMESPACE, "dicface:DicfaceVersion", provenance.version)
    added.setAttributeNS(NAMESPACE, "dicface:RestoredFaces", str(provenance.faces))
    if provenance.shows:
        added.setAttributeNS(NAMESPACE, "dicface:Shows", provenance.shows)
    rdf.appendChild(added)
