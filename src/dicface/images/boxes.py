"""Boxes of HEIC and AVIF files: what they say about their picture beside its pixels."""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import Image

_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
"""Boxes that hold boxes, with the bytes before those."""


def file_part(image: Image.Image, start: int, length: int) -> bytes:
    """Bytes of an opened image's file; empty without a file. Where Pillow was reading, it goes on."""
    file: Any = getattr(image, "fp", None)
    if file is None or not file.seekable():
        return b""
    at = file.tell()
    file.seek(start)
    content = file.read(length)
    file.seek(at)
    return content


def file_head(image: Image.Image) -> bytes:
    """The first megabyte of an opened image's file; empty without a file."""
    return file_part(image, 0, 1 << 20)


class FileBox(NamedTuple):
    """A box.

    Attributes:
        kind: its four letters.
        content: what follows its head.
    """

    kind: bytes
    content: bytes


def boxes(content: bytes) -> Iterator[FileBox]:
    """The boxes that lie one after the other, up to the first damaged one."""
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1 and at + 16 <= len(content):
            (size,) = struct.unpack_from(">Q", content, at + 8)
            head = 16
        size = size or len(content) - at
        if size < head:
            return
        yield FileBox(kind, content[at + head : at + size])
        at += size


def find_box(content: bytes, *path: bytes) -> bytes:
    """Content of the first box along a path of kinds; empty if there is none."""
    for kind in path:
        content = next((box.content for box in boxes(content) if box.kind == kind), b"")
        content = content[_CONTAINERS.get(kind, 0) :]
    return content


def primary_properties(head: bytes) -> list[FileBox]:
    """Properties of a file's main picture, in the order in which they apply.

    Args:
        head: the beginning of the file, with its `meta` box.

    Returns:
        Boxes such as `colr`, `irot`, `imir` and `clap`; empty if the file has none or is damaged.
    """
    meta = find_box(head, b"meta")
    pitm, ipma = find_box(meta, b"pitm"), find_box(meta, b"iprp", b"ipma")
    properties = list(boxes(find_box(meta, b"iprp", b"ipco")))
    try:
        (primary,) = struct.unpack_from(">I" if pitm[0] else ">H", pitm, 4)
        indices = _associations(ipma)[primary]
    except (struct.error, IndexError, KeyError):
        return []
    return [properties[index - 1] for index in indices if 0 < index <= len(properties)]


def clean_aperture(properties: list[FileBox], width: int, height: int) -> tuple[int, int, int, int] | None:
    """The part of a stored picture that is to be shown; None for all of it, or if it does not lie in the picture.

    Args:
        properties: see `primary_properties`.
        width, height: of the stored picture in pixels.

    Returns:
        Left, top, right, bottom in pixels, edges.

    Source:
        ISO 14496-12, 12.1.4: `clap` has width, height and the offset of the centre, as fractions.
    """
    content = next((box.content for box in properties if box.kind == b"clap"), b"")
    if len(content) < 32:
        return None
    numbers = struct.unpack(">IIIIiIiI", content[:32])
    if 0 in numbers[1::2]:
        return None
    across, down, right, below = (top / bottom for top, bottom in zip(numbers[::2], numbers[1::2], strict=True))
    left, top = round((width - across) / 2 + right), round((height - down) / 2 + below)
    box = (left, top, left + round(across), top + round(down))
    inside = 0 <= left < box[2] <= width and 0 <= top < box[3] <= height
    return box if inside and box != (0, 0, width, height) else None


def _associations(ipma: bytes) -> dict[int, list[int]]:
    """Numbers of the properties, from 1, of each item."""
    version, wide = ipma[0], bool(ipma[3] & 1)
    (count,) = struct.unpack_from(">I", ipma, 4)
    at, found = 8, dict[int, list[int]]()
    for _ in range(count):
        (item,) = struct.unpack_from(">I" if version else ">H", ipma, at)
        at += 4 if version else 2
        length = ipma[at]
        # The highest bit says whether a reader must know the property.
        found[item] = [
            value & (0x7FFF if wide else 0x7F)
            for (value,) in struct.iter_unpack(">H" if wide else ">B", ipma[at + 1 : at + 1 + length * (1 + wide)])
        ]
        at += 1 + length * (1 + wide)
    return found
