"""Colours come out as sRGB, whichever way a file names their space."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from dicface.images.boxes import primary_properties
from dicface.images.colour import BT2020_PRIMARIES, P3_PRIMARIES, SRGB_PRIMARIES, ColourSpace, cicp_space, to_srgb
from dicface.images.photo import read_photo, read_pixels, write_photo
from tests.support.colours import (
    chromaticities,
    cmyk_profile,
    gamma,
    grey_tiff,
    p3_profile,
    tiff_around,
    with_chunks,
    with_nclx,
)

P3_RED = (234, 51, 35)
"""Pure red of sRGB, in Display P3."""
ADOBE_GREEN = (144, 255, 60)
"""Pure green of sRGB, in Adobe RGB."""
P3_CHROMATICITIES = chromaticities((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06))


def plain(colour: tuple[int, int, int] = P3_RED) -> Image.Image:
    return Image.new("RGB", (32, 24), colour)


def encoded(kind: str, colour: tuple[int, int, int] = P3_RED, **options: Any) -> bytes:
    file = io.BytesIO()
    lossy: dict[str, Any] = {"quality": 100} if kind in ("JPEG", "WEBP", "AVIF") else {}
    if kind in ("JPEG", "AVIF"):
        lossy["subsampling"] = "4:4:4"
    plain(colour).save(file, kind, **lossy, **options)
    return file.getvalue()


def exif_colour(space: int, index: str | None = None) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[IFD.Exif] = {0xA001: space} | ({} if index is None else {IFD.Interop: {1: index, 2: b"0100"}})
    return exif.tobytes()


def heic(colour: tuple[int, int, int] = P3_RED) -> bytes:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(plain(colour)).save(file, quality=100, chroma=444)
    return file.getvalue()


def doors() -> dict[str, bytes]:
    """Red in Display P3 by every statement that can name it."""
    profile = p3_profile()
    files = {
        f"icc.{kind.lower()}": encoded(kind, icc_profile=profile) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
    }
    png = encoded("PNG")
    files["cicp.png"] = with_chunks(png, (b"cICP", bytes((12, 13, 0, 1))))
    files["cicp-before-icc.png"] = with_chunks(
        encoded("PNG", icc_profile=b"never read"), (b"cICP", bytes((12, 13, 0, 1)))
    )
    files["chrm.png"] = with_chunks(png, P3_CHROMATICITIES, gamma(1 / 2.2))
    files["nclx.avif"] = with_nclx(encoded("AVIF"), 12, 13)
    return files


@pytest.mark.parametrize("name", [*doors(), "nclx.heic"])
def test_p3_red_through_every_door(tmp_path: Path, name: str) -> None:
    content = with_nclx(heic(), 12, 13) if name == "nclx.heic" else doors()[name]
    (tmp_path / name).write_bytes(content)
    photo = read_photo(tmp_path / name)
    assert np.abs(photo.pixels[12, 16].astype(int) - (255, 0, 0)).max() <= 2
    assert photo.notes == ()
    assert photo.metadata.profiled
    write_photo(tmp_path / "b.png", photo)
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["icc_profile"]


# Pillow states sRGB in each AVIF.
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("space", "index"), [(0xFFFF, "R03"), (2, None)])
def test_adobe_rgb_by_exif(tmp_path: Path, kind: str, space: int, index: str | None) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    exif = exif_colour(space, index)
    if kind == "TIFF":
        content = tiff_around(exif, plain(ADOBE_GREEN))
    else:
        content = encoded(kind, ADOBE_GREEN, exif=exif, **options)
    (tmp_path / "a").write_bytes(content)
    photo = read_photo(tmp_path / "a")
    assert np.abs(photo.pixels[12, 16].astype(int) - (0, 255, 0)).max() <= 2
    assert photo.notes == ()
    np.testing.assert_array_equal(read_pixels(Image.open(tmp_path / "a")), photo.pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_after_conversion_nothing_contradicts_srgb(tmp_path: Path, kind: str) -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        b'xmlns:exif="http://ns.adobe.com/exif/1.0/" photoshop:ICCProfile="Display P3" photoshop:ColorMode="3" '
        b'exif:ColorSpace="65535" photoshop:Credit="somebody"/></rdf:RDF></x:xmpmeta>'
    )
    exif = exif_colour(0xFFFF, "R03")
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", exif=exif, xmp=packet, icc_profile=p3_profile()))
    photo = read_photo(tmp_path / "a.jpg")
    assert np.abs(photo.pixels[12, 16].astype(int) - (255, 0, 0)).max() <= 2
    target = tmp_path / f"b.{'tif' if kind == 'TIFF' else kind.lower()}"
    write_photo(target, photo)
    with Image.open(target) as image:
        assert image.getexif().get_ifd(IFD.Exif)[0xA001] == 1
    assert b"somebody" in photo.metadata.xmp
    assert not any(word in photo.metadata.xmp for word in (b"Display P3", b"ColorMode", b"65535"))
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (libimage-exiftool-perl)")
    said = subprocess.run(["exiftool", "-s", "-G1", "-a", target], capture_output=True, text=True, check=True).stdout
    assert "R03" not in said
    assert "Uncalibrated" not in said
    assert kind != "JPEG" or "R98" in said


def test_colours_of_no_name_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", exif=exif_colour(0xFFFF)))
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.notes == ("its EXIF block says that its colours are not sRGB, and not what they are; taken as sRGB",)
    assert np.abs(photo.pixels[12, 16].astype(int) - P3_RED).max() <= 2
    (tmp_path / "b.png").write_bytes(with_chunks(encoded("PNG"), (b"cICP", bytes((77, 13, 0, 1)))))
    assert read_photo(tmp_path / "b.png").notes == (
        "its colours are not sRGB and of a space that is not known here (77/13); taken as sRGB",
    )


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        ((b"sRGB", b"\0"), gamma(0.45455), P3_CHROMATICITIES),
        ((b"cICP", bytes((1, 13, 0, 1))), gamma(1)),
        (gamma(0.45455),),
        (gamma(0),),
        (chromaticities((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), gamma(0.45455)),
        (chromaticities((0, 0), (0, 0), (0, 0), (0, 0)),),
    ],
)
def test_what_means_srgb_changes_no_pixel(tmp_path: Path, chunks: tuple[tuple[bytes, bytes], ...]) -> None:
    (tmp_path / "a.png").write_bytes(with_chunks(encoded("PNG"), *chunks))
    photo = read_photo(tmp_path / "a.png")
    assert (photo.pixels == P3_RED).all()
    assert not photo.metadata.profiled


def test_linear_light_by_gamma(tmp_path: Path) -> None:
    """Half of the light is 188 in sRGB, in colour and in grey."""
    for mode in ("RGB", "L"):
        file = io.BytesIO()
        Image.new("RGB", (4, 4), (128,) * 3).convert(mode).save(file, "PNG")
        (tmp_path / "a.png").write_bytes(with_chunks(file.getvalue(), gamma(1)))
        photo = read_photo(tmp_path / "a.png")
        assert (photo.pixels == 188).all()
        assert photo.grey == (mode == "L")


@pytest.mark.parametrize(("transfer", "white"), [(16, 148), (18, 191)])
@pytest.mark.parametrize("kind", ["PNG", "AVIF", "HEIC"])
def test_hdr_is_tone_mapped_and_said(tmp_path: Path, kind: str, transfer: int, white: int) -> None:
    """Reference white, 203 nits, becomes 231; the brightest stays below 256 and grey stays grey."""
    for level, low, high in ((white, 227, 235), (255, 250, 255), (0, 0, 2)):
        grey = (level, level, level)
        if kind == "PNG":
            content = with_chunks(encoded("PNG", grey), (b"cICP", bytes((9, transfer, 0, 1))))
        else:
            content = with_nclx(heic(grey) if kind == "HEIC" else encoded("AVIF", grey), 9, transfer)
        (tmp_path / "a").write_bytes(content)
        photo = read_photo(tmp_path / "a")
        assert low <= photo.pixels.min() <= photo.pixels.max() <= high
        assert photo.notes == ("HDR tone-mapped",)


def test_known_colours_of_published_matrices() -> None:
    """Display P3 to linear sRGB as CSS Color 4 gives it."""
    matrix = np.array([[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982736]])
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    value = pixels / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) @ matrix.T
    light = np.clip(light, 0, 1)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(to_srgb(pixels, ColourSpace(P3_PRIMARIES, "sRGB")) - expected).max() <= 1


@pytest.mark.parametrize("transfer", ["sRGB", 1.8, "PQ", "HLG"])
def test_grey_stays_grey(transfer: Any) -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    result = to_srgb(greys, ColourSpace(BT2020_PRIMARIES, transfer)).astype(int)
    assert np.ptp(result, axis=2).max() <= 1
    assert (np.diff(result[0, :, 0]) >= 0).all()


def test_code_points() -> None:
    assert cicp_space(2, 2) == cicp_space(1, 13) == ColourSpace(SRGB_PRIMARIES, "sRGB")
    assert cicp_space(3, 13) is None
    assert cicp_space(1, 99) is None


# Pillow refuses 12 bits with white as zero.
@pytest.mark.parametrize(("depth", "white_is_zero"), [(12, False), (16, False), (16, True)])
def test_deep_grey_with_white_as_zero(tmp_path: Path, depth: int, white_is_zero: bool) -> None:
    most = 2**depth - 1
    levels = np.linspace(0, most, 64).round().astype(np.uint16).reshape(8, 8)
    stored = most - levels if white_is_zero else levels
    (tmp_path / "a.tif").write_bytes(grey_tiff(stored, depth, 0 if white_is_zero else 1))
    photo = read_photo(tmp_path / "a.tif")
    assert np.abs(photo.pixels[:, :, 0] - levels / most * 255).max() <= 0.51
    assert photo.grey


def test_primaries_of_a_tiff(tmp_path: Path) -> None:
    info = ImageFileDirectory_v2()
    info[0x013E] = (0.3127, 0.329)
    info[0x013F] = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    plain().save(tmp_path / "a.tif", tiffinfo=info)
    assert np.abs(read_photo(tmp_path / "a.tif").pixels.astype(int) - (255, 0, 0)).max() <= 2


def test_a_grey_photo_with_a_profile_of_colours(tmp_path: Path) -> None:
    """No damage, and the profile's curve counts; that of P3 is sRGB's."""
    plain((90, 90, 90)).convert("L").save(tmp_path / "a.png", icc_profile=p3_profile())
    photo = read_photo(tmp_path / "a.png")
    assert photo.notes == ()
    assert photo.grey
    assert np.abs(photo.pixels.astype(int) - 90).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize("black", [0, 15])
def test_cmyk_goes_by_its_profile_and_black_becomes_black(tmp_path: Path, kind: str, black: int) -> None:
    """Half of the black ink has a lightness in the middle. Black point compensation scales its luminance."""
    expected: list[float] = []
    for lightness in (100.0, 100 - (100 - black) * 128 / 255, black):
        luminance, darkest = (((level + 16) / 116) ** 3 if level > 8 else level / 903.3 for level in (lightness, black))
        light = (luminance - darkest) / (1 - darkest)
        expected.append(255 * (1.055 * light ** (1 / 2.4) - 0.055 if light > 0.0031308 else 12.92 * light))
    inks = np.zeros((24, 96, 4), np.uint8)
    inks[:, 32:64, 3], inks[:, 64:, 3] = 128, 255
    image = Image.frombytes("CMYK", (96, 24), inks.tobytes())
    image.save(tmp_path / "a", kind, icc_profile=cmyk_profile(black), **({"quality": 100} if kind == "JPEG" else {}))
    photo = read_photo(tmp_path / "a")
    assert photo.notes == ()
    assert photo.metadata.profiled
    for left, level in zip((0, 32, 64), expected, strict=True):
        assert np.abs(photo.pixels[12, left + 16].astype(float) - level).max() <= 2


def test_damaged_boxes_say_nothing() -> None:
    file = with_nclx(encoded("AVIF"), 12, 13)
    assert b"colr" in [box.kind for box in primary_properties(file)]
    draw = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(file[:400])
        for place in draw.integers(0, len(broken), 4):
            broken[place] = draw.integers(0, 256)
        primary_properties(bytes(broken[: draw.integers(0, len(broken))]))
    assert primary_properties(b"") == []
