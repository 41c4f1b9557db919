"""Image files of every kind that a user may have, generated: nothing here is a photo of anybody.

    python -m tests.support.corpus FOLDER

writes them all, to look at them or to feed them to something else.
"""

import base64
import io
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tests.support.colours import (
    associated_tiff,
    bmp_with_profile,
    gamma,
    grey_tiff,
    p3_profile,
    with_chunks,
    with_nclx,
    with_transparent,
)

WIDTH, HEIGHT = 60, 40
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16", "I;16B")
_FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "TIFF": "tif", "BMP": "bmp", "GIF": "gif"}
_TIFF_PACKINGS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd", "lzma")
# `picture()` by libjpeg-turbo's cjpeg -arithmetic -quality 60 -sample 1x1: Pillow writes Huffman codes only.
_ARITHMETIC = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT0//yQARCAAoADwDAREAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/AJWzGShFhmWOo2XMOJbZpM0MyxAs"
    "3HuEjVUZ5ZS3Iv3amEDBOitWNxaEL+RmU6CPrdIXGrYr4mar8FvqGFhM79kJbZis9MPElZ4QXQY8rCgMQo5Wa/Uw1LsuoVOjjXdC"
    "gWfylndGxKjrYiPSjpqyGqZlgwX3pHn1Rkr5AU2P+0WMVyxyQlamAf6ioLWCF/RNDvxIcZrciu8h1UeBKk3DyboujkfqrRHGneGL"
    "qg6vtfd0z9V1iN0h1JAPZZOfuzHf8IqOea5kMwnTy9Srexw6CXp+i+ehUyh3+ZaXjaBneAFDOEmOmFJsFGz6UGbXMS7+ow2LKwOB"
    "NwDB3YIMYa7nBelcn9T6pD7AMX/IE1gXEr9JZoVo/9k="
)

UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What turns an upright picture into how it is stored under an orientation."""


class Sample(NamedTuple):
    """A file, and what reading it should give.

    Attributes:
        name: with the suffix.
        content: the bytes.
        pixels: (H, W, 3) uint8; None if it has to be refused.
        tolerance: mean difference in grey levels that its format costs.
        grey: it has one colour channel.
        alpha: (H, W) uint8, its transparency; None if it has none.
        notes: what reading should say.
    """

    name: str
    content: bytes
    pixels: np.ndarray | None
    tolerance: float = 0.6
    grey: bool = False
    alpha: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def picture() -> Image.Image:
    """Smooth colours, without symmetry."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    red, green = 255 * x / (WIDTH - 1), 255 * y / (HEIGHT - 1)
    blue = 127 + 100 * np.sin(x / 9) * np.cos(y / 7)
    return Image.fromarray(np.stack([red, green, blue], axis=2).round().astype(np.uint8))


def slope() -> np.ndarray:
    """Transparency that falls from left to right."""
    return np.tile(np.linspace(255, 0, WIDTH).round().astype(np.uint8), (HEIGHT, 1))


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _in_mode(mode: str) -> Image.Image:
    colour = picture()
    grey = np.asarray(colour.convert("L"))
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    if mode == "I;16B":
        return Image.frombytes("I;16B", (WIDTH, HEIGHT), (grey.astype(">u2") * 257).astype(">u2").tobytes())
    if mode == "I":
        return Image.fromarray(grey.astype(np.int32) * 257)
    if mode == "LAB":
        from PIL import ImageCms

        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(colour, srgb, lab, outputMode="LAB")
        assert converted is not None
        converted.info.clear()
        return converted
    image = colour.convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(slope()))
    return image


def modes() -> Iterator[Sample]:
    """Every mode that Pillow writes in every format that is read here, without its silent conversions."""
    greys = ("1", "L", "LA", "I", "I;16", "I;16B")
    for kind, suffix in _FORMATS.items():
        for mode in _MODES:
            if (kind, mode) == ("PNG", "I"):  # I;16 by another name, which Pillow gives up
                continue
            image = _in_mode(mode)
            try:
                content = _encoded(image, kind, **({"quality": 95} if suffix in ("jpg", "webp", "avif") else {}))
            except (OSError, KeyError, ValueError):  # Pillow does not write it
                continue
            with Image.open(io.BytesIO(content)) as stored:
                if stored.mode != mode and not (mode[0] == "I" and stored.mode[0] == "I"):
                    continue
            expected = picture().convert("1" if mode == "1" else "L" if mode in greys else "RGB")
            alpha = slope() if mode in ("LA", "RGBA") and kind != "BMP" else None
            yield Sample(
                f"{suffix}-{mode.replace(';', '-')}.{suffix}",
                content,
                None if mode == "F" or (kind, mode) == ("TIFF", "I") else np.asarray(expected.convert("RGB")),
                {"P": 16, "PA": 16}.get(mode, 4.0 if suffix in ("jpg", "webp", "avif") else 2.0),
                mode in greys,
                alpha,
                ("16 bits reduced to 8",) if mode[0] == "I" else (),
            )


def packings() -> Iterator[Sample]:
    """Progressive, arithmetic and interlaced; every packing of TIFF; few bits, and 16 in colour."""
    pixels = np.asarray(picture())
    yield Sample("progressive.jpg", _encoded(picture(), "JPEG", quality=95, progressive=True), pixels, 4)
    yield Sample("arithmetic.jpg", base64.b64decode(_ARITHMETIC), pixels, 6)
    for packing in _TIFF_PACKINGS:
        yield Sample(f"{packing}.tif", _encoded(picture(), "TIFF", compression=packing), pixels, 8)
    for bits in (1, 2, 4):
        few = picture().quantize(2**bits)
        yield Sample(f"palette-{bits}.png", _encoded(few, "PNG", bits=bits), np.asarray(few.convert("RGB")))
        levels = np.asarray(picture().convert("L")) >> (8 - bits)
        grey = np.repeat((levels * (255 // (2**bits - 1))).astype(np.uint8)[:, :, None], 3, axis=2)
        yield Sample(f"grey-{bits}.png", png(levels[:, :, None], 0, bits), grey, grey=True)
    said = ("16 bits reduced to 8",)
    deep = np.dstack([pixels, slope()]).astype(np.uint16) * 257
    grey_deep = np.dstack([np.asarray(picture().convert("L")), slope()]).astype(np.uint16) * 257
    grey = np.repeat((grey_deep[:, :, :1] >> 8).astype(np.uint8), 3, axis=2)
    for interlaced in (False, True):
        way = "interlaced" if interlaced else "plain"
        yield Sample(f"{way}-rgb8.png", png(pixels, 2, 8, interlaced), pixels)
        yield Sample(f"{way}-rgb16.png", png(deep[:, :, :3], 2, 16, interlaced), pixels, notes=said)
        yield Sample(f"{way}-rgba16.png", png(deep, 6, 16, interlaced), pixels, alpha=slope(), notes=said)
        yield Sample(f"{way}-la16.png", png(grey_deep, 4, 16, interlaced), grey, 0.6, True, slope(), said)
    yield Sample("rgb16.tif", _deep_tiff(deep[:, :, :3]), pixels, notes=said)


def orientations() -> Iterator[Sample]:
    """All eight, in the formats that say them in EXIF."""
    for suffix, kind in (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("tif", "TIFF"), ("avif", "AVIF")):
        for orientation in range(1, 9):
            stored = picture() if orientation == 1 else picture().transpose(UNDO[orientation])
            exif = Image.Exif()
            exif[0x0112] = orientation
            options = {"quality": 95} if suffix in ("jpg", "webp", "avif") else {}
            content = _encoded(stored, kind, exif=exif, **options)
            yield Sample(f"turned-{orientation}.{suffix}", content, np.asarray(picture()), 6)


def colours() -> Iterator[Sample]:
    """One colour by every statement that names its space, and what they mean in sRGB."""
    red, half = np.full((HEIGHT, WIDTH, 3), (255, 0, 0), np.uint8), np.full((HEIGHT, WIDTH, 3), 188, np.uint8)
    p3 = Image.new("RGB", (WIDTH, HEIGHT), (234, 51, 35))
    for kind, suffix in (("JPEG", "jpg"), ("PNG", "png"), ("TIFF", "tif"), ("WEBP", "webp"), ("AVIF", "avif")):
        options = {"JPEG": {"subsampling": 0, "quality": 100}, "AVIF": {"subsampling": "4:4:4", "quality": 100}}
        content = _encoded(p3, kind, icc_profile=p3_profile(), **options.get(kind, {"lossless": True}))
        yield Sample(f"p3-icc.{suffix}", content, red, 2)
    yield Sample("p3-cicp.png", with_chunks(_encoded(p3, "PNG"), (b"cICP", bytes((12, 13, 0, 1)))), red, 2)
    yield Sample("p3-icc.bmp", bmp_with_profile(p3, p3_profile()), red, 2)
    avif = _encoded(p3, "AVIF", subsampling="4:4:4", quality=100)
    yield Sample("p3-nclx.avif", with_nclx(avif, 12, 13), red, 2)
    linear = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    yield Sample("linear.png", with_chunks(_encoded(linear, "PNG"), gamma(1)), half, 1)
    white = Image.new("RGB", (WIDTH, HEIGHT), (148, 148, 148))
    said = ("HDR tone-mapped",)
    pq = with_chunks(_encoded(white, "PNG"), (b"cICP", bytes((9, 16, 0, 1))))
    yield Sample("pq.png", pq, np.full_like(half, 231), 2, notes=said)


def values() -> Iterator[Sample]:
    """What the stored values mean: white as zero, values that are transparent, colours multiplied by alpha."""
    grey = np.asarray(picture().convert("L"))
    shown = np.repeat(grey[:, :, None], 3, axis=2)
    said = ("16 bits reduced to 8",)
    for depth in (12, 16):
        levels = np.rint(grey / 255 * (2**depth - 1)).astype(np.uint16)
        yield Sample(f"grey-{depth}.tif", grey_tiff(levels, depth, 1), shown, 1, True, notes=said)
    turned_over = grey_tiff(65535 - grey.astype(np.uint16) * 257, 16, 0)
    yield Sample("white-is-zero-16.tif", turned_over, shown, 1, True, notes=said)
    for bits in (2, 4):
        levels = grey >> (8 - bits)
        value = int(levels[20, 30])
        content = with_transparent(png(levels[:, :, None], 0, bits), struct.pack(">H", value))
        exact = np.repeat((levels * (255 // (2**bits - 1))).astype(np.uint8)[:, :, None], 3, axis=2)
        alpha = np.where(levels == value, 0, 255).astype(np.uint8)
        yield Sample(f"transparent-grey-{bits}.png", content, exact, 0.6, True, alpha)
    soft = np.maximum(slope(), 40)
    yield Sample("associated.tif", associated_tiff(np.asarray(picture()), soft), np.asarray(picture()), 2, alpha=soft)


def bombs() -> Iterator[Sample]:
    """Small files that claim 2,500 megapixels, one of which keeps its word."""
    side = 50_000
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + side // 8) * side, 9)
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    yield Sample("bomb.png", b"\x89PNG\r\n\x1a\n" + chunks, None)
    # Width, height, bits, packing, meaning of the values, place and size of the only strip.
    tags = ((256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (278, side), (279, 100))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    yield Sample("bomb.tif", b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4), None)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(values: np.ndarray, colour: int, bits: int, interlaced: bool = False) -> bytes:
    """A PNG as Pillow does not write them: any depth, interlaced by Adam7.

    Args:
        values: (H, W, C), each below 2 to the power of bits.
        colour: the format's colour type.
        bits: a channel's.
        interlaced: in seven passes.
    """
    height, width = values.shape[:2]
    passes = (
        [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        if interlaced
        else [(0, 0, 1, 1)]
    )
    rows = b""
    for top, left, down, across in passes:
        for row in values[top::down, left::across]:
            wide = row.reshape(-1, 1).astype(">u2").view(np.uint8)
            packed = np.packbits(np.unpackbits(wide, axis=1)[:, 16 - bits :])
            rows += b"\0" + packed.tobytes() if row.size else b""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _deep_tiff(values: np.ndarray) -> bytes:
    """An unpacked TIFF of 16 bits a channel, which Pillow reads and does not write."""
    height, width = values.shape[:2]
    content = values.astype("<u2").tobytes()
    depths = 8 + len(content)
    tags = (
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, depths),
        (259, 4, 1, 1),
        (262, 4, 1, 2),
        (273, 4, 1, 8),
        (277, 4, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(content)),
    )
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", depths + 6) + content + struct.pack("<3H", 16, 16, 16) + directory


def samples() -> list[Sample]:
    """All but the cut ones, which come of these."""
    return [*modes(), *packings(), *orientations(), *colours(), *values(), *bombs()]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    for sample in samples():
        (folder / sample.name).write_bytes(sample.content)
