"""What formats' specifications say beside the common cases, each by a generated file."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD
from PIL.PngImagePlugin import PngInfo

from dicface.images.metadata import result_metadata
from dicface.images.photo import Photo, read_photo, write_photo
from dicface.images.pixels import resize
from tests.support.boxes import with_property
from tests.support.colours import associated_tiff, bmp_with_profile, p3_profile, with_transparent
from tests.support.corpus import UNDO, picture, png, slope


def off(pixels: np.ndarray, expected: Image.Image) -> float:
    """Mean difference from a picture in grey levels."""
    assert pixels.shape[:2] == (expected.height, expected.width)
    return float(np.abs(pixels.astype(int) - np.asarray(expected.convert("RGB"))).mean())


def result_of(source: Path, target: Path, scale: int = 2, **options: Any) -> tuple[str, ...]:
    photo = read_photo(source)
    height, width = photo.pixels.shape[:2]
    pixels = resize(photo.pixels, (width * scale, height * scale))
    return write_photo(target, Photo(pixels, metadata=result_metadata(photo.metadata, pixels, **options)))


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_grey_of_every_depth(tmp_path: Path, bits: int) -> None:
    grey = np.asarray(picture().convert("L")).astype(np.uint16)
    levels = grey >> (8 - bits) if bits <= 8 else grey * 257
    value = int(levels[20, 30])
    (tmp_path / "a.png").write_bytes(with_transparent(png(levels[:, :, None], 0, bits), struct.pack(">H", value)))
    alpha = read_photo(tmp_path / "a.png").alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha == 0, levels == value)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_transparent_colour_of_every_depth(tmp_path: Path, bits: int) -> None:
    levels = np.asarray(picture()).astype(np.uint16) * (257 if bits == 16 else 1)
    colour = levels[5, 5].copy()
    levels[5:9, 5:9] = colour
    content = with_transparent(png(levels, 2, bits), struct.pack(">3H", *colour.tolist()))
    (tmp_path / "a.png").write_bytes(content)
    alpha = read_photo(tmp_path / "a.png").alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha == 0, (levels == colour).all(axis=2))


def test_associated_alpha_gives_the_colours_back(tmp_path: Path) -> None:
    """A TIFF may store colours multiplied by their alpha (ExtraSamples 1)."""
    alpha = np.maximum(slope(), 40)
    (tmp_path / "a.tif").write_bytes(associated_tiff(np.asarray(picture()), alpha))
    photo = read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.alpha, alpha)
    assert off(photo.pixels, picture()) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once(tmp_path: Path, orientation: int) -> None:
    """Its plugin turns by irot and imir; EXIF says the same again."""
    pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[IFD.Exif] = {0xA214: (30, 10) if orientation == 1 else (15, 12)}
    stored = picture() if orientation == 1 else picture().transpose(UNDO[orientation])
    read_photo(_heic(tmp_path / "warm-up.heic", picture()))
    path = _heic(tmp_path / "a.heic", stored, exif=exif.tobytes())
    photo = read_photo(path)
    assert off(photo.pixels, picture()) < 4
    result_of(path, tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif().get(0x0112, 1) == 1
        x, y = image.getexif().get_ifd(IFD.Exif)[0xA214]
    # The stored point (15, 12), turned and enlarged by two.
    turned = {1: (60, 20), 2: (90, 24), 3: (90, 56), 4: (30, 56), 5: (24, 30), 6: (96, 30), 7: (96, 50), 8: (24, 50)}
    assert (x, y) == turned[orientation]


def _heic(path: Path, image: Image.Image, **options: Any) -> Path:
    from pillow_heif import register_heif_opener

    register_heif_opener()
    image.save(path, "HEIF", quality=95, **options)
    return path


def test_the_main_picture_of_a_heic_counts(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = heif.from_pillow(picture().rotate(180))
    file.add_from_pillow(picture())
    file.save(tmp_path / "a.heic", primary_index=1, quality=95)
    photo = read_photo(tmp_path / "a.heic")
    assert photo.notes == ("the main one of 2 pictures",)
    assert off(photo.pixels, picture()) < 4


@pytest.mark.parametrize("orientation", [1, 6])
def test_clap_of_an_avif_is_cut(tmp_path: Path, orientation: int) -> None:
    """Pillow shows the pixels that pad the picture, too."""
    stored = picture() if orientation == 1 else picture().transpose(UNDO[orientation])
    file = io.BytesIO()
    stored.save(file, "AVIF", quality=95, subsampling="4:4:4")
    # Width, height, and the offset of the centre: 20x16 from (4, 2).
    right, below = 4 + 10 - stored.width / 2, 2 + 8 - stored.height / 2
    clap = struct.pack(">IIIIiIiI", 20, 1, 16, 1, int(2 * right), 2, int(2 * below), 2)
    (tmp_path / "a.avif").write_bytes(with_property(file.getvalue(), b"clap", clap))
    photo = read_photo(tmp_path / "a.avif")
    assert off(photo.pixels, stored.crop((4, 2, 24, 18))) < 6
    beyond = struct.pack(">IIIIiIiI", 4000, 1, 16, 1, 0, 1, 0, 1)
    (tmp_path / "b.avif").write_bytes(with_property(file.getvalue(), b"clap", beyond))
    assert read_photo(tmp_path / "b.avif").pixels.shape[:2] == (stored.height, stored.width)


def test_the_first_picture_of_several_in_a_jpeg_counts(tmp_path: Path) -> None:
    """The second is another view, a preview or a gain map; the last is named."""
    packet = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
        b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="0123456789ABCDEF0123456789ABCDEF"/>'
        b"</rdf:RDF>"
    )
    others = [picture().rotate(180)]
    picture().save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=others, quality=95, xmp=packet)
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.notes == ()
    assert photo.jpeg_step > 0
    assert off(photo.pixels, picture()) < 4
    assert result_of(tmp_path / "a.jpg", tmp_path / "b.jpg") == ("left out of its metadata: extended XMP, gain map",)
    assert b"hdrgm:Version" not in (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("endian", ["<", ">"])
def test_exif_of_both_byte_orders(tmp_path: Path, endian: str) -> None:
    exif = Image.Exif()
    exif.endian = endian
    exif[0x010F], exif[0x0112] = "a maker", 6
    exif[IFD.Exif] = {0xA214: (15, 12), 0x927C: b"Nikon\0\2\x10\0\0MM\0*" + bytes(40), 0x829A: 0.02}
    block = exif.tobytes()
    assert block[6:8] == (b"II" if endian == "<" else b"MM")
    picture().save(tmp_path / "a.jpg", exif=block)
    assert result_of(tmp_path / "a.jpg", tmp_path / "b.jpg") == ("left out of its metadata: maker notes",)
    with Image.open(tmp_path / "b.jpg") as image:
        details = image.getexif().get_ifd(IFD.Exif)
        assert image.getexif()[0x010F] == "a maker"
        # Of a stored picture of 60x40: 40 - 12 and 15, enlarged by two.
        assert details[0xA214] == (56, 30)
        assert details[0x829A] == pytest.approx(0.02)
        assert 0x927C not in details


def test_an_animated_cutout(tmp_path: Path) -> None:
    """The first frame, with its transparency, and nothing of hidden colours."""
    results: list[Photo] = []
    for hidden in ((0, 255, 0), (255, 255, 255)):
        rgba = np.dstack([np.asarray(picture()), np.where(slope() > 128, 255, 0).astype(np.uint8)])
        rgba[rgba[:, :, 3] == 0, :3] = hidden
        frame = Image.fromarray(rgba)
        options: dict[str, Any] = {"lossless": True, "exact": True}
        frame.save(tmp_path / "a.webp", save_all=True, append_images=[frame.rotate(180)], **options)
        results.append(read_photo(tmp_path / "a.webp"))
        assert results[-1].notes == ("first of 2 frames",)
    np.testing.assert_array_equal(results[0].pixels, results[1].pixels)
    np.testing.assert_array_equal(results[0].alpha, np.where(slope() > 128, 255, 0))


def test_the_profile_of_a_bmp(tmp_path: Path) -> None:
    """Version 5 of its head holds one."""
    (tmp_path / "a.bmp").write_bytes(bmp_with_profile(Image.new("RGB", (8, 4), (234, 51, 35)), p3_profile()))
    photo = read_photo(tmp_path / "a.bmp")
    assert photo.metadata.profiled
    assert np.abs(photo.pixels.astype(int) - (255, 0, 0)).max() <= 2


def test_xmp_as_imagemagick_stores_it(tmp_path: Path) -> None:
    packet = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:a="urn:a" a:b="c"/></rdf:RDF>'
    )
    info = PngInfo()
    info.add_text("Raw profile type xmp", f"\nxmp\n{len(packet)}\n{packet.hex()}\n")
    picture().save(tmp_path / "a.png", pnginfo=info)
    assert read_photo(tmp_path / "a.png").metadata.xmp == packet


@pytest.mark.parametrize("keep_gps", [False, True])
def test_drones_and_texts_name_the_place_too(tmp_path: Path, keep_gps: bool) -> None:
    info = PngInfo()
    info.add_text("GPSPosition", "48.13 N 11.58 E")
    info.add_itxt(
        "XML:com.adobe.xmp",
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:GpsLatitude="48.13" drone-dji:Latitude="48.13" '
        'drone-dji:GimbalYawDegree="12"/></rdf:RDF>',
    )
    picture().save(tmp_path / "a.png", pnginfo=info)
    result_of(tmp_path / "a.png", tmp_path / "b.png", keep_gps=keep_gps)
    content = (tmp_path / "b.png").read_bytes()
    assert (b"48.13" in content) == keep_gps
    assert b"GimbalYawDegree" in content
