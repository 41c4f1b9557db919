"""The door for pixels: every kind of file gives right pixels or one clear error."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from dicface.errors import ImageError, OutputError, TooLargeError
from dicface.files import written_whole
from dicface.images.photo import Photo, check_writable, read_photo, write_photo
from tests.support.corpus import UNDO


@pytest.fixture
def picture(portrait: np.ndarray) -> Image.Image:
    """40 high and 60 wide, so that a lost orientation shows."""
    return Image.fromarray(portrait).crop((160, 60, 280, 140)).resize((60, 40))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp"])
def test_lossless_formats_come_back_as_written(tmp_path: Path, picture: Image.Image, suffix: str) -> None:
    photo = Photo(np.asarray(picture))
    write_photo(tmp_path / f"a{suffix}", photo)
    read = read_photo(tmp_path / f"a{suffix}").pixels
    assert np.abs(read.astype(int) - photo.pixels).mean() < (0.1 if suffix != ".webp" else 3)


@pytest.mark.parametrize("suffix", [".jpg", ".avif"])
def test_lossy_formats_come_close(tmp_path: Path, picture: Image.Image, suffix: str) -> None:
    write_photo(tmp_path / f"a{suffix}", Photo(np.asarray(picture)))
    assert np.abs(read_photo(tmp_path / f"a{suffix}").pixels.astype(int) - np.asarray(picture)).mean() < 4


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16", "YCbCr"])
def test_every_mode_is_read(tmp_path: Path, picture: Image.Image, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "YCbCr") else "a.png")
    if mode == "I;16":
        deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(path)
    else:
        image = picture.convert(mode)
        if mode in ("RGBA", "LA"):
            image.putalpha(200)
        image.save(path)
    photo = read_photo(path)
    expected = picture if mode not in ("L", "1", "LA", "I;16") else picture.convert("L").convert("RGB")
    tolerance = {"1": 128, "P": 16, "CMYK": 8, "YCbCr": 8}.get(mode, 0.6)
    assert photo.pixels.shape == (40, 60, 3)
    assert np.abs(photo.pixels.astype(int) - np.asarray(expected)).mean() < tolerance
    assert photo.grey == (mode in ("L", "1", "LA", "I;16"))
    assert (photo.alpha is not None) == (mode in ("RGBA", "LA"))


def test_16_bits_are_scaled_by_depth_not_by_content(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 32768, dtype=np.uint16)).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert (photo.pixels == 128).all()
    assert photo.notes == ("16 bits reduced to 8",)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_upright(tmp_path: Path, picture: Image.Image, orientation: int) -> None:
    stored = picture if orientation == 1 else picture.transpose(UNDO[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a description"
    stored.save(tmp_path / "a.png", exif=exif)
    photo = read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.pixels, np.asarray(picture))
    write_photo(tmp_path / "b.jpg", photo)
    with Image.open(tmp_path / "b.jpg") as again:
        assert again.getexif().get(0x0112, 1) == 1
        assert again.getexif()[0x010E] == "a description"
    write_photo(tmp_path / "c.jpg", Photo(photo.pixels))
    with Image.open(tmp_path / "c.jpg") as again:
        assert not again.getexif()


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif", ".tif"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, picture: Image.Image, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    picture.save(path, save_all=True, append_images=[picture.rotate(90), picture.rotate(180)])
    photo = read_photo(path)
    assert photo.notes == ("first of 3 frames",)
    assert photo.pixels.shape == (40, 60, 3)
    assert np.abs(photo.pixels.astype(int) - np.asarray(picture)).mean() < 16


@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_an_embedded_profile_becomes_srgb(tmp_path: Path, picture: Image.Image, mode: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A profile whose red is green and whose green is red: exchange the names of the two tags.
    swapped = srgb.replace(b"rXYZ", b"....", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"....", b"gXYZ", 1)
    assert swapped != srgb
    picture.convert(mode).save(tmp_path / "a.png", icc_profile=swapped)
    pixels = read_photo(tmp_path / "a.png").pixels.astype(int)
    expected = np.asarray(picture.convert(mode).convert("RGB"))[:, :, [1, 0, 2]]
    assert np.abs(pixels - expected).max() <= 2


def test_a_grey_profile_with_transparency_is_no_damage(tmp_path: Path, picture: Image.Image) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.convert("RGBA").save(tmp_path / "a.png", icc_profile=profile)
    photo = read_photo(tmp_path / "a.png")
    assert photo.notes == ()
    assert np.abs(photo.pixels.astype(int) - np.asarray(picture)).max() <= 1


def test_the_transparent_value_of_a_deep_grey(tmp_path: Path) -> None:
    deep = np.array([[0, 30000], [65535, 30000]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png", transparency=30000)
    alpha = read_photo(tmp_path / "a.png").alpha
    assert alpha is not None
    assert alpha.tolist() == [[255, 0], [255, 0]]


def camera_exif() -> Image.Exif:
    """What every camera writes: tags of the main directory and nested ones."""
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x8769] = {0x829A: (1, 60)}
    exif[0x8825] = {1: "N"}
    return exif


@pytest.mark.parametrize("source", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tif", ".avif", ".bmp"])
def test_exif_travels_between_formats(tmp_path: Path, picture: Image.Image, source: str, target: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    picture.save(tmp_path / f"a{source}", exif=exif if source == ".tif" else camera_exif())
    notes = write_photo(tmp_path / f"b{target}", read_photo(tmp_path / f"a{source}"))
    with Image.open(tmp_path / f"b{target}") as again:
        if target == ".bmp":
            assert notes == ("EXIF left out, .bmp cannot hold it",)
        else:
            assert again.getexif()[0x010F] == "a maker"


def test_exif_too_long_for_jpeg_is_left_out_and_said(tmp_path: Path, picture: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    picture.save(tmp_path / "a.png", exif=exif)
    notes = write_photo(tmp_path / "b.jpg", read_photo(tmp_path / "a.png"))
    assert notes == ("EXIF left out, .jpg cannot hold it",)


def test_damaged_exif_costs_the_exif_only(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01", comment=b"kept", quality=95)
    photo = read_photo(tmp_path / "a.jpg")
    assert np.abs(photo.pixels.astype(int) - np.asarray(picture)).mean() < 4
    assert photo.metadata.exif == b""
    assert photo.metadata.comment == b"kept"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".gif", ".bmp"])
def test_flipped_bytes_give_an_image_or_an_error(tmp_path: Path, picture: Image.Image, suffix: str) -> None:
    """Nothing but ImageError comes out, whatever is broken."""
    options: dict[str, Any] = {"exif": camera_exif()} if suffix in (".jpg", ".png", ".webp") else {}
    picture.save(tmp_path / f"whole{suffix}", **options)
    whole = (tmp_path / f"whole{suffix}").read_bytes()
    draw = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        broken = bytearray(whole)
        for place in draw.integers(0, min(len(whole), 600), 4):
            broken[place] = draw.integers(0, 256)
        (tmp_path / f"a{suffix}").write_bytes(broken)
        try:
            assert read_photo(tmp_path / f"a{suffix}", max_megapixels=1).pixels.ndim == 3
        except ImageError:
            refused += 1
    assert refused > 0


def test_a_damaged_profile_is_ignored_and_said(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "a.png", icc_profile=b"broken")
    assert read_photo(tmp_path / "a.png").notes == ("its colour profile is damaged and was ignored",)


def test_one_pixel_is_a_photo(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (10, 20, 30)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png").pixels, [[[10, 20, 30]]])


# Pillow writes a TIFF's directory last, and reads one that lacks only the directory's unused end.
CUTS = [(suffix, share) for suffix in (".jpg", ".png", ".webp", ".tif") for share in (1, 10, 50, 90, 99)]
CUTS.remove((".tif", 99))


@pytest.mark.parametrize(("suffix", "share"), CUTS)
def test_a_cut_off_file_is_refused(tmp_path: Path, picture: Image.Image, suffix: str, share: int) -> None:
    picture.resize((300, 200)).save(tmp_path / f"whole{suffix}")
    whole = (tmp_path / f"whole{suffix}").read_bytes()
    (tmp_path / f"a{suffix}").write_bytes(whole[: max(1, len(whole) * share // 100)])
    with pytest.raises(ImageError, match=r"damaged|cut off|expected an image"):
        read_photo(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"hello, this is text", "expected an image"),
        (b"\x89PNG\r\n\x1a\n", "expected an image"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=message):
        read_photo(tmp_path / "a.jpg")


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="got a folder"):
        read_photo(tmp_path)
    with pytest.raises(ImageError, match="found nothing of that name"):
        read_photo(tmp_path / "nothing.png")


def test_too_many_pixels_are_refused_at_the_header(tmp_path: Path) -> None:
    Image.new("L", (3000, 1000)).save(tmp_path / "a.png")
    with pytest.raises(TooLargeError, match=r"expected at most 2 megapixels, got 3000x1000 \(3 megapixels\)"):
        read_photo(tmp_path / "a.png", max_megapixels=2)


def test_pillows_own_limit_is_named(tmp_path: Path) -> None:
    Image.new("1", (14000, 14000)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="expected at most 178 megapixels, got a far larger image"):
        read_photo(tmp_path / "a.png", max_megapixels=1000)


def test_too_many_pixels_to_write_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="has 1600 megapixels, expected at most 1100; use a smaller `scale`"):
        check_writable(tmp_path / "a.png", 40_000, 40_000, alpha=False)


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(ImageError, match="the file may not be read; check its permissions"):
        read_photo(tmp_path / "a.png")


@pytest.mark.parametrize(("kind", "said"), [(np.float32, "floating-point"), (np.int32, "32-bit or signed")])
def test_what_has_no_agreed_scale_is_refused(tmp_path: Path, kind: type, said: str) -> None:
    """Whole numbers of 32 bits up to 255, say, came out black."""
    Image.fromarray(np.full((4, 4), 200, dtype=kind)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match=f"expected 8 or 16 bits a channel, got {said} numbers, which have no agreed"):
        read_photo(tmp_path / "a.tif")


def test_transparency_needs_a_format_that_holds_it(tmp_path: Path, picture: Image.Image) -> None:
    photo = Photo(np.asarray(picture), alpha=np.full((40, 60), 100, dtype=np.uint8))
    with pytest.raises(OutputError, match=r"has transparency, which \.jpg cannot hold"):
        write_photo(tmp_path / "a.jpg", photo)
    write_photo(tmp_path / "a.png", photo)
    alpha = read_photo(tmp_path / "a.png").alpha
    assert alpha is not None
    assert (alpha == 100).all()


def test_grey_stays_grey(tmp_path: Path, picture: Image.Image) -> None:
    picture.convert("L").save(tmp_path / "a.png")
    write_photo(tmp_path / "b.png", read_photo(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as again:
        assert again.mode == "L"


def test_sides_beyond_the_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"17000x1 px, \.webp holds at most 16383"):
        write_photo(tmp_path / "a.webp", Photo(np.zeros((1, 17000, 3), dtype=np.uint8)))


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="expected an output ending in one of"):
        write_photo(tmp_path / "a.xyz", Photo(np.zeros((1, 1, 3), dtype=np.uint8)))


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")

    def fill_the_disk() -> None:
        with written_whole(tmp_path / "a.txt") as part:
            part.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"could not write .*a.txt': No space left on device; choose another output"):
        fill_the_disk()
    assert (tmp_path / "a.txt").read_text() == "before"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    write_photo(path, Photo(np.zeros((2, 2, 3), dtype=np.uint8)))
    assert path.exists()


def test_how_coarse_a_jpeg_is_stands_in_its_tables(tmp_path: Path) -> None:
    picture = Image.new("L", (16, 16), 90)
    steps = []
    for quality in (90, 75, 50):
        picture.save(tmp_path / "a.jpg", quality=quality)
        steps.append(read_photo(tmp_path / "a.jpg").jpeg_step)
    assert steps == pytest.approx([3.0, 7.64, 15.0], abs=0.01)
    picture.save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").jpeg_step == 0


def test_paths_may_be_strings(tmp_path: Path) -> None:
    pixels = np.full((4, 5, 3), 90, np.uint8)
    write_photo(str(tmp_path / "a.png"), Photo(pixels))
    assert np.array_equal(read_photo(str(tmp_path / "a.png")).pixels, pixels)
    with pytest.raises(ImageError, match="got a folder"):
        read_photo(str(tmp_path))


def test_a_mistake_of_ours_is_not_the_files_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")

    def broken(*_: object) -> object:
        # As if it were in the package.
        return eval("None.is_dir()", {"__name__": "dicface.images.decoding"})

    monkeypatch.setattr("dicface.images.decoding.fill_invisible", broken)
    Image.new("RGBA", (4, 4)).save(tmp_path / "b.png")
    assert read_photo(tmp_path / "a.png").pixels.shape == (4, 4, 3)
    with pytest.raises(AttributeError, match="is_dir"):
        read_photo(tmp_path / "b.png")


@pytest.mark.parametrize("place", ["metadata.moved_exif", "print_size.print_dpi", "metadata.read_iptc"])
def test_a_mistake_of_ours_is_no_damaged_metadata(
    tmp_path: Path, picture: Image.Image, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    picture.save(tmp_path / "a.png", exif=camera_exif())

    def broken(*_: object) -> object:
        return eval("None.is_dir()", {"__name__": "dicface.images.exif"})

    monkeypatch.setattr(f"dicface.images.{place}", broken)
    with pytest.raises(AttributeError, match="is_dir"):
        read_photo(tmp_path / "a.png")


def test_a_traceback_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as raised:
        read_photo(tmp_path / "absent.png")
    assert str(raised.value) == "expected an image file, found nothing of that name"
    assert raised.value.__notes__ == [f"The file: {str(tmp_path / 'absent.png')!r}."]
