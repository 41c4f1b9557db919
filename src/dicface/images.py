"""The door for pixels: photos from files and to files, frames and channel means."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from dicface.errors import ImageError, OutputError
from dicface.files import written_whole

# Mean R, G, B of CelebA faces, subtracted from pixels in [0, 1]. Source: the authors' released code.
CHANNEL_MEANS = (0.509, 0.424, 0.378)

READ_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif")
WRITE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp")
_NO_ALPHA = (".jpg", ".jpeg", ".bmp")
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM")
MAX_MEGAPIXELS = 64.0


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright, in sRGB.

    Attributes:
        pixels: (H, W, 3) uint8 RGB; the three channels are equal if the file was grey.
        alpha: (H, W) uint8, 255 where opaque; None if the file had none.
        grey: the file had one colour channel.
        exif: the file's EXIF block, its orientation already applied and removed; empty if none.
        notes: what was done on the way that a user may want to know.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    grey: bool = False
    exif: bytes = b""
    notes: tuple[str, ...] = ()


def to_uint8(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Pixels in [0, 1] to 8 bits: clipped, scaled by 255, rounded."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def to_network(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, S, S, 3) uint8 RGB -> (N, 3, S, S) float32 in [0, 1], the networks' input."""
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)


def resize(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Pillow's bicubic resize.

    Args:
        pixels: (H, W, 3) or (H, W) uint8.
        size: width, height of the result.
    """
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale deep greys by their bit depth, never by their content."""
    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint32)
    elif image.mode == "I" and image.format in ("PNG", "PPM", "TIFF"):
        deep = np.asarray(image).astype(np.int64)
        if deep.min(initial=0) < 0 or deep.max(initial=0) > 65535:
            raise ImageError("expected at most 16 bits a channel, got a 32-bit image; convert it to 8 or 16 bits")
    elif image.mode in ("I", "F"):
        raise ImageError(
            f"expected 8 or 16 bits a channel, got pixels of mode {image.mode}; convert it to 8 or 16 bits"
        )
    else:
        return image
    return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))


def _to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """RGB pixels in sRGB, by the embedded profile if it can be used."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            notes.append("its colour profile is damaged and was ignored")
        else:
            assert converted is not None
            return converted
    return image.convert("RGB")


def _decode(image: Image.Image) -> Photo:
    notes: list[str] = []
    frames = getattr(image, "n_frames", 1)
    # MPO files hold a second view or a preview behind the photo; nobody misses it.
    if frames > 1 and image.format != "MPO":
        notes.append(f"first of {frames} frames")
    image.load()
    upright = ImageOps.exif_transpose(image)
    upright.format = image.format
    exif = upright.getexif()
    upright = _eight_bits(upright)
    grey = upright.mode in ("1", "L", "LA", "La")
    alpha = None
    if upright.has_transparency_data:
        with_alpha = upright.convert("RGBA")
        alpha = np.asarray(with_alpha.getchannel("A"))
        rgb = with_alpha.convert("RGB")
        rgb.info["icc_profile"] = upright.info.get("icc_profile")
    else:
        rgb = upright
    pixels = np.asarray(_to_srgb(rgb, notes))
    return Photo(pixels, alpha, grey, exif.tobytes() if len(exif) else b"", tuple(notes))


def read_photo(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Photo:
    """Read an image file of any common kind as upright 8-bit sRGB.

    Orientation is applied, 16 bits are scaled to 8, CMYK and embedded profiles become sRGB, transparency is kept apart,
    an animation gives its first frame.

    Args:
        path: JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF.
        max_megapixels: larger images are refused at their header, before anything is decoded.

    Raises:
        ImageError: not an image, damaged, too large, or of a depth that has no agreed scale.
    """
    if path.is_dir():
        raise ImageError("expected an image file, got a folder")
    try:
        if path.stat().st_size == 0:
            raise ImageError("expected an image, got an empty file")
        with warnings.catch_warnings():
            # Pillow warns of large images and of damaged metadata; the limit here is ours, and metadata may be damaged.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_FORMATS) as image:
                megapixels = image.width * image.height / 1e6
                if megapixels > max_megapixels:
                    raise ImageError(
                        f"expected at most {max_megapixels:g} megapixels, got {image.width}x{image.height} "
                        f"({megapixels:.0f} megapixels); raise --max-megapixels or shrink it"
                    )
                return _decode(image)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"expected an image ({', '.join(_FORMATS[:7])}), got something else or a damaged header"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"expected at most {max_megapixels:g} megapixels, got a far larger image") from error
    except FileNotFoundError as error:
        raise ImageError("expected an image file, found nothing of that name") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ImageError(f"the image is damaged or cut off: {error}") from error


def check_writable(path: Path, width: int, height: int, alpha: bool) -> None:
    """Refuse, before any work is done, what the format of `path` cannot hold.

    Raises:
        OutputError: unknown suffix, transparency that the format lacks, or sides beyond its limit.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITE_SUFFIXES:
        raise OutputError(f"expected an output ending in one of {' '.join(WRITE_SUFFIXES)}, got {path.name!r}")
    if alpha and suffix in _NO_ALPHA:
        raise OutputError(
            f"the photo has transparency, which {suffix} cannot hold; write to .png, .webp or .tif instead"
        )
    limit = {".jpg": 65535, ".jpeg": 65535, ".webp": 16383, ".avif": 65535}.get(suffix, 2**31 - 1)
    if max(width, height) > limit:
        raise OutputError(
            f"the result has {width}x{height} px, {suffix} holds at most {limit} a side; use .png or a smaller --scale"
        )


def write_photo(path: Path, photo: Photo, keep_metadata: bool = True) -> None:
    """Write a photo in the format that the suffix names, complete or not at all.

    Args:
        path: the file; replaced if it exists.
        photo: what to write; grey and transparency are kept.
        keep_metadata: write the EXIF block, too.

    Raises:
        OutputError: see `check_writable`; also a folder that cannot be written or a full disk.
    """
    height, width = photo.pixels.shape[:2]
    check_writable(path, width, height, photo.alpha is not None)
    image = Image.fromarray(photo.pixels)
    if photo.grey:
        image = image.convert("L")
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(photo.alpha))
    suffix = path.suffix.lower()
    options: dict[str, Any] = {}
    if keep_metadata and photo.exif and suffix != ".bmp":
        options["exif"] = photo.exif
    if suffix in (".jpg", ".jpeg"):
        options |= {"quality": 95, "subsampling": 0}
    elif suffix in (".webp", ".avif"):
        options |= {"quality": 95}
    elif suffix in (".tif", ".tiff"):
        options |= {"compression": "tiff_deflate"}
    with written_whole(path) as part:
        image.save(part, **options)
