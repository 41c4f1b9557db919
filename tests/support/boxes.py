"""AVIF files with properties that Pillow does not write."""

import struct

from dicface.images.boxes import find_box


def with_property(file: bytes, kind: bytes, content: bytes) -> bytes:
    """An AVIF of one picture, as libavif writes it, with a further property of that, which readers must know."""
    added = struct.pack(">I", 8 + len(content)) + kind + content
    ipco, ipma = find_box(file, b"meta", b"iprp", b"ipco"), find_box(file, b"meta", b"iprp", b"ipma")
    number = 1
    at = 0
    while at < len(ipco):
        at += struct.unpack_from(">I", ipco, at)[0]
        number += 1
    # Version and flags, number of items, item, number of its properties.
    assert ipma[:8] == b"\0\0\0\0\0\0\0\1", "one item, short numbers"
    longer = ipma[:10] + bytes([ipma[10] + 1]) + ipma[11:] + bytes([0x80 | number])
    grown = len(added) + 1
    result = file.replace(ipma, longer).replace(ipco, ipco + added)
    for name, more in ((b"meta", grown), (b"iprp", grown), (b"ipco", len(added)), (b"ipma", 1)):
        place = result.index(name) - 4
        (size,) = struct.unpack_from(">I", result, place)
        result = result[:place] + struct.pack(">I", size + more) + result[place + 4 :]
    # The pixels lie behind; iloc says where, in its last eight bytes but four.
    place = result.index(b"iloc") - 4
    (size,) = struct.unpack_from(">I", result, place)
    end = place + size
    (offset,) = struct.unpack_from(">I", result, end - 8)
    return result[: end - 8] + struct.pack(">I", offset + grown) + result[end - 4 :]
