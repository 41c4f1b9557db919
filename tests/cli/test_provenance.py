"""Results say what they are, in every format that can."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.images.photo import WRITE_SUFFIXES, read_photo
from dicface.images.xmp import COMPOSITE
from dicface.runtime.models import DEFAULT_SHARPNESS
from tests.support.command import dicface

SHARP_LITE = f"lite at sharpness {DEFAULT_SHARPNESS:g}"


def test_results_say_what_they_are(small_photo: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x8825] = {1: "N"}
    source = tmp_path / "photo.jpg"
    Image.fromarray(small_photo).save(source, exif=exif, quality=95)
    cards = json.loads(dicface("models", "--json").stdout)
    digest = f"{cards['lite']['sha256']['.onnx']} + {cards['lite-sharp']['sha256']['.npz']}"
    result = dicface("restore", source, "-o", tmp_path / "a.jpg", "--report", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    (entry,) = report["photos"]
    assert entry["input_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert entry["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert (entry["model"], entry["model_sha256"], entry["version"]) == (SHARP_LITE, digest, report["version"])
    assert entry["scale"] == 4
    with Image.open(tmp_path / "a.jpg") as image:
        packet = image.info["xmp"].decode()
        assert entry["digital_source_type"] in packet
        assert digest in packet
        assert image.getexif()[0x010F] == "a maker"
        assert 0x8825 not in image.getexif()


@pytest.mark.slow
def test_metadata_and_mark_can_be_left_out(small_photo: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    face = Image.fromarray(small_photo).crop((39, 18, 68, 47))
    face.save(tmp_path / "face.png", exif=exif)
    for command, options in (("upscale", ()), ("restore", ("--box", "4,4,26,26"))):
        for name, flags in (("plain", ["--no-mark", "--strip-metadata"]), ("kept", ["--no-mark"]), ("marked", [])):
            target = tmp_path / f"{command}-{name}.jpg"
            result = dicface(command, tmp_path / "face.png", "-o", target, *options, *flags)
            assert result.returncode == 0, result.stderr
            with Image.open(target) as image:
                assert ("xmp" in image.info) == (name == "marked")
                assert (image.getexif().get(0x010F) == "a maker") == (name != "plain")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["restore", "upscale"])
def test_every_output_says_what_it_is(small_photo: np.ndarray, tmp_path: Path, command: str) -> None:
    """In every format that can hold it, drawn in or not, and the maps beside them."""
    crop = Image.fromarray(small_photo).crop((39, 18, 68, 47))
    (tmp_path / "in").mkdir()
    for suffix in WRITE_SUFFIXES:
        crop.save(tmp_path / "in" / f"{suffix[1:]}{suffix}")
    face = ("--box", "4,4,26,26") if command == "restore" else ()
    drawn = ("--show-landmarks",) if command == "restore" else ("--all-steps", "--landmarks")
    outputs: list[Path] = []
    for name, options in (("plain", ("--uncertainty",)), ("drawn", drawn)):
        result = dicface(command, tmp_path / "in", "-o", tmp_path / name, *face, *options)
        assert (result.returncode, result.stderr) == (0, "")
        (bmp,) = (line for line in result.stdout.splitlines() if line.endswith(".bmp"))
        assert "XMP with the provenance left out, .bmp cannot hold it" in bmp
        outputs += [path for path in (tmp_path / name).iterdir() if path.suffix != ".bmp"]
    assert len(outputs) == (len(WRITE_SUFFIXES) - 1) * 2 + len(WRITE_SUFFIXES)
    for path in outputs:
        packet = read_photo(path).metadata.xmp.decode()
        assert COMPOSITE in packet
        assert ("expected error of luma, 4 levels a grey level" in packet) == path.name.endswith(".uncertainty.png")
    if shutil.which("exiftool"):
        tags = ("-DigitalSourceType", "-XMP-dicface:ModelName", "-XMP-dicface:RestoredFaces")
        shown = subprocess.run(["exiftool", "-n", "-T", *tags, *outputs], capture_output=True, text=True, check=True)
        assert set(shown.stdout.splitlines()) == {f"{COMPOSITE}\t{SHARP_LITE}\t1"}
    unmarked = dicface(command, tmp_path / "in" / "png.png", "-o", tmp_path / "a.png", "--uncertainty", "--no-mark")
    assert unmarked.returncode == 0
    assert read_photo(tmp_path / "a.uncertainty.png").metadata.xmp == b""


def test_a_photo_without_faces_does_not_claim_any(tmp_path: Path) -> None:
    Image.new("RGB", (60, 50), (90, 120, 200)).save(tmp_path / "sky.jpg")
    assert dicface("restore", tmp_path / "sky.jpg", "-o", tmp_path / "out.jpg", "--scale", "2").returncode == 0
    with Image.open(tmp_path / "out.jpg") as image:
        packet = image.info["xmp"].decode()
    assert "/algorithmicallyEnhanced" in packet
    assert "ompositeWithTrained" not in packet
