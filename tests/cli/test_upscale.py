"""`dicface upscale`: face crops."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.command import dicface


def test_upscale_crops(small_photo: np.ndarray, tmp_path: Path) -> None:
    crop = Image.fromarray(small_photo).crop((39, 18, 68, 47))
    crop.save(tmp_path / "face.png")
    assert dicface("upscale", tmp_path / "face.png", "-o", tmp_path / "a.png").returncode == 0
    assert (
        dicface("upscale", tmp_path / "face.png", "-o", tmp_path / "b.png", "--all-steps", "--landmarks").returncode
        == 0
    )
    with Image.open(tmp_path / "a.png") as one, Image.open(tmp_path / "b.png") as steps:
        assert one.size == (128, 128)
        assert steps.size == (2 * 128 + 2, 128)


def test_upscale_refuses_a_photo(photo: Path, tmp_path: Path) -> None:
    result = dicface("upscale", photo, "-o", tmp_path / "a.png")
    assert result.returncode == 1
    expected = (
        "expected a square face crop of 8 to 64 px, lite-256 takes larger ones, got 121x121; use `dicface restore`"
    )
    assert expected in result.stderr


def test_upscale_says_its_quality_warnings(portrait: np.ndarray, tmp_path: Path) -> None:
    crop = Image.fromarray(portrait[50:178, 150:278]).resize((24, 24), Image.Resampling.BICUBIC)
    crop.save(tmp_path / "face.png")
    crop.point([value // 32 for value in range(256)] * 3).save(tmp_path / "dark.png")
    result = dicface("upscale", tmp_path / "face.png", tmp_path / "dark.png", "-o", tmp_path / "out")
    face, dark = result.stdout.splitlines()
    assert (result.returncode, result.stderr) == (0, "")
    assert "warning" not in face
    # Of a crop, the file says what its few pixels cannot.
    crop.save(tmp_path / "coarse.jpg", quality=60)
    crop.save(tmp_path / "fine.jpg", quality=90)
    result = dicface("upscale", tmp_path / "coarse.jpg", tmp_path / "fine.jpg", "-o", tmp_path / "stored")
    assert ["the face shows JPEG blocks" in line for line in result.stdout.splitlines()] == [True, False]
    assert "the face shows JPEG blocks ->" in result.stdout
    assert "24 px, warning: the face is too dark and has too little contrast" in dark


def test_upscale_consistently(portrait: np.ndarray, tmp_path: Path) -> None:
    crop = np.asarray(Image.fromarray(portrait[50:178, 150:278]).resize((16, 16), Image.Resampling.BICUBIC))
    Image.fromarray(crop).save(tmp_path / "face.png")
    result = dicface("upscale", tmp_path / "face.png", "-o", tmp_path / "out.png", "--consistent")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "out.png") as image:
        again = np.asarray(image.resize((16, 16), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(again, crop)
