"""Every file of the corpus gives the right picture or one clear line."""

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.errors import ImageError
from dicface.images.listing import list_jobs
from dicface.images.photo import read_photo, readable_suffixes
from tests.support.corpus import Sample, picture, samples

SAMPLES = samples()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_right_picture_or_one_clear_line(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / sample.name
    path.write_bytes(sample.content)
    if sample.pixels is None:
        with pytest.raises(ImageError) as raised:
            read_photo(path)
        assert re.fullmatch(r"expected (at most 64 megapixels, got|8 or 16 bits a channel).*", str(raised.value))
        return
    photo = read_photo(path)
    assert photo.pixels.shape == sample.pixels.shape
    # Where nothing can be seen, nothing has to be right.
    seen = np.ones(sample.pixels.shape[:2], bool) if sample.alpha is None else sample.alpha > 8
    assert np.abs(photo.pixels.astype(int) - sample.pixels)[seen].mean() <= sample.tolerance
    assert photo.grey == sample.grey
    assert (photo.alpha is None) == (sample.alpha is None)
    if photo.alpha is not None and sample.alpha is not None:
        assert np.abs(photo.alpha.astype(int) - sample.alpha).max() <= 2
    assert photo.notes == sample.notes


def test_the_corpus_is_as_large_as_it_was() -> None:
    """Pillow that stops writing a mode would make the corpus smaller in silence."""
    assert len(SAMPLES) >= 106
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize(
    "name",
    [
        *("jpg-RGB.jpg", "progressive.jpg", "arithmetic.jpg", "png-RGB.png", "interlaced-rgb8.png", "webp-RGB.webp"),
        *("avif-RGB.avif", "tif-RGB.tif", "tiff_lzw.tif", "bmp-RGB.bmp", "gif-P.gif"),
    ],
)
def test_cut_at_every_percent(tmp_path: Path, name: str) -> None:
    """Refused, or whole where only the file's unused end is missing."""
    (sample,) = (sample for sample in SAMPLES if sample.name == name)
    path = tmp_path / name
    path.write_bytes(sample.content)
    whole = read_photo(path).pixels
    refused = 0
    for percent in range(100):
        path.write_bytes(sample.content[: len(sample.content) * percent // 100])
        try:
            pixels = read_photo(path).pixels
        except ImageError as error:
            refused += str(error).count("\n") == 0
        else:
            np.testing.assert_array_equal(pixels, whole)
    assert refused >= 90


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".txt"])
def test_the_content_counts_and_not_the_suffix(tmp_path: Path, suffix: str) -> None:
    for kind in ("PNG", "TIFF", "BMP"):
        picture().save(tmp_path / f"a{suffix}", kind)
        np.testing.assert_array_equal(read_photo(tmp_path / f"a{suffix}").pixels, np.asarray(picture()))


def test_heic_is_read_where_its_plugin_is(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = heif.from_pillow(picture())
    file.save(tmp_path / "a.heic", quality=95)
    photo = read_photo(tmp_path / "a.heic")
    assert np.abs(photo.pixels.astype(int) - np.asarray(picture())).mean() < 4
    with pytest.raises(ImageError, match=r"expected at most 0\.001 megapixels, got 60x40"):
        read_photo(tmp_path / "a.heic", max_megapixels=0.001)


def test_heic_without_its_plugin_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicface.images.photo._formats", lambda: ("JPEG", "PNG"))
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(ImageError, match=r"got HEIC; pip install 'dicface\[heic\]', or convert it"):
        read_photo(tmp_path / "a.heic")
    assert ".heic" not in readable_suffixes()
    assert ".heif" not in readable_suffixes()
    (tmp_path / "empty").mkdir()
    (job,) = list_jobs([tmp_path / "empty"], tmp_path / "out")
    assert job.problem == (
        "expected a folder with images (.jpg .jpeg .png .webp .avif .tif .tiff .bmp .gif), found none in it"
    )


def test_cmyk_goes_by_its_profile(tmp_path: Path) -> None:
    """An RGB profile in a CMYK file does not fit and is said; the pixels are converted plainly."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    picture().convert("CMYK").save(file, "TIFF", icc_profile=profile)
    (tmp_path / "a.tif").write_bytes(file.getvalue())
    photo = read_photo(tmp_path / "a.tif")
    assert photo.notes == ("its colour profile is damaged and was ignored",)
    assert np.abs(photo.pixels.astype(int) - np.asarray(picture())).mean() < 1


@pytest.mark.slow
def test_the_script_writes_the_corpus(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tests.support.corpus", tmp_path / "corpus"], check=True)
    assert len(list((tmp_path / "corpus").iterdir())) == len(SAMPLES)
    with Image.open(tmp_path / "corpus" / "arithmetic.jpg") as image:
        assert image.size == (60, 40)
