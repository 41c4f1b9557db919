"""Parts of XMP packets that say where something is in the picture: they follow it, or are taken out."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple
from xml.dom.minidom import Document, Element

from dicface.images.transform import Area, Transform

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_MICROSOFT = "http://ns.microsoft.com/photo/1.2/t/Region#"
_PANORAMA = "http://ns.google.com/photos/1.0/panorama/"
_APPLE_FACES = "http://ns.apple.com/faceinfo/1.0/"


class _Schema(NamedTuple):
    """Namespaces of a schema of regions: of its properties, its areas, and the size of the picture that it is about."""

    regions: str
    area: str
    dimensions: str


_SCHEMAS = (
    _Schema(
        "http://www.metadataworkinggroup.com/schemas/regions/",
        "http://ns.adobe.com/xmp/sType/Area#",
        "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    ),
    _Schema(
        "http://ns.acdsee.com/regions/", "http://ns.acdsee.com/sType/Area#", "http://ns.acdsee.com/sType/Dimensions#"
    ),
)
Patterns = tuple[tuple[str, str], ...]
"""Properties by their namespace and the beginning of their name."""
_RAW = "http://ns.adobe.com/camera-raw-settings/1.0/"
_RAW_DEFAULTS = "http://ns.adobe.com/camera-raw-defaults/1.0/"


def _of_camera_raw(*names: str) -> Patterns:
    return tuple((space, name) for space in (_RAW, _RAW_DEFAULTS) for name in names)


RAW_CROP: Patterns = _of_camera_raw("Crop", "HasCrop", "Perspective", "Upright")
RAW_CORRECTIONS: Patterns = _of_camera_raw(
    *("Retouch", "RedEye", "PaintBased", "GradientBased", "CircularGradientBased", "MaskGroupBased")
)
"""Camera Raw's crop and local corrections, which are those of the picture as it was."""
PANORAMA: Patterns = ((_PANORAMA, ""),)
FACE_ANGLES: Patterns = ((_APPLE_FACES, "AngleInfo"),)
ALL_PLACES: Patterns = (
    *((schema.regions, "") for schema in _SCHEMAS),
    ("http://ns.microsoft.com/photo/1.2/", "RegionInfo"),
    (_IPTC, "ImageRegion"),
    (_EXIF, "SubjectArea"),
    (_EXIF, "SubjectLocation"),
    *RAW_CROP,
    *RAW_CORRECTIONS,
    *PANORAMA,
)
"""Everything that says where something is."""


def move_regions(document: Document, transform: Transform) -> None:
    """Move all regions of a packet with the picture.

    Areas of people that tagging programs write (`mwg-rs`, Microsoft's `MP`, `acdsee-rs`), IPTC's image regions, and
    EXIF's subject area and location are those of the stored picture, before its orientation is applied. A region that
    says that it is about the upright picture (its `AppliedToDimensions` fit only that) is not turned. Panorama sizes
    are scaled. A value that is not a number stays.
    """
    for schema in _SCHEMAS:
        for regions in list(document.getElementsByTagNameNS(schema.regions, "Regions")):
            _move_schema(regions, schema, transform)
    for element in list(document.getElementsByTagName("*")):
        with suppress(ValueError):
            _move_rectangle(element, transform)
    for region in list(document.getElementsByTagNameNS(_IPTC, "ImageRegion")):
        for boundary in _with_field(region, _IPTC, "rbUnit"):
            with suppress(ValueError):
                _move_boundary(boundary, transform)
    for name in ("SubjectArea", "SubjectLocation"):
        for subject in list(document.getElementsByTagNameNS(_EXIF, name)):
            with suppress(ValueError):
                _move_subject(subject, transform)
    _scale_panorama(document, transform)


class _Field:
    """A simple field of a structure, which RDF writes as an attribute or as an element."""

    def __init__(self, owner: Element, namespace: str, name: str) -> None:
        self._owner, self._namespace, self._name = owner, namespace, name
        children = [child for child in owner.childNodes if isinstance(child, Element)]
        named = (child for child in children if (child.namespaceURI, child.localName) == (namespace, name))
        self._element = next(named, None)

    @property
    def text(self) -> str | None:
        if self._element is not None:
            return "".join(getattr(child, "data", "") for child in self._element.childNodes).strip()
        if self._owner.hasAttributeNS(self._namespace, self._name):
            return self._owner.getAttributeNS(self._namespace, self._name)
        return None

    @text.setter
    def text(self, value: str) -> None:
        if self._element is not None:
            _set_text(self._element, value)
        else:
            attribute = self._owner.getAttributeNodeNS(self._namespace, self._name)
            assert attribute is not None
            attribute.value = value


def _set_text(element: Element, value: str) -> None:
    document = element.ownerDocument
    assert isinstance(document, Document)
    for child in list(element.childNodes):
        element.removeChild(child)
    element.appendChild(document.createTextNode(value))


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _move_fields(owner: Element, namespace: str, names: str, move: Callable[[list[float]], tuple[float, ...]]) -> None:
    """Replace the numbers of fields; those that a structure lacks count as 0 and are not written.

    Raises:
        ValueError: a field is not a number.
    """
    fields = [_Field(owner, namespace, name) for name in names.split()]
    moved = move([float(field.text or 0) for field in fields])
    for field, value in zip(fields, moved, strict=True):
        if field.text is not None:
            field.text = _number(value)


def _with_field(owner: Element, namespace: str, name: str) -> Iterator[Element]:
    """The owner and elements below it that have a field."""
    for element in [owner, *owner.getElementsByTagName("*")]:
        if _Field(element, namespace, name).text is not None:
            yield element


def _move_schema(regions: Element, schema: _Schema, transform: Transform) -> None:
    applied = list(_with_field(regions, schema.dimensions, "w"))
    with suppress(ValueError):
        if applied and _is_upright(applied[0], schema, transform):
            transform = transform._replace(orientation=1)
    for dimensions in applied:
        with suppress(ValueError):
            _move_fields(dimensions, schema.dimensions, "w h", lambda sides: _rounded(transform.sides(*sides)))
    for area in list(_with_field(regions, schema.area, "x")):
        pixels = _Field(area, schema.area, "unit").text == "pixel"
        move = transform.in_pixels if pixels else transform.normalised
        with suppress(ValueError):
            _move_fields(area, schema.area, "x y w h", lambda values, move=move: tuple(move(Area(*values))))


def _is_upright(dimensions: Element, schema: _Schema, transform: Transform) -> bool:
    """Whether regions were written for the upright picture, although the stored one is turned."""
    width, height = (float(_Field(dimensions, schema.dimensions, name).text or 0) for name in "wh")
    stored = transform.width > transform.height
    return (
        transform.is_turned
        and transform.width != transform.height != 0
        and width != height
        and ((width > height) != stored)
    )


def _rounded(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(round(value)) for value in values)


def _move_rectangle(element: Element, transform: Transform) -> None:
    """Microsoft's rectangle: "left, top, width, height" in shares of the sides."""
    field = _Field(element, _MICROSOFT, "Rectangle")
    if field.text is not None:
        left, top, width, height = (float(part) for part in field.text.split(","))
        moved = transform.normalised(Area(left + width / 2, top + height / 2, width, height))
        corner = (moved.x - moved.width / 2, moved.y - moved.height / 2, moved.width, moved.height)
        field.text = ", ".join(map(_number, corner))


def _move_boundary(boundary: Element, transform: Transform) -> None:
    """A boundary of an IPTC region: a rectangle by its corner, a circle by its centre, or the corners of a polygon."""
    move = transform.in_pixels if _Field(boundary, _IPTC, "rbUnit").text == "pixel" else transform.normalised

    def point(values: list[float]) -> tuple[float, ...]:
        return tuple(move(Area(*values)))[:2]

    def corner(values: list[float]) -> tuple[float, ...]:
        left, top, width, height = values
        moved = move(Area(left + width / 2, top + height / 2, width, height))
        return moved.x - moved.width / 2, moved.y - moved.height / 2, moved.width, moved.height

    shape = _Field(boundary, _IPTC, "rbShape").text
    if shape == "rectangle":
        _move_fields(boundary, _IPTC, "rbX rbY rbW rbH", corner)
    elif shape == "circle":
        _move_fields(boundary, _IPTC, "rbX rbY", point)
        if move == transform.in_pixels:
            _move_fields(boundary, _IPTC, "rbRx", lambda values: (values[0] * transform.scale_x,))
        elif transform.is_turned:
            # In shares of the width.
            aspect = transform.width / transform.height
            _move_fields(boundary, _IPTC, "rbRx", lambda values: (values[0] * aspect,))
    else:
        for vertices in list(boundary.getElementsByTagNameNS(_IPTC, "rbVertices")):
            for corner_of in list(_with_field(vertices, _IPTC, "rbX")):
                _move_fields(corner_of, _IPTC, "rbX rbY", point)


def moved_subject(values: list[float], transform: Transform) -> list[int]:
    """EXIF's subject area or location in pixels of the moved picture.

    Args:
        values: x and y; and the diameter of a circle, or width and height of a rectangle.
        transform: how the picture was moved.

    Raises:
        ValueError: another number of values.
    """
    if not 2 <= len(values) <= 4:
        raise ValueError(f"expected 2 to 4 numbers, got {len(values)}")
    x, y, *size = values
    across, down = (size * 2)[:2] if size else (0.0, 0.0)
    moved = transform.in_pixels(Area(x, y, across, down))
    return [round(value) for value in moved[: len(values)]]


def _move_subject(subject: Element, transform: Transform) -> None:
    items = list(subject.getElementsByTagNameNS(_RDF, "li"))
    values = [float("".join(getattr(child, "data", "") for child in item.childNodes)) for item in items]
    for item, value in zip(items, moved_subject(values, transform), strict=True):
        _set_text(item, str(value))


def _scale_panorama(document: Document, transform: Transform) -> None:
    """Sizes and corners of a panorama in its pixels."""
    for element in list(document.getElementsByTagName("*")):
        named = [(attribute.namespaceURI, attribute.localName or "") for attribute in element.attributes.values()]
        named += [
            (child.namespaceURI, child.localName or "") for child in element.childNodes if isinstance(child, Element)
        ]
        for namespace, name in named:
            across = "Width" in name or "Left" in name
            if namespace == _PANORAMA and (across or "Height" in name or "Top" in name):
                scale = transform.scale_x if across else transform.scale_y
                with suppress(ValueError):
                    _move_fields(element, _PANORAMA, name, lambda values, scale=scale: (round(values[0] * scale),))
