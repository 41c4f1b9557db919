"""Reading and writing of photos."""

import struct
import threading
import warnings
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from dicface.errors import DicfaceError, ImageError, OutputError, TooLargeError, UsageError
from dicface.files import written_whole
from dicface.images.metadata import EXIF_DAMAGED, NO_METADATA, Metadata, read_metadata, save_options

READ_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".gif")
WRITE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp")
MAX_MEGAPIXELS = 64.0
PILLOW_MEGAPIXELS = 178.0
"""Largest photo that Pillow decodes: twice its `MAX_IMAGE_PIXELS`."""
MAX_OUTPUT_MEGAPIXELS = 1100.0
_NO_ALPHA = (".jpg", ".jpeg", ".bmp")
_MAX_SIDE = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383, ".avif": 65535}
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM")
ImageLike = NDArray[np.uint8] | Image.Image | str | Path
"""An image argument: (H, W, 3) uint8 RGB, a PIL image, or a path."""
_WARNINGS = threading.Lock()
"""Lock around decoding, which silences Python's warnings for the whole process."""
_HEIC_HEAD = b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis", b"ftypmif1"


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright, in sRGB.

    Attributes:
        pixels: (H, W, 3) uint8 RGB; the three channels are equal if the file was grey.
        alpha: (H, W) uint8, 255 where opaque; None if the file had none.
        grey: the file had one colour channel.
        metadata: EXIF, XMP and colour profile.
        notes: notes on conversions and damage, for the user.
        jpeg_step: mean quantisation step of a JPEG file's 14 coarsest DCT coefficients in grey levels: 3 at quality
            90, 8 at 75, 15 at 50; 0 for other formats.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    grey: bool = False
    metadata: Metadata = NO_METADATA
    notes: tuple[str, ...] = ()
    jpeg_step: float = 0.0


def _split_alpha(image: Image.Image) -> tuple[Image.Image, NDArray[np.uint8] | None]:
    """Split an image into colour or grey at 8 bits, and alpha. Deep greys are scaled by their bit depth."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM", "TIFF")):
        deep = np.asarray(image).astype(np.int64)
        if deep.min(initial=0) < 0 or deep.max(initial=0) > 65535:
            raise ImageError("expected at most 16 bits a channel, got a 32-bit image; convert it to 8 or 16 bits")
        transparent = image.info.get("transparency")
        alpha = None if transparent is None else np.where(deep == transparent, 0, 255).astype(np.uint8)
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8)), alpha
    if image.mode in ("I", "F"):
        raise ImageError(
            f"expected 8 or 16 bits a channel, got pixels of mode {image.mode}; convert it to 8 or 16 bits"
        )
    grey = image.mode in ("1", "L", "LA", "La")
    alpha = np.asarray(image.convert("RGBA").getchannel("A")) if image.has_transparency_data else None
    if alpha is None and not grey and image.mode != "P":
        return image, None
    return image.convert("RGBA").convert("RGB").convert("L" if grey else "RGB"), alpha


def _to_srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> tuple[Image.Image, bool]:
    """Convert to sRGB; returns the image and whether the embedded profile was usable."""
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            notes.append("its colour profile is damaged and was ignored")
        else:
            assert converted is not None
            return converted, True
    # A copy of a large photo is many megabytes.
    return image if image.mode == "RGB" else image.convert("RGB"), False


def _stored_mode(image: Image.Image) -> str:
    """Pillow's raw mode of a PNG or TIFF; empty for other formats."""
    tiles: list[Any] = getattr(image, "tile", [])
    if image.format not in ("PNG", "TIFF") or not tiles:
        return ""
    arguments = tiles[0].args
    return str(arguments if isinstance(arguments, str) else arguments[0])


def _jpeg_step(image: Image.Image) -> float:
    """See `Photo`."""
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    luma = tables.get(0, [])
    steps = [step for place, step in enumerate(luma) if 0 < place // 8 + place % 8 < 5]
    return sum(steps) / len(steps) if steps else 0.0


@cache
def _formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read; HEIC if its plugin is installed."""
    if find_spec("pillow_heif") is None:
        return _FORMATS
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return (*_FORMATS, "HEIF")


def _what_it_is(path: Path) -> str:
    """Why a file was not recognised."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:] in _HEIC_HEAD and "HEIF" not in _formats():
        return "got HEIC; pip install 'dicface[heic]', or convert it"
    return "got something else or a damaged header"


def _decode(image: Image.Image) -> Photo:
    notes: list[str] = []
    frames = getattr(image, "n_frames", 1)
    # MPO files hold a second view or a preview after the photo, which is ignored.
    if frames > 1 and image.format != "MPO":
        notes.append(f"first of {frames} frames")
    stored, jpeg_step = _stored_mode(image), _jpeg_step(image)
    image.load()
    if ";16" in stored or image.mode.startswith("I"):
        notes.append("16 bits reduced to 8")
    if stored == "LA;16B":
        # Pillow reads deep grey with transparency as colour.
        grey = image.convert("LA")
        grey.format, grey.info = image.format, image.info
        image = grey
    try:
        ImageOps.exif_transpose(image, in_place=True)
        metadata, damages = read_metadata(image)
    except Exception:  # damaged EXIF raises whatever its parsing trips over
        metadata, damages = NO_METADATA, [EXIF_DAMAGED]
    notes += damages
    colour, alpha = _split_alpha(image)
    srgb, profiled = _to_srgb(colour, image.info.get("icc_profile"), notes)
    metadata = replace(metadata, profiled=profiled)
    return Photo(np.asarray(srgb), alpha, colour.mode == "L", metadata, tuple(notes), jpeg_step)


def read_photo(path: Path | str, max_megapixels: float = MAX_MEGAPIXELS) -> Photo:
    """Read an image file of any common kind as upright 8-bit sRGB.

    Orientation is applied, 16 bits are scaled to 8, CMYK and embedded profiles become sRGB, transparency is kept apart,
    an animation gives its first frame.

    Args:
        path: JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF or PPM; HEIC, too, where pillow-heif is installed.
        max_megapixels: larger images are refused at their header, before anything is decoded; at most 178 count.

    Raises:
        TooLargeError: larger than `max_megapixels`.
        ImageError: not an image, damaged, or of a depth that has no agreed scale.
    """
    path = Path(path)
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
                return _decode(image)
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
        raise ImageError(f"the image is damaged or cut off: {error}") from error


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
                return _decode(image.copy()).pixels
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
