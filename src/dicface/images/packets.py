"""XMP packets: reading, parts that go, and parts that are added."""

from collections.abc import Sequence
from typing import NamedTuple
from xml.dom.minidom import Document, Element, parseString
from xml.parsers.expat import ExpatError

from dicface.images.regions import ALL_PLACES, FACE_ANGLES, PANORAMA, RAW_CORRECTIONS, RAW_CROP, Patterns, move_regions
from dicface.images.transform import Transform

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
TIFF = "http://ns.adobe.com/tiff/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'.encode()
_HEAD, _TAIL = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
_EXTENDED = (("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"),)
GAIN_MAPS: Patterns = (
    ("http://ns.adobe.com/hdr-gain-map/1.0/", ""),
    ("http://ns.apple.com/HDRGainMap/1.0/", ""),
)
"""Of a second picture in the file, which brightens the first on HDR screens."""
ANY = "*"
"""Namespace of a pattern that fits in every namespace."""
# Of the pixels before their conversion to sRGB.
_COLOUR = (
    (EXIF, "ColorSpace"),
    (EXIF, "Gamma"),
    ("http://cipa.jp/exif/1.0/", "Gamma"),
    (TIFF, "TransferFunction"),
    (TIFF, "WhitePoint"),
    (TIFF, "PrimaryChromaticities"),
    (TIFF, "YCbCrCoefficients"),
    (TIFF, "ReferenceBlackWhite"),
    (PHOTOSHOP, "ICCProfile"),
    (PHOTOSHOP, "ColorMode"),
)
_SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": PHOTOSHOP,
    "Iptc4xmpCore": IPTC_CORE,
}


class Property(NamedTuple):
    """The XMP property of an IPTC value or of a PNG's text.

    Attributes:
        prefix, name: such as dc and title.
        values: its texts.
        kind: simple; or rdf's Alt (one text by language), Seq or Bag.
    """

    prefix: str
    name: str
    values: tuple[str, ...]
    kind: str = ""


def parse(packet: bytes) -> Document:
    try:
        document = parseString(packet.strip(b"\0 \t\r\n") or _EMPTY)
    except (ExpatError, LookupError, UnicodeError) as error:
        raise ValueError(f"expected an XMP packet, got what is no XML: {error}") from error
    if document.doctype is not None or len(document.getElementsByTagNameNS(RDF, "RDF")) != 1:
        raise ValueError("expected an XMP packet, got other XML")
    return document


def is_packet(packet: bytes) -> bool:
    """Whether bytes are an XMP packet that can be extended."""
    try:
        parse(packet)
    except ValueError:
        return False
    return True


def _matches(node: Element | object, patterns: Patterns) -> bool:
    namespace, name = getattr(node, "namespaceURI", None), getattr(node, "localName", None) or ""
    return any(wanted in (namespace, ANY) and name.startswith(beginning) for wanted, beginning in patterns)


def take_out(document: Document, patterns: Patterns) -> list[str]:
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


def upright_packet(packet: bytes, transform: Transform) -> tuple[bytes, tuple[str, ...]]:
    """The packet of a picture whose orientation was applied, and what was left out of it.

    Args:
        packet: see `is_packet`; may be empty.
        transform: how the stored picture was turned.
    """
    if not packet:
        return packet, ()
    document = parse(packet)
    parts = [
        ("Camera Raw's local corrections", RAW_CORRECTIONS),
        ("extended XMP", _EXTENDED),
        ("gain map", GAIN_MAPS),
    ]
    if transform.orientation != 1:
        parts += [("panorama", PANORAMA), ("angles of faces", FACE_ANGLES)]
    # A picture that was not cropped says so, too.
    crop = take_out(document, RAW_CROP)
    left_out = ["Camera Raw's crop"] if "True" in crop else []
    left_out += [what for what, patterns in parts if take_out(document, patterns)]
    if transform.orientation == 1 and not left_out and not crop:
        return packet, ()
    move_regions(document, transform)
    return serialised(document), tuple(left_out)


def without_places(packet: bytes) -> bytes:
    """The packet without what says where something is in the picture."""
    if not packet:
        return packet
    document = parse(packet)
    take_out(document, ALL_PLACES)
    return serialised(document)


def with_missing(packet: bytes, properties: Sequence[Property]) -> bytes:
    """The packet with those properties that it lacks.

    Args:
        packet: see `is_packet`; may be empty.
        properties: none of which is written where the packet has one of its name.
    """
    document = parse(packet)
    missing = [wanted for wanted in properties if not _has(document, _SPACES[wanted.prefix], wanted.name)]
    if not missing:
        return packet
    added = added_description(document)
    for wanted in missing:
        added.setAttribute(f"xmlns:{wanted.prefix}", _SPACES[wanted.prefix])
        element = document.createElementNS(_SPACES[wanted.prefix], f"{wanted.prefix}:{wanted.name}")
        added.appendChild(element)
        holder = (
            element if not wanted.kind else element.appendChild(document.createElementNS(RDF, f"rdf:{wanted.kind}"))
        )
        for value in wanted.values:
            item = holder if not wanted.kind else holder.appendChild(document.createElementNS(RDF, "rdf:li"))
            if wanted.kind == "Alt":
                item.setAttribute("xml:lang", "x-default")
            item.appendChild(document.createTextNode(value))
    return serialised(document)


def _has(document: Document, namespace: str, name: str) -> bool:
    elements = document.getElementsByTagName("*")
    return bool(document.getElementsByTagNameNS(namespace, name)) or any(
        element.hasAttributeNS(namespace, name) for element in elements
    )


def srgb_packet(packet: bytes) -> bytes:
    """The packet without what it says of colours, for pixels that were converted to sRGB."""
    if not packet:
        return packet
    document = parse(packet)
    return serialised(document) if take_out(document, _COLOUR) else packet


def serialised(document: Document) -> bytes:
    root = document.documentElement
    assert root is not None
    return f"{_HEAD}{root.toxml()}{_TAIL}".encode()


def added_description(document: Document) -> Element:
    """A new description at the end of the packet, about what the others are about."""
    (rdf,) = document.getElementsByTagNameNS(RDF, "RDF")
    about = [element.getAttributeNS(RDF, "about") for element in rdf.getElementsByTagNameNS(RDF, "Description")]
    added = document.createElementNS(RDF, "rdf:Description")
    added.setAttribute("xmlns:rdf", RDF)
    added.setAttributeNS(RDF, "rdf:about", about[0] if about else "")
    rdf.appendChild(added)
    return added
