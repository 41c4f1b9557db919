"""What says where something is in the picture follows the picture, or goes."""

import json
import re
import shutil
import subprocess
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
from dicface.images.transform import Area, Transform
from tests.support.corpus import UNDO

SIZE = (120, 80)
LANDMARKS = np.array([(70, 20), (86, 20), (78, 28), (73, 36), (84, 36)])
"""Of a face, x and y in pixels of the upright picture."""
FACE = Area(78, 28, 24, 24)
needs_exiftool = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="exiftool is not installed (libimage-exiftool-perl)"
)


def stored(area: Area, orientation: int) -> tuple[Area, tuple[int, int]]:
    """An area of the upright picture and its size, in the picture as it is stored under an orientation."""
    canvas = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    left, top = int(area.x - area.width / 2), int(area.y - area.height / 2)
    canvas[top : top + int(area.height), left : left + int(area.width)] = 255
    image = Image.fromarray(canvas)
    image = image if orientation == 1 else image.transpose(UNDO[orientation])
    left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
    return Area((left + right) / 2, (top + bottom) / 2, right - left, bottom - top), image.size


def packet(area: Area, size: tuple[int, int]) -> bytes:
    """The face by all programs, in attributes and in elements."""
    width, height = size
    x, y, w, h = area.x / width, area.y / height, area.width / width, area.height / height
    left, top = x - w / 2, y - h / 2
    across, down = size
    corner = f"<Iptc4xmpExt:rbX>{area.x - area.width / 2}</Iptc4xmpExt:rbX>"
    corner += f"<Iptc4xmpExt:rbY>{area.y - area.height / 2}</Iptc4xmpExt:rbY>"
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#" xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"
 xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
 xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" xmlns:acdsee-rs="http://ns.acdsee.com/regions/"
 xmlns:acdsee-stArea="http://ns.acdsee.com/sType/Area#" xmlns:acdsee-stDim="http://ns.acdsee.com/sType/Dimensions#"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:HasCrop="True" crs:CropTop="0.1" crs:Exposure2012="+1">
<mwg-rs:Regions rdf:parseType="Resource">
 <mwg-rs:AppliedToDimensions stDim:w="{across}" stDim:h="{down}" stDim:unit="pixel"/>
 <mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name="Ann" mwg-rs:Type="Face">
  <mwg-rs:Area stArea:x="{x}" stArea:y="{y}" stArea:w="{w}" stArea:h="{h}" stArea:unit="normalized"/>
 </rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>
<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>
 <rdf:li MPReg:Rectangle="{left}, {top}, {w}, {h}" MPReg:PersonDisplayName="Ann"/>
</rdf:Bag></MPRI:Regions></MP:RegionInfo>
<acdsee-rs:Regions rdf:parseType="Resource">
 <acdsee-rs:AppliedToDimensions acdsee-stDim:w="{across}" acdsee-stDim:h="{down}" acdsee-stDim:unit="pixel"/>
 <acdsee-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource"><acdsee-rs:Name>Ann</acdsee-rs:Name>
 <acdsee-rs:DLYArea rdf:parseType="Resource">
 <acdsee-stArea:x>{x}</acdsee-stArea:x><acdsee-stArea:y>{y}</acdsee-stArea:y>
 <acdsee-stArea:w>{w}</acdsee-stArea:w><acdsee-stArea:h>{h}</acdsee-stArea:h></acdsee-rs:DLYArea>
 </rdf:li></rdf:Bag></acdsee-rs:RegionList></acdsee-rs:Regions>
<Iptc4xmpExt:ImageRegion><rdf:Bag>
 <rdf:li rdf:parseType="Resource"><Iptc4xmpExt:RegionBoundary rdf:parseType="Resource">
 <Iptc4xmpExt:rbShape>rectangle</Iptc4xmpExt:rbShape><Iptc4xmpExt:rbUnit>pixel</Iptc4xmpExt:rbUnit>
 {corner}
 <Iptc4xmpExt:rbW>{area.width}</Iptc4xmpExt:rbW><Iptc4xmpExt:rbH>{area.height}</Iptc4xmpExt:rbH>
 </Iptc4xmpExt:RegionBoundary></rdf:li></rdf:Bag></Iptc4xmpExt:ImageRegion>
<exif:SubjectArea><rdf:Seq><rdf:li>{area.x:.0f}</rdf:li><rdf:li>{area.y:.0f}</rdf:li><rdf:li>{area.width:.0f}</rdf:li>
 <rdf:li>{area.height:.0f}</rdf:li></rdf:Seq></exif:SubjectArea>
</rdf:Description></rdf:RDF></x:xmpmeta>""".encode()


def taken(folder: Path, orientation: int) -> Path:
    """A photo with a face that many programs have marked, stored under an orientation."""
    area, size = stored(FACE, orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[IFD.Exif] = {
        0x9214: (round(area.x), round(area.y), round(area.width), round(area.height)),
        0xA214: (round(area.x), round(area.y)),
        0x927C: b"Apple iOS\0\0\1MM focus was there",
    }
    path = folder / "taken.jpg"
    Image.new("RGB", size, "grey").save(path, exif=exif, xmp=packet(area, size))
    return path


def result_of(source: Path, target: Path, scale: float) -> tuple[str, ...]:
    photo = read_photo(source)
    height, width = photo.pixels.shape[:2]
    pixels = resize(photo.pixels, (round(width * scale), round(height * scale)))
    return write_photo(target, Photo(pixels, metadata=result_metadata(photo.metadata, pixels)))


def regions_of(path: Path) -> dict[str, Any]:
    """By exiftool: regions of each kind, in pixels of the file."""
    command = ["exiftool", "-j", "-struct", "-n", "-G1", "-XMP:all", "-EXIF:all", path]
    (said,) = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    with Image.open(path) as image:
        width, height = image.size

    def scaled(x: float, y: float, w: float, h: float) -> Area:
        return Area(float(x) * width, float(y) * height, float(w) * width, float(h) * height)

    def cornered(left: float, top: float, w: float, h: float) -> Area:
        return Area(left + w / 2, top + h / 2, w, h)

    found: dict[str, Any] = {"size": (width, height), "said": said}
    if (regions := said.get("XMP-mwg-rs:RegionInfo")) is not None:
        area = regions["RegionList"][0]["Area"]
        found["mwg-rs"] = scaled(area["X"], area["Y"], area["W"], area["H"])
        found["applied"] = (regions["AppliedToDimensions"]["W"], regions["AppliedToDimensions"]["H"])
        rectangle = said["XMP-MP:RegionInfoMP"]["Regions"][0]["Rectangle"]
        found["MP"] = cornered(*scaled(*(float(part) for part in rectangle.split(","))))
        area = said["XMP-acdsee-rs:Regions"]["RegionList"][0]["DLYArea"]
        found["acdsee-rs"] = scaled(area["X"], area["Y"], area["W"], area["H"])
        boundary = said["XMP-iptcExt:ImageRegion"][0]["RegionBoundary"]
        found["IPTC"] = cornered(*(float(boundary[f"Rb{name}"]) for name in "XYWH"))
        found["XMP SubjectArea"] = Area(*map(float, said["XMP-exif:SubjectArea"]))
    if "ExifIFD:SubjectArea" in said:
        found["SubjectArea"] = Area(*map(float, said["ExifIFD:SubjectArea"].split()))
        found["SubjectLocation"] = tuple(map(float, said["ExifIFD:SubjectLocation"].split()))
    return found


@needs_exiftool
@pytest.mark.parametrize("scale", [1, 2.5])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_still_cover_the_landmarks(tmp_path: Path, orientation: int, scale: float) -> None:
    notes = result_of(taken(tmp_path, orientation), tmp_path / "out.jpg", scale)
    assert notes == ("left out of its metadata: maker notes, Camera Raw's crop",)
    found = regions_of(tmp_path / "out.jpg")
    assert found["size"] == found["applied"] == (round(SIZE[0] * scale), round(SIZE[1] * scale))
    points = LANDMARKS * scale
    for kind in ("mwg-rs", "MP", "acdsee-rs", "IPTC", "XMP SubjectArea", "SubjectArea"):
        area = found[kind]
        half = np.array([area.width, area.height]) / 2
        assert (np.abs(points - (area.x, area.y)) <= half).all(), kind
        np.testing.assert_allclose(area, np.array(FACE) * scale, atol=1, err_msg=kind)
    np.testing.assert_allclose(found["SubjectLocation"], np.array(FACE[:2]) * scale, atol=1)
    assert not [name for name in found["said"] if "Crop" in name or "MakerNote" in name]
    assert float(found["said"]["XMP-crs:Exposure2012"]) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_what_every_format_turns_is_turned_with_it(tmp_path: Path, kind: str, orientation: int) -> None:
    """Pillow turns some formats as it loads them, and forgets how."""
    area, size = stored(FACE, orientation)
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x011B], exif[0x0128] = orientation, 300.0, 150.0, 2
    exif[IFD.Exif] = {0xA214: (round(area.x), round(area.y))}
    said = packet(area, size)
    options: dict[str, Any] = {"exif": exif, "xmp": said}
    if kind == "PNG":
        options = {"exif": exif, "pnginfo": PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", said.decode())
    elif kind == "TIFF":
        exif[0x02BC] = said
        options = {"exif": Image.Exif()}
        options["exif"].load(exif.tobytes())
    shown = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    shown[16:40, 66:90] = 255
    image = Image.fromarray(shown)
    image = image if orientation == 1 else image.transpose(UNDO[orientation])
    image.save(tmp_path / "a", kind, **options)
    photo = read_photo(tmp_path / "a")
    assert np.abs(photo.pixels.astype(int) - shown).mean() < 4
    assert photo.metadata.dpi == ((300, 150) if orientation < 5 else (150, 300))
    result_of(tmp_path / "a", tmp_path / "b.jpg", 2)
    with Image.open(tmp_path / "b.jpg") as result:
        rectangle = re.search(rb'MPReg:Rectangle="(.*?)"', result.info["xmp"])
        assert result.getexif().get_ifd(IFD.Exif)[0xA214] == (156, 56)
    assert rectangle is not None
    np.testing.assert_allclose([float(value) for value in rectangle[1].split(b",")], (0.55, 0.2, 0.2, 0.3), atol=1e-5)


@needs_exiftool
def test_regions_of_the_upright_picture_are_not_turned(tmp_path: Path) -> None:
    """Some programs write them so, and say by the sides that they are about."""
    source = taken(tmp_path, 6)
    with Image.open(source) as image:
        exif = image.getexif()
        upright = packet(FACE, SIZE)
        Image.new("RGB", image.size).save(source, exif=exif, xmp=upright)
    result_of(source, tmp_path / "out.jpg", 2)
    found = regions_of(tmp_path / "out.jpg")
    for kind in ("mwg-rs", "acdsee-rs"):
        np.testing.assert_allclose(found[kind], np.array(FACE) * 2, atol=1)


@needs_exiftool
def test_what_is_no_enlargement_has_no_regions(tmp_path: Path) -> None:
    """Every step of a face side by side, say."""
    photo = read_photo(taken(tmp_path, 1))
    pixels = np.zeros((80, 400, 3), np.uint8)
    write_photo(tmp_path / "out.jpg", Photo(pixels, metadata=result_metadata(photo.metadata, pixels)))
    found = regions_of(tmp_path / "out.jpg")
    assert set(found) == {"size", "said"}
    assert not [name for name in found["said"] if "Region" in name or "Subject" in name]


PANORAMA = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="120" GPano:CroppedAreaLeftPixels="10">'
    b"<GPano:FullPanoHeightPixels>80</GPano:FullPanoHeightPixels><GPano:CroppedAreaTopPixels>20</GPano:CroppedAreaTopPixels>"
    b"<GPano:PoseHeadingDegrees>120</GPano:PoseHeadingDegrees></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_panorama_states_its_new_size(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", SIZE).save(tmp_path / "a.jpg", xmp=PANORAMA, exif=exif)
    notes = result_of(tmp_path / "a.jpg", tmp_path / "b.png", 4)
    with Image.open(tmp_path / "b.png") as image:
        said = image.info.get("xmp", b"").decode()
    if orientation == 6:
        assert notes == ("left out of its metadata: panorama",)
        assert "GPano:" not in said
        return
    for words in ('WidthPixels="480"', 'LeftPixels="40"', ">320</GPano:FullPanoHeight", ">80</GPano:CroppedAreaTop"):
        assert words in said
    assert ">120</GPano:PoseHeading" in said


def test_what_is_not_a_number_stays(tmp_path: Path) -> None:
    broken = (
        packet(FACE, SIZE).replace(b'stArea:x="', b'stArea:x="left').replace(b"Rectangle=", b"Rectangle='x' MPReg:y=")
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[IFD.Exif] = {0x9214: (1, 2, 3, 4, 5), 0xA214: (60000, 60000)}
    Image.new("RGB", SIZE).save(tmp_path / "a.jpg", xmp=broken, exif=exif)
    result_of(tmp_path / "a.jpg", tmp_path / "b.jpg", 4)
    with Image.open(tmp_path / "b.jpg") as image:
        assert b'stArea:x="left' in image.info["xmp"]
        assert not {0x9214, 0xA214} & set(image.getexif().get_ifd(IFD.Exif))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_transforms_agree_with_pixels(orientation: int) -> None:
    area, (width, height) = stored(FACE, orientation)
    transform = Transform(orientation, width, height, 2, 3)
    assert transform.in_pixels(area) == Area(156, 84, 48, 72)
    assert transform.sides(*(SIZE if orientation < 5 else SIZE[::-1])) == (240, 240)
    shares = Area(area.x / width, area.y / height, area.width / width, area.height / height)
    np.testing.assert_allclose(transform.normalised(shares), (78 / 120, 28 / 80, 24 / 120, 24 / 80))
