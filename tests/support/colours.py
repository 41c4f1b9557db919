"""Files that state their colours and transparency in other ways than Pillow writes."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms
from PIL.ExifTags import IFD

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


def tiff_around(exif: bytes, image: Image.Image) -> bytes:
    """An unpacked TIFF with all that an EXIF block says, interoperability included, which Pillow does not write."""
    block = Image.Exif()
    block.load(exif)
    block.pop(IFD.Interop, None)
    pixels = image.tobytes()
    # Pillow counts the place of the pixels from the end of the directory.
    tags = {256: image.width, 257: image.height, 258: (8, 8, 8), 259: 1, 262: 2, 273: 0, 277: 3, 278: image.height}
    for tag, value in (tags | {279: len(pixels)}).items():
        block[tag] = value
    return block.tobytes().removeprefix(b"Exif\0\0") + pixels


def cmyk_profile(black: float) -> bytes:
    """A printer's profile: lightness falls evenly with each ink, from paper to a black of the given lightness.

    Args:
        black: L* of full black ink, and of any other inks over it.
    """
    nodes = np.array(list(np.ndindex(2, 2, 2, 2)))
    lightness = np.where(nodes[:, 3] == 1, black, 100 - (100 - black) / 3 * nodes[:, :3].sum(axis=1))
    lab = np.full((16, 3), 128.0)
    lab[:, 0] = lightness * 2.55
    # The way back takes black ink alone.
    ink = np.zeros((8, 4))
    ink[:4, 3] = 255
    tags = {
        b"A2B0": _lut8(4, 3, lab),
        b"B2A0": _lut8(3, 4, ink),
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 4) + b"ink\0" + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + _D50,
    }
    at, table, content = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI", at + len(content), b"\0\0\0\0", 0x02400000) + b"prtrCMYKLab "
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _D50
    return head + bytes(128 - len(head)) + table + content


_D50 = struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))


def _lut8(inputs: int, outputs: int, nodes: np.ndarray) -> bytes:
    """A profile's table of two steps a side, without curves. Source: ICC.1:2001, 6.5.9 (lut8Type)."""
    straight = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    head = b"mft1\0\0\0\0" + struct.pack(">4B", inputs, outputs, 2, 0) + identity
    return head + straight * inputs + np.rint(nodes).astype(np.uint8).tobytes() + straight * outputs
