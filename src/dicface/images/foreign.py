"""Files that hold pictures and are no photos yet: PDF, RAW and formats of editors, and what to do with them."""

from pathlib import Path
from typing import Any

from PIL import Image

_RAW_NAMES = (
    *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "iiq", "k25", "kdc", "mef", "mos", "mrw", "nef", "nrw"),
    *("orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
)
RAW_SUFFIXES = frozenset(f".{name}" for name in _RAW_NAMES)
_DEVELOP = "a camera's RAW; develop it to TIFF or JPEG first, with the camera's program or darktable"
_PDF = "a PDF; export its pages as images first, for example with pdftoppm -png"
_HINTS = (
    (0, b"%PDF", _PDF),
    (0, b"8BPS", "a Photoshop document; export it as PNG or TIFF"),
    (4, b"jP  \r\n", "JPEG 2000; convert it to PNG or JPEG"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000; convert it to PNG or JPEG"),
    (0, b"\xff\x0a", "JPEG XL; convert it to PNG or JPEG"),
    (4, b"JXL ", "JPEG XL; convert it to PNG or JPEG"),
    (8, b"CR", _DEVELOP),
    (4, b"ftypcrx ", _DEVELOP),
    (0, b"FUJIFILMCCD-RAW", _DEVELOP),
    (0, b"IIRO", _DEVELOP),
    (0, b"IIRS", _DEVELOP),
    (0, b"IIU\0", _DEVELOP),
    (0, b"FOVb", _DEVELOP),
    (0, b"\0MRM", _DEVELOP),
)
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 0x00FE, 0x014A, 0xC612
_REDUCED = 1


def is_foreign(path: Path) -> bool:
    """Whether a name is that of a PDF or RAW file."""
    return path.suffix.lower() in {*RAW_SUFFIXES, ".pdf"}


def foreign_hint(path: Path, head: bytes) -> str:
    """What a file is that was not recognised as an image, and what to do with it; empty if unknown.

    Args:
        path: the file.
        head: its first 16 bytes or more.
    """
    found = (hint for at, magic, hint in _HINTS if head[at:].startswith(magic))
    return next(found, _DEVELOP if path.suffix.lower() in RAW_SUFFIXES else "")


def raw_hint(image: Image.Image, path: Path) -> str:
    """As `foreign_hint`, of a RAW file that looks like a TIFF, whose first picture is a small preview."""
    tags: Any = getattr(image, "tag_v2", None)
    if tags is None:
        return ""
    preview = tags.get(_NEW_SUBFILE_TYPE) == _REDUCED and _SUB_IFDS in tags
    return _DEVELOP if preview or _DNG_VERSION in tags or path.suffix.lower() in RAW_SUFFIXES else ""
