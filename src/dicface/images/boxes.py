"""Boxes of HEIC and AVIF files: what they say about their picture beside its pixels."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_LARGEST_HEAD = 4 << 20
"""The boxes before the pixels are far smaller; a larger one is damaged or an attack."""
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
"""Boxes that hold boxes, with the bytes before those."""


class Box(NamedTuple):
    """A box.

    Attributes:
        kind: its four letters.
        content: what follows its head.
    """

    kind: bytes
    content: bytes


def boxes(content: bytes) -> Iterator[Box]:
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
        yield Box(kind, content[at + head : at + size])
        at += size


def find_box(content: bytes, *path: bytes) -> bytes:
    """Content of the first box along a path of kinds; empty if there is none."""
    for kind in path:
        content = next((box.content for box in boxes(content) if box.kind == kind), b"")
        content = content[_CONTAINERS.get(kind, 0) :]
    return content


def primary_properties(head: bytes) -> list[Box]:
    """Properties of a file's main picture, in the order in which they apply.

    Args:
        head: the beginning of the file, with its `meta` box.

    Returns:
        Boxes such as `colr`, `irot`, `imir` and `clap`; empty if the file has none or is damaged.
    """
    meta = find_box(head[:_LARGEST_HEAD], b"meta")
    pitm, ipma = find_box(meta, b"pitm"), find_box(meta, b"iprp", b"ipma")
    properties = list(boxes(find_box(meta, b"iprp", b"ipco")))
    try:
        (primary,) = struct.unpack_from(">I" if pitm[0] else ">H", pitm, 4)
        indices = _associations(ipma)[primary]
    except (struct.error, IndexError, KeyError):
        return []
    return [properties[index - 1] for index in indices if 0 < index <= len(properties)]


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
