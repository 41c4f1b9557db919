"""Files that state their colours and transparency in other ways than Pillow writes."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

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


def grey_tiff(values: np.ndarray, depth: int, photometric: int) -> bytes:
    """An unpacked grey TIFF of 12 or 16 bits; photometric 0 has white as zero."""
    height, width = values.shape
    if depth == 12:
        bits = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(height, width, 2), axis=2)[:, :, 4:]
        content = np.packbits(bits.reshape(height, -1), axis=1).tobytes()
    else:
        content = values.astype("<u2").tobytes()
    tags = {256: width, 257: height, 258: depth, 259: 1, 262: photometric, 273: 8, 277: 1, 278: height}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in (tags | {279: len(content)}).items())
    directory = struct.pack("<H", len(tags) + 1) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(content)) + content + directory


def with_transparent(content: bytes, value: bytes) -> bytes:
    """A PNG with a chunk tRNS before its pixels."""
    at = content.index(b"IDAT") - 4
    chunk = struct.pack(">I", len(value)) + b"tRNS" + value + struct.pack(">I", zlib.crc32(b"tRNS" + value))
    return content[:at] + chunk + content[at:]


def bmp_with_profile(image: Image.Image, profile: bytes) -> bytes:
    """A BMP of version 5 with a profile; Pillow writes version 3."""
    file = io.BytesIO()
    image.save(file, "BMP")
    plain = file.getvalue()
    pixels = plain[54:]
    at = 124 + len(pixels)
    more = b"\0" * 16 + b"DEBM" + bytes(36 + 12 + 4) + struct.pack("<II", at, len(profile)) + bytes(4)
    start = b"BM" + struct.pack("<IHHI", 14 + at + len(profile), 0, 0, 14 + 124)
    return start + struct.pack("<I", 124) + plain[18:54] + more + pixels + profile


def associated_tiff(pixels: np.ndarray, alpha: np.ndarray) -> bytes:
    """A TIFF of colours that are multiplied by their alpha; Pillow writes them as they are."""
    multiplied = np.rint(pixels * (alpha[:, :, None] / 255))
    file = io.BytesIO()
    Image.fromarray(np.dstack([multiplied, alpha]).astype(np.uint8)).save(file, "TIFF")
    unassociated, associated = (struct.pack("<HHIHH", 338, 3, 1, kind, 0) for kind in (2, 1))
    assert file.getvalue().count(unassociated) == 1
    return file.getvalue().replace(unassociated, associated)
