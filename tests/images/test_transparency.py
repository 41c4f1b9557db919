"""Colours that cannot be seen change nothing that can be seen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from dicface.images.photo import read_photo, write_photo
from dicface.images.pixels import resize
from dicface.images.transparency import LEAST_ALPHA, fill_invisible

SIDE = 48


def cutout(grey: bool = False) -> np.ndarray:
    """(48, 48, 4) uint8 RGBA: a coloured disc with a soft edge; nothing is visible around it."""
    y, x = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(x - 23.5, y - 23.5)
    alpha = np.clip((18 - distance) / 3, 0, 1) * 255
    colour = np.stack([200 + x, 150 - x, 90 + y], axis=2)
    if grey:
        colour[:] = colour[:, :, :1]
    return np.dstack([colour, alpha]).round().astype(np.uint8)


def hidden_colours(grey: bool = False) -> dict[str, np.ndarray]:
    """The cutout with several colours where nothing is seen."""
    kinds = {"black": (0, 0, 0), "white": (255, 255, 255)} | ({} if grey else {"green": (0, 255, 0)})
    variants: dict[str, np.ndarray] = {}
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 1 if grey else 3))
    for name, colour in (*kinds.items(), ("noise", noise)):
        rgba = cutout(grey)
        rgba[:, :, :3] = np.where(rgba[:, :, 3:] == 0, colour, rgba[:, :, :3])
        variants[name] = rgba
    return variants


def test_visible_pixels_stay_and_invisible_ones_follow_their_neighbours() -> None:
    rgba = cutout()
    rgba[rgba[:, :, 3] < LEAST_ALPHA, :3] = (0, 255, 0)
    filled = fill_invisible(rgba[:, :, :3], rgba[:, :, 3])
    seen = rgba[:, :, 3] >= LEAST_ALPHA
    np.testing.assert_array_equal(filled[seen], rgba[seen][:, :3])
    # At the disc's lower end, green is at most 150 - 0.
    assert filled[:, :, 1].max() <= 150
    np.testing.assert_allclose(filled[0, 23], rgba[6, 23, :3], atol=25)


def test_one_visible_pixel_fills_everything() -> None:
    pixels = np.zeros((37, 50, 3), np.uint8)
    pixels[20, 30] = (10, 200, 90)
    alpha = np.zeros((37, 50), np.uint8)
    alpha[20, 30] = 255
    assert np.abs(fill_invisible(pixels, alpha).astype(int) - (10, 200, 90)).max() <= 6


def test_what_cannot_be_seen_at_all_is_black() -> None:
    assert not fill_invisible(np.full((4, 5, 3), 90, np.uint8), np.zeros((4, 5), np.uint8)).any()


def test_opaque_pixels_are_not_copied() -> None:
    pixels = np.full((4, 5, 3), 90, np.uint8)
    assert fill_invisible(pixels, np.full((4, 5), 255, np.uint8)) is pixels


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_an_opaque_picture_is_one_without_transparency(tmp_path: Path, mode: str) -> None:
    """So that it can be written as JPEG, too."""
    plain = Image.fromarray(cutout()[:, :, :3])
    plain.convert(mode).save(tmp_path / "a.png" if mode != "PA" else tmp_path / "a.tif")
    photo = read_photo(next(tmp_path.iterdir()))
    assert photo.alpha is None
    np.testing.assert_array_equal(photo.pixels, np.asarray(plain.convert(mode).convert("RGB")))
    write_photo(tmp_path / "b.jpg", photo)
    assert np.abs(read_photo(tmp_path / "b.jpg").pixels.astype(int) - photo.pixels).mean() < 4


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("PNG", "P"), ("WEBP", "RGBA"), ("TIFF", "RGBA"), ("TIFF", "LA")]
)
def test_hidden_colours_change_nothing(tmp_path: Path, kind: str, mode: str) -> None:
    results: list[tuple[np.ndarray, np.ndarray | None]] = []
    for name, rgba in hidden_colours(grey=mode == "LA").items():
        image = Image.fromarray(rgba)
        options: dict[str, Any] = {"lossless": True, "exact": True} if kind == "WEBP" else {}
        if kind == "TIFF":
            # 2 is unassociated alpha, whose colours are stored as they are.
            options["tiffinfo"] = ImageFileDirectory_v2()
            options["tiffinfo"][338] = 2
        if mode == "P":
            image = _in_palette(rgba)
            options["transparency"] = 0
        elif mode == "LA":
            image = image.convert("LA")
        path = tmp_path / f"{name}.{kind.lower()}"
        image.save(path, kind, **options)
        photo = read_photo(path)
        results.append((photo.pixels, photo.alpha))
    for pixels, alpha in results:
        assert alpha is not None
        assert (alpha == 0).any()
        np.testing.assert_array_equal(pixels, results[0][0])
        np.testing.assert_array_equal(alpha, results[0][1])


def _in_palette(rgba: np.ndarray) -> Image.Image:
    """A palette image, whose entry 0 is transparent and has the hidden colour of a corner."""
    visible = rgba[:, :, 3] > 0
    index = np.where(visible, 1 + rgba[:, :, 0] // 8, 0).astype(np.uint8)
    palette = [*rgba[0, 0, :3].tolist()]
    for level in range(32):
        palette += [level * 8, 90, 255 - level * 8]
    image = Image.frombytes("P", (SIDE, SIDE), index.tobytes())
    image.putpalette(palette)
    return image


def test_an_enlarged_cutout_has_no_rim(tmp_path: Path) -> None:
    """A red disc before nothing, enlarged and put on red, is red."""
    rgba = cutout()
    rgba[:, :, :3] = np.where(rgba[:, :, 3:] > 0, (200, 30, 40), (0, 255, 0))
    Image.fromarray(rgba).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.alpha is not None
    enlarged, alpha = (resize(plane, (4 * SIDE, 4 * SIDE)) for plane in (photo.pixels, photo.alpha))
    off = np.abs(enlarged.astype(int) - (200, 30, 40)) * (alpha[:, :, None] / 255)
    assert off.max() <= 1
