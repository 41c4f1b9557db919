"""IPTC-IIM: captions, keywords, bylines and rights as press programs write them into JPEG and TIFF."""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import Image

from dicface.images.packets import Property
from dicface.images.texts import raw_profile

IPTC_IN_TIFF, _PHOTOSHOP_IN_TIFF = 0x83BB, 0x8649
_IPTC_RESOURCE = 0x0404
_RESOURCE_HEAD, _SEGMENT_HEAD = b"8BIM", b"Photoshop 3.0\0"
_MAX_SEGMENT = 65533
_UTF8 = b"\x1b%G"
_ENVELOPE, _APPLICATION = 1, 2
_CHARACTER_SET = (1, 90)
_PREVIEWS = (200, 201, 202)
_PLACE = (26, 27, 90, 92, 95, 100, 101)
"""Content location and its code, city, sub-location, state, country and its code."""


class Dataset(NamedTuple):
    """One value.

    Attributes:
        record, number: name it, such as 2 and 120 for the caption.
        value: its bytes.
    """

    record: int
    number: int
    value: bytes


def read_iptc(image: Image.Image) -> bytes:
    """The IPTC block of a loaded image; empty if none."""
    resources: Any = image.info.get("photoshop")
    if isinstance(resources, dict) and isinstance(found := resources.get(_IPTC_RESOURCE), bytes):
        return found
    tags: Any = getattr(image, "tag_v2", {})
    if isinstance(found := tags.get(IPTC_IN_TIFF), bytes):
        return found
    # Some programs count it in groups of four bytes.
    if isinstance(found, tuple):
        return struct.pack(f"{'<' if tags.prefix == b'II' else '>'}{len(found)}I", *found)
    if isinstance(photoshop := tags.get(_PHOTOSHOP_IN_TIFF), bytes):
        return next((content for kind, content in _resources(photoshop) if kind == _IPTC_RESOURCE), b"")
    content = raw_profile(image, "iptc")
    if content.startswith(_RESOURCE_HEAD):
        return next((part for kind, part in _resources(content) if kind == _IPTC_RESOURCE), b"")
    return content


def _resources(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each of Photoshop's resources."""
    at = 0
    while content[at : at + 4] == _RESOURCE_HEAD and at + 12 <= len(content):
        (number,) = struct.unpack_from(">H", content, at + 4)
        # A name with its length before it, padded to whole pairs of bytes.
        at += 6 + (content[at + 6] // 2 + 1) * 2
        if at + 4 > len(content):
            return
        (length,) = struct.unpack_from(">I", content, at)
        yield number, content[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def datasets(block: bytes) -> list[Dataset]:
    """The values of a block, up to the first damaged one."""
    found: list[Dataset] = []
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, number, length = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if length & 0x8000:  # longer than 32,767 bytes: what follows is the length's length
            length_bytes = length & 0x7FFF
            length = int.from_bytes(block[at : at + length_bytes], "big")
            at += length_bytes
        if at + length > len(block):
            break
        found.append(Dataset(record, number, block[at : at + length]))
        at += length
    return found


def _block(values: list[Dataset]) -> bytes:
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(value)) + value
        for record, number, value in values
        if len(value) < 0x8000
    )


def result_iptc(block: bytes, *, keep_gps: bool) -> bytes:
    """The block of a result: without previews and what describes the stored pixels, and without the place.

    Args:
        block: of the source; may be empty.
        keep_gps: keep the place.
    """
    kept = [
        dataset
        for dataset in datasets(block)
        if dataset.record in (_ENVELOPE, _APPLICATION)
        and not (dataset.record == _APPLICATION and dataset.number in _PREVIEWS)
        and (keep_gps or not (dataset.record == _APPLICATION and dataset.number in _PLACE))
    ]
    return _block(kept)


def jpeg_segment(block: bytes) -> bytes | None:
    """A block as a JPEG's marker segment; None if it is too long for one."""
    resource = _RESOURCE_HEAD + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(block)) + block + bytes(len(block) % 2)
    content = _SEGMENT_HEAD + resource
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content if len(content) <= _MAX_SEGMENT else None


# Source: IPTC Photo Metadata Standard, synchronisation of IIM and XMP.
_IN_XMP = {
    5: ("dc", "title", "Alt"),
    25: ("dc", "subject", "Bag"),
    40: ("photoshop", "Instructions", ""),
    55: ("photoshop", "DateCreated", ""),
    80: ("dc", "creator", "Seq"),
    85: ("photoshop", "AuthorsPosition", ""),
    90: ("photoshop", "City", ""),
    92: ("Iptc4xmpCore", "Location", ""),
    95: ("photoshop", "State", ""),
    100: ("Iptc4xmpCore", "CountryCode", ""),
    101: ("photoshop", "Country", ""),
    103: ("photoshop", "TransmissionReference", ""),
    105: ("photoshop", "Headline", ""),
    110: ("photoshop", "Credit", ""),
    115: ("photoshop", "Source", ""),
    116: ("dc", "rights", "Alt"),
    120: ("dc", "description", "Alt"),
    122: ("photoshop", "CaptionWriter", ""),
}
_TIME_CREATED = 60
_TECHNICAL = (0, _TIME_CREATED)
"""Version of the record, and what is told with the date."""


def as_properties(block: bytes) -> tuple[list[Property], list[int]]:
    """The values of a block as XMP properties, and the numbers of those that have none."""
    values = datasets(block)
    utf8 = any((record, number) == _CHARACTER_SET and value == _UTF8 for record, number, value in values)
    texts: dict[int, list[str]] = {}
    for record, number, value in values:
        if record == _APPLICATION:
            texts.setdefault(number, []).append(_text(value, utf8=utf8))
    if 55 in texts:
        texts[55] = [_date(texts[55][0], texts.get(_TIME_CREATED, [""])[0])]
    properties = [
        Property(prefix, name, tuple(texts[number]) if kind in ("Bag", "Seq") else (texts[number][0],), kind)
        for number, (prefix, name, kind) in _IN_XMP.items()
        if number in texts
    ]
    return properties, [number for number in texts if number not in _IN_XMP and number not in _TECHNICAL]


def _text(value: bytes, *, utf8: bool) -> str:
    """Without a statement, most programs write UTF-8 or Latin-1."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("utf-8" if utf8 else "latin-1", "replace")
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")


def _date(date: str, time: str) -> str:
    """ISO 8601 of IPTC's 19620714 and 101500+0100."""
    if len(date) != 8 or not date.isdigit():
        return date
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if len(time) != 11 or not (time[:6] + time[7:]).isdigit():
        return day
    return f"{day}T{time[:2]}:{time[2:4]}:{time[4:6]}{time[6:9]}:{time[9:]}"
