"""Texts beside the picture: PNG's text chunks, and comments of JPEG and GIF."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dicface.images.packets import Property

COMMENT = "Comment"
# What programs store there of EXIF, XMP, profiles and thumbnails, in their own ways.
_TECHNICAL = ("Raw profile type ", "XML:", "Thumb::", "exif:", "tiff:", "xmp:", "png:", "jpeg:", "icc:", "date:")
_IN_XMP = {"Title": ("title", "Alt"), "Author": ("creator", "Seq"), "Copyright": ("rights", "Alt")}
_IN_XMP["Description"] = ("description", "Alt")
_COMPRESSED_FROM = 1024


class Text(NamedTuple):
    """A text of a PNG.

    Attributes:
        keyword: what it is, such as Title.
        text: itself.
        language: RFC 3066; empty if not stated.
        translated: the keyword in that language; empty if not stated.
    """

    keyword: str
    text: str
    language: str = ""
    translated: str = ""


def read_texts(image: Image.Image) -> tuple[Text, ...]:
    """The texts of a loaded PNG that somebody wrote; empty for other formats."""
    texts: Any = getattr(image, "text", None)
    if image.format != "PNG" or not isinstance(texts, dict):
        return ()
    return tuple(
        Text(keyword, str(text), getattr(text, "lang", None) or "", getattr(text, "tkey", None) or "")
        for keyword, text in texts.items()
        if not keyword.startswith(_TECHNICAL)
    )


def raw_profile(image: Image.Image, kind: str) -> bytes:
    """A block as ImageMagick puts it into a PNG: its name, its length, and hexadecimal digits; empty if none."""
    text = image.info.get(f"Raw profile type {kind}")
    try:
        return bytes.fromhex("".join(text.split("\n")[3:])) if isinstance(text, str) else b""
    except ValueError:
        return b""


def is_place(text: Text) -> bool:
    """Whether a text says where the photo was taken."""
    return text.keyword.lower().startswith(("gps", "location", "latitude", "longitude"))


def read_comment(image: Image.Image) -> bytes:
    """The comment of a loaded JPEG or GIF; empty if none."""
    comment = image.info.get("comment")
    return comment if isinstance(comment, bytes) and image.format in ("JPEG", "MPO", "GIF") else b""


def decoded(comment: bytes) -> str:
    """A comment as text: UTF-8, or else Latin-1."""
    try:
        return comment.decode("utf-8")
    except UnicodeDecodeError:
        return comment.decode("latin-1")


def add_texts(info: PngInfo, texts: Iterable[Text]) -> None:
    """Add text chunks to a PNG."""
    for text in texts:
        is_latin = all(ord(letter) < 256 for letter in text.text)
        compress = len(text.text) > _COMPRESSED_FROM
        if is_latin and not text.language and not text.translated:
            info.add_text(text.keyword, text.text, zip=compress)
        else:
            info.add_itxt(text.keyword, text.text, text.language, text.translated, zip=compress)


def as_properties(texts: Iterable[Text]) -> tuple[list[Property], list[Text]]:
    """The texts as XMP properties, and those that have none."""
    properties: list[Property] = []
    others: list[Text] = []
    for text in texts:
        if text.keyword in _IN_XMP:
            name, kind = _IN_XMP[text.keyword]
            properties.append(Property("dc", name, (text.text,), kind))
        else:
            others.append(text)
    return properties, others
