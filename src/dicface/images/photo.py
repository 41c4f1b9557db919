"""Reading and writing of photos."""

import struct
import threading
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from dicface.errors import DicfaceError, ImageError, OutputError, TooLargeError, UsageError, is_our_fault
from dicface.files import written_whole
from dicface.images.decoding import Photo, decode
from dicface.images.foreign import foreign_hint, raw_hint
from dicface.images.metadata_writing import save_options
from dicface.images.stated_colour import stated_colour

READ_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".gif")
WRITE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp")
MAX_MEGAPIXELS = 64.0
PILLOW_MEGAPIXELS = 178.0
"""Largest photo that Pillow decodes: twice its `MAX_IMAGE_PIXELS`."""
MAX_OUTPUT_MEGAPIXELS = 1100.0
_NO_ALPHA = (".jpg", ".jpeg", ".bmp")
_MAX_SIDE = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383, ".avif": 65535}
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM")
_SUFFIXES = {
    **{"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "AVIF": ".avif", "TIFF": ".tif", "BMP": ".bmp"}
}
ImageLike = NDArray[np.uint8] | Image.Image | str | Path
"""An image argument: (H, W, 3) uint8 RGB, a PIL image, or a path."""
_WARNINGS = threading.Lock()
"""Lock around decoding, which silences Python's warnings for the whole process."""
_HEIC_HEAD = b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis", b"ftypmif1"


@cache
def _formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read; HEIC if its plugin is installed."""
    if find_spec("pillow_heif") is None:
        return _FORMATS
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return (*_FORMATS, "HEIF")


def readable_suffixes() -> tuple[str, ...]:
    """Suffixes of the images that can be read here; those of HEIC if its plugin is installed."""
    if "HEIF" in _formats():
        return READ_SUFFIXES
    return tuple(suffix for suffix in READ_SUFFIXES if suffix not in (".heic", ".heif"))


def _what_it_is(path: Path) -> str:
    """Why a file was not recognised."""
    with path.open("rb") as file:
        head = file.read(32)
    if head[4:12] in _HEIC_HEAD and "HEIF" not in _formats():
        return "got HEIC; pip install 'dicface[heic]', or convert it"
    return f"got {foreign_hint(path, head) or 'something else or a damaged header'}"


def read_photo(path: Path | str, *, max_megapixels: float = MAX_MEGAPIXELS) -> Photo:
    """Read an image file of any common kind as upright 8-bit sRGB.

    Orientation is applied, 16 bits are scaled to 8, CMYK and embedded profiles become sRGB, transparency is kept apart
    and hidden colours are replaced, an animation gives its first frame.

    Args:
        path: JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF or PPM; HEIC, too, where pillow-heif is installed.
        max_megapixels: larger images are refused at their header, before anything is decoded; at most 178 count.

    Raises:
        TooLargeError: larger than `max_megapixels`.
        ImageError: not an image, damaged, or of a depth that has no agreed scale.
    """
    path = Path(path)
    try:
        return _read(path, max_megapixels)
    except ImageError as error:
        error.add_note(f"The file: {str(path)!r}.")  # a program's traceback names it; the command names it itself
        raise


def _read(path: Path, max_megapixels: float) -> Photo:
    try:
        if path.is_dir():
            raise ImageError("expected an image file, got a folder")
        if path.stat().st_size == 0:
            raise ImageError("expected an image, got an empty file")
        with _WARNINGS, warnings.catch_warnings():
            # Pillow warns of large images and damaged metadata. Sizes are checked here; damaged metadata is allowed.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_formats()) as image:
                megapixels = image.width * image.height / 1e6
                if megapixels > max_megapixels:
                    raise TooLargeError(
                        f"expected at most {max_megapixels:g} megapixels, got {image.width}x{image.height} "
                        f"({megapixels:.0f} megapixels); raise `max_megapixels` or shrink it"
                    )
                if hint := raw_hint(image, path):
                    raise ImageError(f"expected a photo, got {hint}")
                return decode(image)
    except (DicfaceError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        kinds = ", ".join(_FORMATS[:7])
        raise ImageError(f"expected an image ({kinds}), {_what_it_is(path)}") from error
    except Image.DecompressionBombError as error:
        limit = min(max_megapixels, PILLOW_MEGAPIXELS)
        raise TooLargeError(f"expected at most {limit:g} megapixels, got a far larger image; shrink it") from error
    except FileNotFoundError as error:
        raise ImageError("expected an image file, found nothing of that name") from error
    except PermissionError as error:
        raise ImageError("the file may not be read; check its permissions") from error
    except OSError as error:
        # Errors of the system have a number; those of decoders for damaged files have none.
        said = (
            f"the file cannot be read: {error.strerror}" if error.errno else f"the image is damaged or cut off: {error}"
        )
        raise ImageError(said) from error
    except Exception as error:  # decoders of damaged files raise whatever their parsing trips over
        if is_our_fault(error):
            raise
        raise ImageError(f"the image is damaged or cut off: {error}") from error


def read_packet(file: Path | IO[bytes]) -> bytes:
    """The XMP packet of an image, without decoding its pixels; empty if it has none or is no image."""
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=_formats()) as image:
                packet = image.info.get("xmp")
    except Exception:  # decoders of damaged files raise whatever their parsing trips over
        return b""
    return packet if isinstance(packet, bytes) else b""


def suffix_for(path: Path) -> str:
    """The suffix of results in a photo's own format; `.png` for one that cannot be written or is not recognised."""
    try:
        with Image.open(path, formats=_formats()) as image:
            return _SUFFIXES.get(image.format or "", ".png")
    except OSError:
        return ".png"


def read_pixels(image: ImageLike) -> NDArray[np.uint8]:
    """The pixels of a photo, upright, in 8-bit sRGB.

    Args:
        image: a file, see `read_photo`; a PIL image, whose orientation and colour profile are applied and whose
            transparency is left out; or (H, W, 3) uint8 RGB, which is returned.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        UsageError: another type or shape.
        ImageError: a file or a PIL image that cannot be read.
    """
    if isinstance(image, str | Path):
        return read_photo(Path(image)).pixels
    if isinstance(image, Image.Image):
        try:
            with _WARNINGS, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Copying loads the pixels, and a loaded TIFF has closed the file that holds its EXIF directory.
                stated = stated_colour(image)
                return decode(image.copy(), stated).pixels
        except (OSError, ValueError) as error:
            raise ImageError(f"the image is damaged or cut off: {error}") from error
    if not isinstance(image, np.ndarray):  # pyright: ignore[reportUnnecessaryIsInstance] - what callers may try
        raise UsageError(f"expected a path, a PIL image or (H, W, 3) uint8 RGB pixels, got {type(image).__name__}")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise UsageError(f"expected (H, W, 3) uint8 RGB pixels, got {image.dtype} of shape {image.shape}")
    return image


def check_writable(path: Path, width: int, height: int, *, alpha: bool) -> None:
    """Check before any work that the format of `path` can hold an image.

    Raises:
        OutputError: unknown suffix, transparency that the format lacks, or more pixels than it or we can hold.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITE_SUFFIXES:
        raise OutputError(f"expected an output ending in one of {' '.join(WRITE_SUFFIXES)}, got {path.name!r}")
    if alpha and suffix in _NO_ALPHA:
        raise OutputError(f"the photo has transparency, which {suffix} cannot hold; write to .png, .webp or .tif")
    limit = _MAX_SIDE.get(suffix, 2**31 - 1)
    if max(width, height) > limit:
        raise OutputError(
            f"the result has {width}x{height} px, {suffix} holds at most {limit} a side; use .png or a smaller `scale`"
        )
    if width * height > MAX_OUTPUT_MEGAPIXELS * 1e6:
        raise OutputError(
            f"the result has {width * height / 1e6:.0f} megapixels, expected at most {MAX_OUTPUT_MEGAPIXELS:g}; "
            "use a smaller `scale`"
        )


def write_photo(path: Path | str, photo: Photo) -> tuple[str, ...]:
    """Write a photo in the format that the suffix names, complete or not at all.

    Args:
        path: the file; replaced if it exists.
        photo: what to write; grey, transparency and metadata are kept.

    Returns:
        What the format could not hold, for the user to know.

    Raises:
        OutputError: see `check_writable`; also a folder that cannot be written or a full disk.
    """
    path = Path(path)
    height, width = photo.pixels.shape[:2]
    check_writable(path, width, height, alpha=photo.alpha is not None)
    image = Image.fromarray(photo.pixels)
    if photo.grey:
        image = image.convert("L")
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(photo.alpha))
    suffix = path.suffix.lower()
    options, notes = save_options(suffix, photo.metadata, grey=photo.grey)
    if suffix in (".jpg", ".jpeg"):
        options |= {"quality": 95, "subsampling": 0}
    elif suffix in (".webp", ".avif"):
        options |= {"quality": 95}
    with written_whole(path) as part:
        try:
            image.save(part, **options)
        except (RuntimeError, ValueError, SystemError, struct.error) as error:  # what encoders raise
            raise OutputError(f"could not encode {str(path)!r}: {error}; try another format") from error
    return notes
