"""Decoding: from an opened image to upright 8-bit sRGB."""

from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from dicface.errors import ImageError, is_our_fault
from dicface.images.boxes import clean_aperture, file_head, primary_properties
from dicface.images.chunks import CREDENTIALS, has_credentials
from dicface.images.colour import to_srgb
from dicface.images.metadata import EXIF_DAMAGED, NO_METADATA, Metadata, read_metadata, srgb_metadata
from dicface.images.stated_colour import StatedColour, stated_colour
from dicface.images.transform import TURNED, Transform
from dicface.images.transparency import fill_invisible

_PHOTOMETRIC, _BITS, _ORIENTATION = 0x0106, 0x0102, 0x0112
_WHITE_IS_ZERO = 0
_WITHOUT_SCALE = {"I": "32-bit or signed", "F": "floating-point"}


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright, in sRGB.

    Attributes:
        pixels: (H, W, 3) uint8 RGB; the three channels are equal if the file was grey. Where nothing can be seen, they
            have the colours of what is seen nearby, whatever the file stores there.
        alpha: (H, W) uint8, 255 where opaque; None if the file had none, or nothing but opaque pixels.
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
    tags: Any = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        deep = np.asarray(image).astype(np.int64)
        transparent = image.info.get("transparency")
        alpha = None if transparent is None else np.where(deep == transparent, 0, 255).astype(np.uint8)
        white = 4095 if tags.get(_BITS) == (12,) else 65535
        shallow = ((deep * 255 + white // 2) // white).astype(np.uint8)
        # Pillow turns over shallow pictures of this kind only.
        return Image.fromarray(255 - shallow if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else shallow), alpha
    if image.mode in _WITHOUT_SCALE:
        raise ImageError(
            f"expected 8 or 16 bits a channel, got {_WITHOUT_SCALE[image.mode]} numbers, which have no agreed scale; "
            "convert it to 8 or 16 bits"
        )
    grey = image.mode in ("1", "L", "LA", "La")
    alpha = np.asarray(image.convert("RGBA").getchannel("A")) if image.has_transparency_data else None
    if alpha is None and not grey and image.mode != "P":
        return image, None
    return image.convert("RGBA").convert("RGB").convert("L" if grey else "RGB"), alpha


def _space_of(profile: bytes) -> bytes:
    """Four letters for the colour space of a profile's pixels."""
    return profile[16:20]


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert to sRGB by an ICC profile; None if it is damaged or one of other pixels.

    Black becomes black (black point compensation), which is what printers' profiles need.
    """
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        # Many grey photos carry the profile of their colour scanner.
        fitting = image.convert("RGB") if image.mode == "L" and _space_of(profile) == b"RGB " else image
        return ImageCms.profileToProfile(
            fitting,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def _in_srgb(image: Image.Image, stated: StatedColour, notes: list[str]) -> tuple[NDArray[np.uint8], bool]:
    """(H, W, 3) uint8 sRGB, and whether the file's statement was used for that."""
    if stated.note:
        notes.append(stated.note)
    if stated.profile and image.mode in ("RGB", "CMYK", "L"):
        converted = _by_profile(image, stated.profile)
        if converted is not None:
            return np.asarray(converted), True
        notes.append("its colour profile is damaged and was ignored")
    # A copy of a large photo is many megabytes.
    pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    if stated.space is None or image.mode not in ("RGB", "L"):
        return pixels, False
    if stated.space.is_hdr:
        notes.append("HDR tone-mapped")
    return to_srgb(pixels, stated.space), True


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


def _like(image: Image.Image, changed: Image.Image) -> Image.Image:
    """An image of changed pixels with the format and metadata of another."""
    changed.format, changed.info = image.format, image.info
    return changed


def _scale_transparent_value(image: Image.Image, stored: str) -> None:
    """Scale the transparent grey or colour of a PNG as Pillow scales the pixels, which it does not."""
    value = image.info.get("transparency")
    if isinstance(value, int) and stored in ("L;2", "L;4"):
        image.info["transparency"] = value * 255 // (2 ** int(stored[2]) - 1)
    elif isinstance(value, tuple) and stored == "RGB;16B":
        image.info["transparency"] = tuple(channel >> 8 for channel in value)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation of an opened image, 1 to 8. Pillow turns a TIFF while it loads, HEIC's plugin as it opens."""
    try:
        stated: Any = image.info.get("original_orientation") or image.getexif().get(_ORIENTATION)
    except Exception as error:  # damaged EXIF raises exceptions of any class
        if is_our_fault(error):
            raise
        return 1
    return int(stated) if stated in range(1, 9) else 1


def decode(image: Image.Image, stated: StatedColour | None = None) -> Photo:
    """Decode an opened image.

    Args:
        image: as opened.
        stated: what its file states about its colours; None reads that from the image.

    Returns:
        The photo.
    """
    notes: list[str] = []
    frames = getattr(image, "n_frames", 1)
    # MPO files hold a second view or a preview after the photo, which is ignored.
    if frames > 1 and image.format != "MPO":
        notes.append(f"the main one of {frames} pictures" if image.format == "HEIF" else f"first of {frames} frames")
    # First of all: asked for its EXIF, a PNG is loaded, and its file closed.
    without = (CREDENTIALS,) if has_credentials(image) else ()
    stored, jpeg_step = _stored_mode(image), _jpeg_step(image)
    stated = stated or stated_colour(image)
    orientation = _orientation(image)
    aperture = clean_aperture(primary_properties(file_head(image)), *image.size) if image.format == "AVIF" else None
    image.load()
    image = image if aperture is None else _like(image, image.crop(aperture))
    _scale_transparent_value(image, stored)
    if ";16" in stored or image.mode.startswith("I"):
        notes.append("16 bits reduced to 8")
    if stored == "LA;16B":
        # Pillow reads deep grey with transparency as colour.
        image = _like(image, image.convert("LA"))
    try:
        ImageOps.exif_transpose(image, in_place=True)
        stored_size = image.size[::-1] if orientation in TURNED else image.size
        metadata, damages = read_metadata(image, Transform(orientation, *stored_size))
    except Exception as error:  # damaged EXIF raises whatever its parsing trips over
        if is_our_fault(error):
            raise
        metadata, damages = NO_METADATA, [EXIF_DAMAGED]
    notes += damages
    colour, alpha = _split_alpha(image)
    if alpha is not None and alpha.min() == 255:
        alpha = None
    pixels, converted = _in_srgb(colour, stated, notes)
    if converted:
        metadata = srgb_metadata(metadata)
    metadata = replace(metadata, left_out=metadata.left_out + without)
    if alpha is not None:
        pixels = fill_invisible(pixels, alpha)
    return Photo(pixels, alpha, colour.mode == "L", metadata, tuple(notes), jpeg_step)
