"""Chunks of PNG and segments of JPEG that Pillow passes over."""

import struct

from PIL import Image

from dicface.images.boxes import file_head

CREDENTIALS = "content credentials"
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def png_chunk(image: Image.Image, kind: bytes) -> bytes:
    """Content of an opened PNG's first chunk of a kind before its pixels; empty if there is none."""
    head, at = file_head(image) if image.format == "PNG" else b"", len(_PNG_HEAD)
    while head.startswith(_PNG_HEAD) and at + 12 <= len(head):
        length, found = struct.unpack_from(">I4s", head, at)
        if found == kind:
            return head[at + 8 : at + 8 + length]
        if found == b"IDAT":
            break
        at += 12 + length
    return b""


def has_credentials(image: Image.Image) -> bool:
    """Whether an opened JPEG or PNG holds content credentials, which are signed for its pixels as they are.

    Source: C2PA technical specification 2.1, A.3.1 (segment APP11) and A.3.2 (chunk caBX).
    """
    segments: list[tuple[str, bytes]] = getattr(image, "applist", None) or []
    in_jpeg = any(name == "APP11" and b"jumb" in content and b"c2pa" in content for name, content in segments)
    return in_jpeg or bool(png_chunk(image, b"caBX"))
