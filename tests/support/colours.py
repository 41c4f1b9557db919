"""Files that state their colours in other ways than Pillow writes."""

import struct
import zlib

from PIL import ImageCms

_P3_XYZ = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.1571, 0.06657, 0.78407),
}
"""Columns of Display P3, adapted to D50 as profiles have it. Source: Apple's Display P3.icc."""


def p3_profile() -> bytes:
    """Display P3: Pillow's sRGB profile with other colours."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for entry in range(count):
        tag, at, _ = struct.unpack_from(">4sII", profile, 132 + 12 * entry)
        if tag in _P3_XYZ:
            struct.pack_into(">3i", profile, at + 8, *(round(value * 65536) for value in _P3_XYZ[tag]))
    return bytes(profile)


def with_chunks(png: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with chunks after its header."""
    made = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return png[:33] + made + png[33:]


def chromaticities(*points: tuple[float, float]) -> tuple[bytes, bytes]:
    """Chunk cHRM of white, red, green and blue."""
    return b"cHRM", struct.pack(">8I", *(round(number * 100_000) for point in points for number in point))


def gamma(value: float) -> tuple[bytes, bytes]:
    """Chunk gAMA."""
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def with_nclx(file: bytes, primaries: int, transfer: int) -> bytes:
    """A HEIC or AVIF with other code points in its box nclx."""
    at = file.index(b"colrnclx") + 8
    return file[:at] + struct.pack(">HH", primaries, transfer) + file[at + 4 :]
