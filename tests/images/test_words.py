"""Print size, captions, texts and comments are kept, or it is said that they are not."""

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from dicface.images.iptc import Dataset, as_properties, datasets, jpeg_segment, read_iptc
from dicface.images.metadata import result_metadata
from dicface.images.photo import Photo, read_photo, write_photo
from dicface.images.pixels import resize
from tests.support.colours import with_chunks

needs_exiftool = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="exiftool is not installed (libimage-exiftool-perl)"
)
HOLDING = (".jpg", ".png", ".webp", ".avif", ".tif")


def iptc_block(charset: bool = True, **values: Any) -> bytes:
    """An IPTC block; IIM's names in lower case, lists for what repeats."""
    numbers = {"caption": 120, "keywords": 25, "byline": 80, "copyright": 116, "city": 90, "country": 101, "title": 5}
    numbers |= {"date": 55, "time": 60, "urgency": 10, "preview": 202}
    block = b"\x1c\x01\x5a\0\x03\x1b%G" if charset else b""
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            content = item if isinstance(item, bytes) else item.encode()
            block += struct.pack(">BBBH", 0x1C, 2, numbers[name], len(content)) + content
    return block


WEDDING = iptc_block(
    caption="Wedding of A and B, 1962",
    keywords=["wedding", "Großmutter"],
    byline="A. Photographer",
    copyright="(c) A. Photographer",
    city="Springfield",
    country="Nowhere",
    date="19620714",
    time="101500+0100",
    preview=b"\xff\xd8 small",
)


def result_of(source: Path, target: Path, scale: float = 2, **options: Any) -> tuple[str, ...]:
    photo = read_photo(source)
    height, width = photo.pixels.shape[:2]
    pixels = resize(photo.pixels, (round(width * scale), round(height * scale)))
    return write_photo(target, Photo(pixels, metadata=result_metadata(photo.metadata, pixels, **options)))


def said(path: Path, *tags: str) -> dict[str, Any]:
    """What exiftool says, without the place of each tag."""
    command = ["exiftool", "-j", "-n", "-s", "-charset", "iptc=utf8", *tags, path]
    (found,) = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def with_iptc(folder: Path, kind: str, block: bytes) -> Path:
    path = folder / f"source.{kind}"
    image = Image.new("RGB", (60, 40), "grey")
    if kind == "jpg":
        image.save(path, extra=jpeg_segment(block))
    elif kind == "tif":
        info = ImageFileDirectory_v2()
        info[0x83BB] = block
        image.save(path, tiffinfo=info)
    else:
        text = PngInfo()
        text.add_text("Raw profile type iptc", f"\niptc\n{len(block)}\n{block.hex()}\n")
        image.save(path, pnginfo=text)
    return path


@pytest.mark.parametrize("kind", ["jpg", "tif", "png"])
def test_iptc_is_read_from_every_format_that_holds_it(tmp_path: Path, kind: str) -> None:
    with Image.open(with_iptc(tmp_path, kind, WEDDING)) as image:
        image.load()
        assert read_iptc(image) == WEDDING


@needs_exiftool
@pytest.mark.parametrize("suffix", HOLDING)
@pytest.mark.parametrize("keep_gps", [False, True])
def test_captions_keywords_and_rights_are_kept(tmp_path: Path, suffix: str, keep_gps: bool) -> None:
    assert result_of(with_iptc(tmp_path, "jpg", WEDDING), tmp_path / f"b{suffix}", keep_gps=keep_gps) == ()
    found = said(tmp_path / f"b{suffix}")
    if suffix in (".jpg", ".tif"):
        assert found["Caption-Abstract"] == "Wedding of A and B, 1962"
        assert found["By-line"] == "A. Photographer"
        assert found["CopyrightNotice"] == "(c) A. Photographer"
        assert found["Keywords"] == ["wedding", "Großmutter"]
        assert found["DateCreated"] == "1962:07:14"
    else:
        assert found["Description"] == "Wedding of A and B, 1962"
        assert found["Creator"] == "A. Photographer"
        assert found["Rights"] == "(c) A. Photographer"
        assert found["Subject"] == ["wedding", "Großmutter"]
        assert found["DateCreated"] == "1962:07:14 10:15:00+01:00"
    places = {found.get("City"), found.get("Country-PrimaryLocationName", found.get("Country"))}
    assert places == ({"Springfield", "Nowhere"} if keep_gps else {None})
    assert "ObjectPreviewData" not in found


def test_what_the_packet_says_already_is_not_repeated(tmp_path: Path) -> None:
    packet = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Headline="in XMP">'
        '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Alt><rdf:li xml:lang="x-default">of XMP</rdf:li>'
        "</rdf:Alt></dc:title></rdf:Description></rdf:RDF>"
    )
    block = iptc_block(title="of IPTC", caption="a caption")
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", extra=jpeg_segment(block), xmp=packet.encode())
    result_of(tmp_path / "a.jpg", tmp_path / "b.png")
    written = read_photo(tmp_path / "b.png").metadata.xmp.decode()
    assert "of IPTC" not in written
    assert "of XMP" in written
    assert "a caption" in written


def test_what_iptc_cannot_say_in_xmp_is_named(tmp_path: Path) -> None:
    source = with_iptc(tmp_path, "jpg", iptc_block(caption="a", urgency="5"))
    assert result_of(source, tmp_path / "b.jpg") == ()
    assert result_of(source, tmp_path / "b.webp") == ("IPTC 10 left out, .webp cannot hold it",)
    assert result_of(source, tmp_path / "b.bmp") == ("IPTC left out, .bmp cannot hold it",)


@pytest.mark.parametrize("charset", [False, True])
def test_iptc_in_latin_1_and_utf_8(charset: bool) -> None:
    block = iptc_block(charset, caption="Großmutter".encode("utf-8" if charset else "latin-1"))
    properties, unnamed = as_properties(block)
    assert [(wanted.name, wanted.values) for wanted in properties] == [("description", ("Großmutter",))]
    assert unnamed == []


def test_damaged_iptc_ends_where_the_damage_is() -> None:
    block = iptc_block(caption="a", byline="b")
    assert datasets(block[:-1])[1:] == [Dataset(2, 120, b"a")]
    assert datasets(b"\0" + block) == []
    assert datasets(block + b"\x1c\x02\x78\x80\x02\0\x01c")[-1] == Dataset(2, 120, b"c")
    assert jpeg_segment(b"x" * 70_000) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
def test_the_print_keeps_its_centimetres(tmp_path: Path, kind: str, suffix: str) -> None:
    Image.new("RGB", (60, 40)).save(tmp_path / "a", kind, dpi=(300, 150))
    result_of(tmp_path / "a", tmp_path / f"b{suffix}", scale=2.5)
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.info["dpi"] == pytest.approx((750, 375), rel=1e-3)


@needs_exiftool
@pytest.mark.parametrize("suffix", HOLDING)
def test_the_print_size_of_exif(tmp_path: Path, suffix: str) -> None:
    """In centimetres, and turned."""
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x011B], exif[0x0128] = 6, 100.0, 50.0, 3
    Image.new("RGB", (60, 40)).save(tmp_path / "a.webp", exif=exif)
    result_of(tmp_path / "a.webp", tmp_path / f"b{suffix}", scale=2)
    found = said(tmp_path / f"b{suffix}")
    if suffix == ".png":
        assert (found["PixelsPerUnitX"], found["PixelsPerUnitY"]) == (10_000, 20_000)
    else:
        in_cm = {2: 1 / 2.54, 3: 1.0}[found["ResolutionUnit"]]
        assert found["XResolution"] * in_cm == pytest.approx(100, rel=0.01)
        assert found["YResolution"] * in_cm == pytest.approx(200, rel=0.01)


def test_no_print_size_is_made_up(tmp_path: Path) -> None:
    """Pillow says 72 dots an inch of every JPEG with EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    assert read_photo(tmp_path / "a.jpg").metadata.dpi is None
    Image.new("RGB", (60, 40)).save(tmp_path / "b.jpg", dpi=(60_000, 60_000))
    result_of(tmp_path / "b.jpg", tmp_path / "c.jpg")
    assert read_photo(tmp_path / "c.jpg").metadata.dpi is None


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
@pytest.mark.parametrize(("across", "down"), [(2, 1), (1, 1)])
def test_pixels_that_are_not_square_are_said(tmp_path: Path, kind: str, across: int, down: int) -> None:
    """A density without a unit gives the shape of a pixel alone. It is no print size."""
    source = tmp_path / f"a.{kind}"
    info = ImageFileDirectory_v2()
    info[0x0128], info[0x011A], info[0x011B] = 1, float(across), float(down)
    Image.new("RGB", (60, 40)).save(source, tiffinfo=info)
    content = source.read_bytes()
    if kind == "jpg":
        assert content[6:14] == b"JFIF\0\1\1\0"
        source.write_bytes(content[:14] + struct.pack(">HH", across, down) + content[18:])
    elif kind == "png":
        source.write_bytes(with_chunks(content, (b"pHYs", struct.pack(">IIB", across, down, 0))))
    expected = () if across == down else ("left out of its metadata: pixels that are not square",)
    assert result_of(source, tmp_path / "b.png") == expected
    assert read_photo(tmp_path / "b.png").metadata.dpi is None


def test_enlarging_changes_no_density_without_a_unit(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0128], exif[0x011A], exif[0x011B] = 6, 1, 3.0, 2.0
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    result_of(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert (image.getexif()[0x011A], image.getexif()[0x011B]) == (2, 3)


def test_the_print_size_of_photoshop(tmp_path: Path) -> None:
    """Its resource 0x03ED, where neither JFIF nor EXIF has a unit: 300 across, 150 down."""
    resolution = struct.pack(">IHHIHH", 300 << 16, 1, 1, 150 << 16, 1, 1)
    body = b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0" + struct.pack(">I", len(resolution)) + resolution
    segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", extra=segment)
    result_of(tmp_path / "a.jpg", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["dpi"] == pytest.approx((600, 300), rel=1e-3)


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_content_credentials_are_said(tmp_path: Path, kind: str) -> None:
    """They are signed for the pixels as they were."""
    source, store = tmp_path / f"a.{kind}", b"\0\0\0\x1djumb\0\0\0\x15jumdc2pa\0\x11\0\x10"
    if kind == "jpg":
        body = b"JP\0\1\0\0\0\1" + store
        Image.new("RGB", (60, 40)).save(source, extra=b"\xff\xeb" + struct.pack(">H", len(body) + 2) + body)
    else:
        Image.new("RGB", (60, 40)).save(source)
        source.write_bytes(with_chunks(source.read_bytes(), (b"caBX", store)))
    target = tmp_path / f"b.{kind}"
    assert result_of(source, target) == ("left out of its metadata: content credentials",)
    assert b"jumd" not in target.read_bytes()


def with_texts(folder: Path) -> Path:
    info = PngInfo()
    info.add_text("Title", "Family 1962")
    info.add_text("parameters", "a portrait, seed 1")
    info.add_itxt("Description", "Großmutter, 祖母", "de", "Beschreibung")
    info.add_text("Thumb::URI", "file:///home/somebody/a.png")
    Image.new("RGB", (60, 40)).save(folder / "a.png", pnginfo=info)
    return folder / "a.png"


@needs_exiftool
def test_texts_of_a_png_are_kept(tmp_path: Path) -> None:
    source = with_texts(tmp_path)
    assert result_of(source, tmp_path / "b.png") == ()
    found = said(tmp_path / "b.png")
    assert found["Title"] == "Family 1962"
    assert found["Parameters"] == "a portrait, seed 1"
    assert found["Description-de"] == "Großmutter, 祖母"
    assert "ThumbURI" not in found
    assert result_of(source, tmp_path / "b.jpg") == ("the text parameters left out, .jpg cannot hold it",)
    found = said(tmp_path / "b.jpg")
    assert (found["Title"], found["Description"]) == ("Family 1962", "Großmutter, 祖母")
    assert result_of(source, tmp_path / "b.bmp") == (
        "the texts Title, parameters, Description left out, .bmp cannot hold them",
    )


@pytest.mark.parametrize("comment", ["scan of album page 3", "Großmutter"])
def test_a_comment_is_kept(tmp_path: Path, comment: str) -> None:
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", comment=comment.encode("latin-1"))
    assert result_of(tmp_path / "a.jpg", tmp_path / "b.jpg") == ()
    assert result_of(tmp_path / "b.jpg", tmp_path / "c.png") == ()
    assert result_of(tmp_path / "c.png", tmp_path / "d.jpg") == ()
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["comment"] == comment.encode("latin-1")
    with Image.open(tmp_path / "c.png") as image:
        assert image.info["Comment"] == comment
    with Image.open(tmp_path / "d.jpg") as image:
        assert image.info["comment"] == comment.encode()
    assert result_of(tmp_path / "a.jpg", tmp_path / "b.webp") == ("the comment left out, .webp cannot hold it",)


def test_all_that_is_left_out_is_one_note(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x8769] = {0x927C: b"focus was there"}
    Image.new("RGB", (60, 40)).save(
        tmp_path / "a.jpg", exif=exif, comment=b"a", extra=jpeg_segment(iptc_block(urgency="5"))
    )
    assert result_of(tmp_path / "a.jpg", tmp_path / "b.webp") == (
        "IPTC 10 and the comment left out, .webp cannot hold them; left out of its metadata: maker notes",
    )


def test_a_gif_has_a_comment_too(tmp_path: Path) -> None:
    Image.new("P", (60, 40)).save(tmp_path / "a.gif", comment=b"by hand")
    result_of(tmp_path / "a.gif", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["comment"] == b"by hand"


def test_titles_of_windows_stay_in_a_tiff(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x9C9B] = "Family".encode("utf-16-le")
    exif[0x4746] = 5
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    result_of(tmp_path / "a.jpg", tmp_path / "b.tif")
    result_of(tmp_path / "b.tif", tmp_path / "c.jpg")
    with Image.open(tmp_path / "c.jpg") as image:
        assert bytes(image.getexif()[0x9C9B]) == "Family".encode("utf-16-le")
        assert image.getexif()[0x4746] == 5


def test_all_of_it_goes_with_the_metadata(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40)).save(
        tmp_path / "a.jpg", extra=jpeg_segment(WEDDING), comment=b"a comment", dpi=(300, 300)
    )
    photo = read_photo(tmp_path / "a.jpg")
    write_photo(tmp_path / "b.jpg", Photo(np.ascontiguousarray(photo.pixels)))
    content = (tmp_path / "b.jpg").read_bytes()
    assert b"Photographer" not in content
    assert b"a comment" not in content
