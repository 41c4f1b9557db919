"""What a result says: what its source said and still holds, and that a network made parts of it."""

import io
import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from dicface.images.metadata import Metadata, result_metadata
from dicface.images.photo import Photo, read_photo, write_photo
from dicface.images.xmp import COMPOSITE, NAMESPACE, Provenance

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
MARK = Provenance("lite", "ab" * 32, faces=1, version="9.9")
THUMBNAIL = b"\xff\xd8 a small picture \xff\xd9"
HOLDING = (".jpg", ".png", ".webp", ".avif", ".tif")


@pytest.fixture
def pixels(portrait: np.ndarray) -> np.ndarray:
    return portrait[60:140, 160:280]


def with_thumbnail(exif: bytes) -> bytes:
    """An EXIF block followed by a second directory with a thumbnail, which Pillow does not write."""
    block = exif.removeprefix(b"Exif\0\0")
    block += bytes(len(block) % 2)
    order = "<" if block.startswith(b"II") else ">"
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    (count,) = struct.unpack_from(f"{order}H", block, first)
    next_at = first + 2 + 12 * count
    directory = ImageFileDirectory_v2(block[:8])
    directory[0x0103], directory[0x0201], directory[0x0202] = 6, 0, len(THUMBNAIL)
    directory[0x0201] = len(block) + len(directory.tobytes(len(block)))
    linked = block[:next_at] + struct.pack(f"{order}I", len(block)) + block[next_at + 4 :]
    return b"Exif\0\0" + linked + directory.tobytes(len(block)) + THUMBNAIL


@pytest.fixture
def taken(tmp_path: Path, pixels: np.ndarray) -> Path:
    """A photo as a phone writes it: turned, with place, thumbnail, wide colours and an XMP packet."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "a maker", "a camera", 6
    exif[IFD.Exif] = {0x829A: IFDRational(1, 50), 0x9000: b"0232", 0xA002: 80, 0xA003: 120, IFD.Interop: {1: "R98"}}
    exif[IFD.GPSInfo] = {1: "N", 2: (48.0, 8.0, 0.0)}
    block = with_thumbnail(exif.tobytes())
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" tiff:Orientation="6" '
        'exif:GPSLatitude="48,8N" dc:format="image/jpeg" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:City="München" photoshop:Credit="Zoë" '
        'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture">'
        "<dc:creator><rdf:Seq><rdf:li>Zoë &amp; Co</rdf:li></rdf:Seq></dc:creator>"
        '<Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li Iptc4xmpExt:City="Haidhausen"/></rdf:Bag>'
        "</Iptc4xmpExt:LocationShown>"
        "<exif:GPSLongitude>11,34E</exif:GPSLongitude></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "taken.jpg"
    turned = Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90)
    turned.save(path, exif=block, xmp=packet.encode(), icc_profile=profile, quality=95)
    return path


def packet_of(path: Path) -> bytes:
    with Image.open(path) as image:
        return image.info.get("xmp", b"")


def said(path: Path) -> dict[str, str]:
    """Simple properties of a file's packet, read by another parser than the one that wrote it."""
    root = ET.fromstring(packet_of(path).decode())
    descriptions = root.findall(f".//{RDF}Description")
    assert len({description.get(f"{RDF}about") for description in descriptions}) == 1
    properties = [item for description in descriptions for item in description.attrib.items()]
    assert len({name for name, _ in properties if name != f"{RDF}about"}) == len(properties) - len(descriptions)
    return dict(properties)


def result_of(source: Path, target: Path, **options: Any) -> tuple[str, ...]:
    photo = read_photo(source)
    metadata = result_metadata(photo.metadata, photo.pixels, MARK, **options)
    return write_photo(target, Photo(photo.pixels, photo.alpha, photo.grey, metadata))


@pytest.mark.parametrize("suffix", HOLDING)
def test_every_format_says_what_it_is_and_keeps_what_the_source_said(taken: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    assert result_of(taken, out) == ()
    properties = said(out)
    assert properties[f"{IPTC}DigitalSourceType"] == COMPOSITE
    ours = {name.removeprefix(f"{{{NAMESPACE}}}"): value for name, value in properties.items() if NAMESPACE in name}
    assert ours == {"ModelName": "lite", "ModelSHA256": "ab" * 32, "DicfaceVersion": "9.9", "RestoredFaces": "1"}
    packet = packet_of(out).decode()
    assert "Zoë &amp; Co" in packet
    assert 'photoshop:Credit="Zoë"' in packet
    left_out = ("Orientation", "GPS", "digitalCapture", "image/jpeg", "München", "Haidhausen")
    assert not [word for word in left_out if word in packet]
    with Image.open(out) as image:
        assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])))
        exif = image.getexif()
        assert exif[0x010F] == "a maker"
        assert exif.get(0x0112, 1) == 1
        details = exif.get_ifd(IFD.Exif)
        assert details[0x829A] == pytest.approx(0.02)
        # The source is 80x120 and turned by its orientation.
        assert (details[0xA002], details[0xA003]) == image.size == (120, 80)
        assert not exif.get_ifd(IFD.GPSInfo)


@pytest.mark.parametrize("suffix", HOLDING)
def test_the_place_is_kept_when_asked(taken: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    result_of(taken, out, keep_gps=True)
    with Image.open(out) as image:
        assert image.getexif().get_ifd(IFD.GPSInfo)[1] == "N"
    assert b"48,8N" in packet_of(out)
    assert b"11,34E" in packet_of(out)
    assert "München" in packet_of(out).decode()
    assert b"Haidhausen" in packet_of(out)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
def test_the_thumbnail_is_left_out(taken: Path, tmp_path: Path, suffix: str) -> None:
    with Image.open(taken) as image:
        assert THUMBNAIL in image.info["exif"]
        assert image.getexif().get_ifd(IFD.IFD1)
    out = tmp_path / f"out{suffix}"
    result_of(taken, out)
    assert THUMBNAIL not in out.read_bytes()
    with Image.open(out) as image:
        assert not image.getexif().get_ifd(IFD.IFD1)


def test_bmp_cannot_say_it_and_that_is_said(taken: Path, tmp_path: Path) -> None:
    assert result_of(taken, tmp_path / "out.bmp") == (
        "EXIF and XMP with the provenance left out, .bmp cannot hold them",
    )


def test_a_grey_photo_gets_no_profile_of_colours(tmp_path: Path, pixels: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_photo(tmp_path / "a.png", Photo(pixels, grey=True, metadata=Metadata(profiled=True)))
    write_photo(tmp_path / "b.png", Photo(pixels, metadata=Metadata(profiled=True)))
    with Image.open(tmp_path / "a.png") as grey, Image.open(tmp_path / "b.png") as colour:
        assert "icc_profile" not in grey.info
        assert len(colour.info["icc_profile"]) == len(profile)


def test_files_written_twice_are_the_same(taken: Path, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        result_of(taken, tmp_path / name)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("endian", ["<", ">"])
def test_exif_keeps_the_types_of_its_standard(tmp_path: Path, pixels: np.ndarray, endian: str) -> None:
    """Pillow guesses them by the value: a comment became a list of numbers. Source: Exif 3.0, 4.6.5."""
    exif = Image.Exif()
    exif.endian = endian
    exif[0x010F] = "a maker"
    exif[IFD.Exif] = {
        **{0x9286: b"ASCII\0\0\0Granny", 0x9101: b"\1\2\3\0", 0xA300: b"\3", 0xA301: b"\1"},
        **{0x9204: IFDRational(4, 3), 0x829A: IFDRational(1, 60)},
    }
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif.tobytes())
    result_of(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["exif"][6:8] == (b"II" if endian == "<" else b"MM")
        details = image.getexif().get_ifd(IFD.Exif)
        directory = ImageFileDirectory_v2(image.info["exif"][6:14])
        file = io.BytesIO(image.info["exif"][6:])
        file.seek(_exif_directory(image.info["exif"][6:]))
        directory.load(file)
    undefined, unsigned, signed = 7, 5, 10
    types = {tag: directory.tagtype[tag] for tag in (0x9286, 0x9101, 0xA300, 0xA301, 0x9204, 0x829A)}
    assert types == {
        **dict.fromkeys((0x9286, 0x9101, 0xA300, 0xA301), undefined),
        **{0x9204: signed, 0x829A: unsigned},
    }
    assert details[0x9286] == b"ASCII\0\0\0Granny"
    assert details[0x9204] == pytest.approx(4 / 3)


def _exif_directory(block: bytes) -> int:
    """Place of the EXIF directory in a block."""
    order = "<" if block.startswith(b"II") else ">"
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    (count,) = struct.unpack_from(f"{order}H", block, first)
    entries = (struct.unpack_from(f"{order}HHII", block, first + 2 + 12 * place) for place in range(count))
    (at,) = (value for tag, _, _, value in entries if tag == IFD.Exif)
    return at


def test_every_size_that_exif_states_is_that_of_the_result(tmp_path: Path, pixels: np.ndarray) -> None:
    """The interoperability directory has one, too."""
    exif = Image.Exif()
    exif[IFD.Exif] = {0xA002: 60, 0xA003: 40, IFD.Interop: {1: "R98", 0x1001: 60, 0x1002: 40}}
    exif[0x0100], exif[0x0101] = 60, 40
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    photo = read_photo(tmp_path / "a.jpg")
    write_photo(tmp_path / "b.jpg", Photo(pixels, metadata=result_metadata(photo.metadata, pixels)))
    with Image.open(tmp_path / "b.jpg") as image:
        main = image.getexif()
        details, interop = main.get_ifd(IFD.Exif), main.get_ifd(IFD.Interop)
        assert (main[0x0100], main[0x0101]) == image.size == (120, 80)
        assert (details[0xA002], details[0xA003]) == image.size
        assert (interop[0x1001], interop[0x1002], interop[1]) == (*image.size, "R98")


def test_a_result_of_a_result_says_it_once(taken: Path, tmp_path: Path) -> None:
    result_of(taken, tmp_path / "a.png")
    result_of(tmp_path / "a.png", tmp_path / "b.png")
    assert packet_of(tmp_path / "b.png").count(b"DigitalSourceType") == 1
    assert said(tmp_path / "b.png") == said(tmp_path / "a.png")


@pytest.mark.parametrize("packet", [b"broken", b"<a/>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"\xff\xfe<"])
def test_a_damaged_packet_is_ignored_and_said(tmp_path: Path, pixels: np.ndarray, packet: bytes) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.jpg", xmp=packet)
    assert read_photo(tmp_path / "a.jpg").notes == ("its XMP packet is damaged and was ignored",)
    result_of(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert said(tmp_path / "b.jpg")[f"{IPTC}DigitalSourceType"] == COMPOSITE


def test_exif_of_a_tiff_keeps_its_nested_parts(taken: Path, tmp_path: Path) -> None:
    result_of(taken, tmp_path / "a.tif")
    result_of(tmp_path / "a.tif", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif().get_ifd(IFD.Exif)[0x829A] == pytest.approx(0.02)


def test_a_packet_too_long_for_jpeg_makes_room_for_the_mark(tmp_path: Path, pixels: np.ndarray) -> None:
    photo = read_photo_with(tmp_path, pixels, b"x" * 70_000)
    notes = write_photo(
        tmp_path / "b.jpg",
        Photo(pixels, metadata=result_metadata(photo.metadata, pixels, MARK)),
    )
    assert notes == ("the source's XMP left out, .jpg cannot hold it",)
    assert said(tmp_path / "b.jpg")[f"{IPTC}DigitalSourceType"] == COMPOSITE


def read_photo_with(folder: Path, pixels: np.ndarray, text: bytes) -> Photo:
    """A PNG whose packet holds a long text."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt(
        "XML:com.adobe.xmp",
        f'<rdf:RDF xmlns:rdf="{RDF[1:-1]}"><rdf:Description xmlns:a="urn:a" a:text="{text.decode()}"/></rdf:RDF>',
    )
    Image.fromarray(pixels).save(folder / "a.png", pnginfo=info)
    return read_photo(folder / "a.png")


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed (libimage-exiftool-perl)")
@pytest.mark.parametrize("suffix", HOLDING)
def test_exiftool_reads_it(taken: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    result_of(taken, out)
    command = ["exiftool", "-validate", "-warning", "-error", "-a", "-G1", "-s", "-n", "-XMP:all", out]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # The source lacks tags that EXIF asks for, and has some that a TIFF should not.
    complaints = [line for line in shown.splitlines() if "Warning  " in line or "Error  " in line]
    assert all("Missing required" in line or "[minor]" in line for line in complaints), shown
    fields = {tuple(line.split(":")[0].split()): line.split(": ", 1)[1] for line in shown.splitlines()}
    assert fields["[XMP-iptcExt]", "DigitalSourceType"] == COMPOSITE
    assert fields["[XMP-dicface]", "ModelSHA256"] == MARK.model_sha256
    # As somebody sees it who asks for nothing: of a camera's and a network's "Model" it would show one.
    plain = subprocess.run(["exiftool", "-s", out], capture_output=True, text=True, check=True).stdout
    everything = dict(re.split(r"\s*: ", line, maxsplit=1) for line in plain.splitlines())
    assert (everything["Model"], everything["ModelName"], everything["DicfaceVersion"]) == ("a camera", "lite", "9.9")
    assert fields["[XMP-dc]", "Creator"] == "Zoë & Co"
