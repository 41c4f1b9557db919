"""Commands as a user calls them: exit codes, one line a failure, nothing lost."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

from dicface.cli.evaluation import benchmark
from dicface.errors import BenchmarkError
from dicface.images.photo import WRITE_SUFFIXES, read_photo
from dicface.images.xmp import COMPOSITE
from tests.support.command import dicface
from tests.support.recorded import recorded_state


@pytest.fixture
def photo(tmp_path: Path, small_photo: np.ndarray) -> Path:
    path = tmp_path / "in" / "photo.png"
    path.parent.mkdir()
    Image.fromarray(small_photo).save(path)
    return path


def test_restore_a_photo(photo: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out.png", tmp_path / "report.json"
    result = dicface("restore", photo, "-o", out, "--report", report)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "faces restored" in result.stdout
    with Image.open(out) as image:
        assert image.size == (484, 484)
    (entry,) = json.loads(report.read_text())["photos"]
    assert entry["output_size"] == [484, 484]
    assert entry["faces"][0]["outcome"] == "restored"
    assert len(entry["faces"][0]["landmarks"]) == 68


def test_a_bad_batch_goes_on_and_says_what_failed(photo: Path, tmp_path: Path) -> None:
    folder = photo.parent
    whole = photo.read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("not a picture")
    (folder / "notes.txt").write_text("ignored: no image's suffix")
    (folder / "below").mkdir()
    Image.new("RGB", (30, 20)).save(folder / "below" / "dark.bmp")
    report = tmp_path / "report.json"
    result = dicface("restore", folder, "-o", tmp_path / "out", "--report", report)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert [Path(entry["input"]).name for entry in json.loads(report.read_text())["failed"]] == [
        "cut.png",
        "empty.jpg",
        "text.png",
    ]
    assert "cut.png: the image is damaged or cut off" in lines[0]
    assert "empty.jpg: expected an image, got an empty file" in lines[1]
    assert "text.png: expected an image (JPEG, PNG, WEBP, AVIF, TIFF, BMP, GIF), got something else" in lines[2]
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["below/dark.bmp", "photo.png"]


def test_no_face_is_a_result(tmp_path: Path) -> None:
    Image.new("RGB", (60, 50), (90, 120, 200)).save(tmp_path / "sky.jpg")
    result = dicface("restore", tmp_path / "sky.jpg", "-o", tmp_path / "out.jpg", "--scale", "2")
    assert result.returncode == 0
    assert "no face found" in result.stdout
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (120, 100)


def test_only_boxes_replaces_detection(photo: Path, tmp_path: Path) -> None:
    result = dicface(
        "restore", photo, "-o", tmp_path / "out.png", "--box", "43,21,64,43", "--only-boxes", "--show-landmarks"
    )
    assert result.returncode == 0, result.stderr
    assert "1 of 1 faces restored" in result.stdout


def test_faces_left_alone_are_said_with_the_reason(tmp_path: Path, portrait: np.ndarray) -> None:
    Image.fromarray(portrait).save(tmp_path / "large.png")
    result = dicface(
        "restore", tmp_path / "large.png", "-o", tmp_path / "out.png", "--box", "176,84,266,174", "--only-boxes"
    )
    assert "0 of 1 faces restored, 1 left alone: already larger than the model can improve" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "nope"), "expected one of lite, lite-robust or a model file (.onnx, .safetensors), got 'nope'"),
        (("--backend", "gpu"), "expected a backend, one of auto, onnxruntime, openvino, torch, got 'gpu'"),
        (("--detector", "haar"), "expected a detector, face, dlib, dlib-fast or dlib-thorough, got 'haar'"),
        (("--only-boxes",), "expected --box with --only-boxes, got none"),
        (("--box", "1,2,3"), "expected --box X0,Y0,X1,Y1 in pixels of the photo, got '1,2,3'"),
        (("--box", "10,10,5,5"), "expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got '10,10,5,5'"),
        (("--box", "nan,1,2,3"), "expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got 'nan,1,2,3'"),
    ],
)
def test_wrong_calls_end_with_2(photo: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out.png", *arguments)
    assert result.returncode == 2
    assert result.stderr == f"dicface: {message}\n"
    assert not (tmp_path / "out.png").exists()


def test_a_box_outside_one_photo_fails_that_photo(photo: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 30)).save(photo.parent / "tiny.png")
    result = dicface("restore", photo.parent, "-o", tmp_path / "out", "--box", "43,21,64,43")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "tiny.png: expected a box whose centre lies in the photo of 30x30 px, got 43,21,64,43" in result.stderr
    assert (tmp_path / "out" / "photo.png").exists()


def test_results_are_replaced_only_when_asked(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_text("precious")
    result = dicface("restore", photo, "-o", out)
    assert result.returncode == 1
    assert "exists; add --overwrite to replace it" in result.stderr
    assert out.read_text() == "precious"
    assert dicface("restore", photo, "-o", out, "--overwrite").returncode == 0
    with Image.open(out) as image:
        assert image.size == (484, 484)


@pytest.mark.parametrize("command", ["restore", "upscale"])
def test_a_stopped_batch_goes_on(tmp_path: Path, command: str) -> None:
    """As a kill leaves it: one photo done, of another the map, which is written first."""
    crops, out = tmp_path / "in", tmp_path / "out"
    crops.mkdir()
    out.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        Image.linear_gradient("L").resize((16, 16)).save(crops / name)
    for name in ("a.png", "a.uncertainty.png", "b.uncertainty.png"):
        (out / name).write_text("precious")
    call = (command, crops, "-o", out, "--uncertainty", "--skip-existing")
    result = dicface(*call)
    assert result.returncode == 1
    assert result.stdout.startswith("skipped 1 of 3, whose results are there\n")
    assert "b.uncertainty.png' exists; add --overwrite to replace it" in result.stderr
    assert not (out / "b.png").exists()
    again = dicface(*call, "--overwrite")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("skipped 2 of 3")
    assert {path.name for path in out.iterdir() if path.read_bytes() == b"precious"} == {"a.png", "a.uncertainty.png"}
    assert len(list(out.iterdir())) == 6


def test_skipping_replaces_nothing_that_a_whole_call_would_not(tmp_path: Path) -> None:
    """Neither the result of another input of that name, nor an input, nor either by the report."""
    crop = Image.linear_gradient("L").resize((16, 16))
    for folder in ("one", "other", "out"):
        (tmp_path / folder).mkdir()
    for name in ("one/a.png", "other/a.png", "out/b.png"):
        crop.save(tmp_path / name)
    (tmp_path / "out" / "a.png").write_text("precious")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    call = ("-o", "out", "--skip-existing", "--overwrite")
    result = dicface("upscale", "one/a.png", "other/a.png", "out/b.png", *call, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "skipped 1 of 3, whose results are there\n")
    assert "other/a.png: another input of this call was already written to 'out/a.png'; rename one" in result.stderr
    assert "out/b.png: the result would replace an input; choose another output" in result.stderr
    for report in ("one/a.png", "out/a.png"):
        result = dicface("restore", "one/a.png", *call, "--report", report, cwd=tmp_path)
        assert result.returncode == 2
        assert f"expected --report to name a file of its own, got '{report}'" in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before


def test_an_input_is_never_replaced(photo: Path) -> None:
    before = photo.read_bytes()
    result = dicface("restore", photo, "-o", photo, "--overwrite")
    assert result.returncode == 1
    assert "the result would replace an input" in result.stderr
    assert photo.read_bytes() == before


def test_an_output_that_cannot_be_written(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = dicface("restore", photo, "-o", tmp_path / "file" / "out.png")
    assert result.returncode == 1
    assert "could not write" in result.stderr
    assert result.stderr.count("\n") == 1


def test_two_inputs_of_one_name(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "photo.png"
    twin.write_bytes(photo.read_bytes())
    result = dicface("restore", photo, twin, "-o", tmp_path / "out", "--overwrite")
    assert result.returncode == 1
    assert "another input of this call was already written to" in result.stderr


def test_several_inputs_need_a_folder(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo, photo, "-o", tmp_path / "out.png")
    assert result.returncode == 2
    assert "expected a folder for several results, got 'out.png', which is named like an image" in result.stderr


@pytest.mark.parametrize("name", ["out.gif", "out.jp2", "out.pdf"])
def test_an_output_that_cannot_be_encoded_is_no_folder(photo: Path, tmp_path: Path, name: str) -> None:
    result = dicface("restore", photo, "-o", tmp_path / name)
    assert result.returncode == 2
    assert "expected an output ending in one of .png" in result.stderr
    assert f"or an existing folder, got '{name}'" in result.stderr
    assert not (tmp_path / name).exists()


def test_no_input_of_the_call_is_replaced(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "photo.png"
    other.write_bytes(photo.read_bytes() + b"other")
    before = other.read_bytes()
    result = dicface("restore", photo, other, "-o", tmp_path, "--overwrite")
    assert result.returncode == 1
    assert result.stderr.count("the result would replace an input") == 2
    assert other.read_bytes() == before


def test_a_report_replaces_nothing_by_accident(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    result = dicface("restore", photo, "-o", tmp_path / "o.png", "--report", photo, "--overwrite")
    assert result.returncode == 2
    assert "expected --report to name a file of its own" in result.stderr
    assert photo.read_bytes() == before
    (tmp_path / "r.json").write_text("precious")
    result = dicface("restore", photo, "-o", tmp_path / "o.png", "--report", tmp_path / "r.json")
    assert result.returncode == 2
    assert (tmp_path / "r.json").read_text() == "precious"
    assert not (tmp_path / "o.png").exists()


def test_results_may_go_above_the_input(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo.parent, "-o", tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "photo.png").exists()


def test_results_below_the_input_are_not_input(photo: Path) -> None:
    for _ in range(2):
        result = dicface("restore", photo.parent, "-o", photo.parent / "out", "--overwrite")
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("\n") == 1


def test_names_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ":dog:[red].png").write_bytes(b"broken")
    result = dicface("restore", tmp_path / ":dog:[red].png", "-o", tmp_path / "out")
    assert ":dog:[red].png: expected an image" in result.stderr


def test_a_name_no_file_can_have_is_a_failure(tmp_path: Path) -> None:
    result = dicface("restore", "n" * 300 + ".png", "-o", tmp_path / "out")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    result = dicface("restore", tmp_path / "none", "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "expected a folder with images" in result.stderr


def test_a_grey_photo_stays_grey_and_alpha_is_kept(small_photo: np.ndarray, tmp_path: Path) -> None:
    image = Image.fromarray(small_photo)
    image.convert("L").save(tmp_path / "grey.png")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save(tmp_path / "alpha.png")
    result = dicface("restore", tmp_path / "grey.png", tmp_path / "alpha.png", "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "out" / "grey.png") as grey, Image.open(tmp_path / "out" / "alpha.png") as alpha:
        assert (grey.mode, alpha.mode) == ("L", "RGBA")


def test_results_say_what_they_are(small_photo: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x8825] = {1: "N"}
    source = tmp_path / "photo.jpg"
    Image.fromarray(small_photo).save(source, exif=exif, quality=95)
    digest = json.loads(dicface("models", "--json").stdout)["lite"]["sha256"][".onnx"]
    result = dicface("restore", source, "-o", tmp_path / "a.jpg", "--report", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    (entry,) = report["photos"]
    assert entry["input_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert entry["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert (entry["model"], entry["model_sha256"], entry["version"]) == ("lite", digest, report["version"])
    assert entry["scale"] == 4
    with Image.open(tmp_path / "a.jpg") as image:
        packet = image.info["xmp"].decode()
        assert entry["digital_source_type"] in packet
        assert digest in packet
        assert image.getexif()[0x010F] == "a maker"
        assert 0x8825 not in image.getexif()


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
        assert "XMP with the mark of what it is left out, .bmp cannot hold it" in bmp
        outputs += [path for path in (tmp_path / name).iterdir() if path.suffix != ".bmp"]
    assert len(outputs) == (len(WRITE_SUFFIXES) - 1) * 2 + len(WRITE_SUFFIXES)
    for path in outputs:
        packet = read_photo(path).metadata.xmp.decode()
        assert COMPOSITE in packet
        assert ("expected error of luma, 4 levels a grey level" in packet) == path.name.endswith(".uncertainty.png")
    if shutil.which("exiftool"):
        tags = ("-DigitalSourceType", "-XMP-dicface:ModelName", "-XMP-dicface:RestoredFaces")
        shown = subprocess.run(["exiftool", "-n", "-T", *tags, *outputs], capture_output=True, text=True, check=True)
        assert set(shown.stdout.splitlines()) == {f"{COMPOSITE}\tlite\t1"}
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
        assert steps.size == (3 * 128 + 2 * 2, 128)


def test_upscale_refuses_a_photo(photo: Path, tmp_path: Path) -> None:
    result = dicface("upscale", photo, "-o", tmp_path / "a.png")
    assert result.returncode == 1
    assert "expected a square face crop of 8 to 64 px, got 121x121; use `dicface restore`" in result.stderr


def test_models_are_listed() -> None:
    cards = json.loads(dicface("models", "--json").stdout)
    assert "lite" in cards
    shown = dicface("models").stdout
    assert "lite (default)" in shown
    assert cards["lite"]["sha256"][".onnx"] in shown
    assert "evidence" in shown


def test_upscale_says_what_to_doubt(portrait: np.ndarray, tmp_path: Path) -> None:
    crop = Image.fromarray(portrait[50:178, 150:278]).resize((24, 24), Image.Resampling.BICUBIC)
    crop.save(tmp_path / "face.png")
    crop.point(lambda value: value // 32).save(tmp_path / "dark.png")
    result = dicface("upscale", tmp_path / "face.png", tmp_path / "dark.png", "-o", tmp_path / "out")
    face, dark = result.stdout.splitlines()
    assert (result.returncode, result.stderr) == (0, "")
    assert "warning" not in face
    # Of a crop, the file says what its few pixels cannot.
    crop.save(tmp_path / "coarse.jpg", quality=60)
    crop.save(tmp_path / "fine.jpg", quality=90)
    result = dicface("upscale", tmp_path / "coarse.jpg", tmp_path / "fine.jpg", "-o", tmp_path / "stored")
    assert ["the face shows JPEG blocks" in line for line in result.stdout.splitlines()] == [True, False]
    assert "the face shows JPEG blocks (try --model lite-robust) ->" in result.stdout
    again = dicface("upscale", tmp_path / "coarse.jpg", "-o", tmp_path / "robust.png", "--model", "lite-robust")
    assert "the face shows JPEG blocks ->" in again.stdout
    assert "24 px, warning: the face is too dark and has too little contrast" in dark


def test_restore_names_the_model_for_jpeg(small_photo: np.ndarray, tmp_path: Path) -> None:
    coarse = tmp_path / "coarse.jpg"
    Image.fromarray(small_photo).save(coarse, quality=40)
    hint = "face 1 shows JPEG blocks (try --model lite-robust)"
    plain = dicface("restore", coarse, "-o", tmp_path / "plain.png", "--box", "43,21,64,43")
    robust = dicface("restore", coarse, "-o", tmp_path / "robust.png", "--box", "43,21,64,43", "--model", "lite-robust")
    assert (plain.returncode, robust.returncode) == (0, 0)
    assert (hint in plain.stdout, hint in robust.stdout) == (True, False)
    assert (plain.stderr, robust.stderr) == ("", "")


def test_upscale_consistently(portrait: np.ndarray, tmp_path: Path) -> None:
    crop = np.asarray(Image.fromarray(portrait[50:178, 150:278]).resize((16, 16), Image.Resampling.BICUBIC))
    Image.fromarray(crop).save(tmp_path / "face.png")
    result = dicface("upscale", tmp_path / "face.png", "-o", tmp_path / "out.png", "--consistent")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "out.png") as image:
        again = np.asarray(image.resize((16, 16), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(again, crop)


def test_evaluate_prints_the_contracts_json(pack: Path) -> None:
    result = dicface("evaluate", pack, "--model", "lite", "--limit", "3", "--lr-size", "16,32", "--json")
    assert result.returncode == 0, result.stderr
    small, large = json.loads(result.stdout)
    assert (small["lr_size"], large["lr_size"], small["n"]) == (16, 32, 3)
    for protocol in ("y-crop8", "rgb-crop8", "y"):
        for part in (small["protocols"], small["bicubic"]):
            low, high = part[protocol]["psnr"]["ci95"]
            assert low <= part[protocol]["psnr"]["mean"] <= high
    assert set(small["nrmse"]) == {"width", "outer_eye", "inter_ocular"}
    assert all(error > 0 for error in small["nrmse"].values())


def test_evaluate_measures_damages_one_after_another(pack: Path) -> None:
    damages = ["--damage", "none", "--damage", "noise10,jpeg75"]
    call = ["evaluate", pack, "--model", "lanczos", "--limit", "3", "--lr-size", "16,32", *damages]
    results = json.loads(dicface(*call, "--json").stdout)
    assert [(result["damage"], result["lr_size"]) for result in results] == [
        ("", 16),
        ("", 32),
        ("noise10,jpeg75", 16),
        ("noise10,jpeg75", 32),
    ]
    assert all(0 <= result["over_bicubic"]["psnr"]["y"]["worse"] <= 1 for result in results)
    assert "on 3 faces of" in (shown := dicface(*call).stdout)
    assert "32 px, noise10,jpeg75" in shown
    assert "worse on" in shown


def test_evaluate_compares_and_reports_on_a_folder(portrait: np.ndarray, tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    for number in range(3):
        Image.fromarray(portrait[50 + number : 178 + number, 150:278]).save(faces / f"{number}.png")
    (faces / "broken.png").write_bytes(b"")
    call = ["evaluate", faces, "--consistent", "--against", "lite", "--backend", "onnxruntime", "--lr-size", "16"]
    result = dicface(*call, "--report", tmp_path / "report", "--csv", tmp_path / "faces.csv")
    assert result.returncode == 1, result.stderr
    assert result.stderr == f"dicface: {faces / 'broken.png'}: expected an image, got an empty file\n"
    assert "lite (consistent) on 3 faces of faces, 16 px" in result.stdout
    assert "better on" in result.stdout
    page = (tmp_path / "report" / "index.html").read_text()
    assert "compared with lite" in page
    assert len((tmp_path / "faces.csv").read_text().splitlines()) == 4
    again = dicface(*call, "--report", tmp_path / "report")
    assert again.returncode == 2
    assert "exists; add --overwrite to replace it" in again.stderr
    assert (tmp_path / "report" / "index.html").read_text() == page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lr-size", "16,x"], "expected --lr-size as whole numbers with commas between, got '16,x'"),
        (["--lr-size", "16,65"], "expected a low-resolution side from 8 to 64 px for lite, got 65"),
        (["--damage", "jpg75"], "expected a damage, one of grey, sepia, faded, blurX"),
        (["--protocol", "psnr"], "expected a protocol, one of y-crop8, rgb-crop8, y, y-crop8-released, got 'psnr'"),
        (["--against", "lite"], "expected another model to compare with, got lite twice"),
        (["--identity", "--features", "none"], "or a model file (.onnx, .safetensors), got 'none'"),
    ],
)
def test_evaluate_refuses_wrong_calls(pack: Path, options: list[str], said: str) -> None:
    result = dicface("evaluate", pack, "--limit", "2", *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_evaluate_keeps_what_it_measures(pack: Path, tmp_path: Path) -> None:
    before = pack.read_bytes()
    result = dicface("evaluate", pack, "--limit", "2", "--csv", pack, "--overwrite")
    assert result.returncode == 2
    assert f"expected a file of its own for the result, {str(pack)!r} is what is measured" in result.stderr
    assert pack.read_bytes() == before
    (tmp_path / "file").touch()
    result = dicface("evaluate", pack, "--report", tmp_path / "file")
    assert result.returncode == 2
    assert "expected --report to name a folder" in result.stderr
    result = dicface("evaluate", pack, "--csv", tmp_path, "--overwrite")
    assert result.returncode == 2
    assert "expected a file name to write to" in result.stderr


def test_evaluate_other_peoples_models(pack: Path, tmp_path: Path) -> None:
    import onnx
    import torch
    from onnx import TensorProto, helper

    from dicface.checkpoints.networks import write_tensors
    from dicface.runtime.spandrel import import_spandrel

    import_spandrel()
    from spandrel.architectures.RCAN import RCAN

    torch.manual_seed(0)
    network = RCAN(scale=4, n_feats=16, n_resgroups=1, n_resblocks=1)
    write_tensors(network.state_dict(), tmp_path / "rcan.safetensors", {})
    image, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("image", "made"))
    for side in (1, 3, "h", "w"):
        image.type.tensor_type.shape.dim.add(**{"dim_param" if isinstance(side, str) else "dim_value": side})
    cubic = helper.make_node("Resize", ["image", "", "by"], ["made"], mode="cubic", cubic_coeff_a=-0.5)
    by = helper.make_tensor("by", TensorProto.FLOAT, [4], [1, 1, 8, 8])
    graph = helper.make_graph([cubic], "g", [image], [made], initializer=[by])
    opset = helper.make_opsetid("", 20)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), tmp_path / "cubic.onnx")

    def evaluate(model: object) -> dict[str, Any]:
        done = dicface("evaluate", pack, "--model", model, "--limit", "4", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    unlearned, cubic_result, lanczos = map(
        evaluate, (tmp_path / "rcan.safetensors", tmp_path / "cubic.onnx", "lanczos")
    )
    assert unlearned["description"] == "RCAN x4 in spandrel, its 64 px of 16 resized to 128"
    assert unlearned["protocols"]["y"]["psnr"]["mean"] < unlearned["bicubic"]["y"]["psnr"]["mean"] - 3
    # The same kernel as Pillow's, but for the edges and rounding.
    bicubic = cubic_result["bicubic"]["y-crop8"]["psnr"]["mean"]
    assert cubic_result["protocols"]["y-crop8"]["psnr"]["mean"] == pytest.approx(bicubic, abs=0.05)
    assert lanczos["protocols"]["y"]["psnr"]["mean"] != lanczos["bicubic"]["y"]["psnr"]["mean"]
    (tmp_path / "page.pth").write_text("<!DOCTYPE html>")
    refused = dicface("evaluate", pack, "--model", tmp_path / "page.pth")
    assert refused.returncode == 1
    assert "begins with b'<!DOCTYPE html>'; a download may have left a web page" in refused.stderr


def test_export_compares_with_torch(tmp_path: Path) -> None:
    from dicface.runtime.models import find_model

    result = dicface("export", find_model("lite", ".safetensors"), "-o", tmp_path / "a.onnx")
    assert result.returncode == 0, result.stderr
    assert "on 48 faces it differs from torch by at most" in result.stdout
    assert (tmp_path / "a.onnx").exists()


def test_convert_the_authors_weights(pack: Path, tmp_path: Path) -> None:
    import torch

    theirs, ours = tmp_path / "theirs.pth", tmp_path / "ours.safetensors"
    torch.save({"epoch": 7, "state_dict": recorded_state("dic_small")}, theirs)
    result = dicface("convert", theirs, "-o", ours, "--steps", "2")
    assert (result.returncode, result.stderr) == (0, "")
    said = f"wrote {ours}: DIC network, 0.32 M parameters, T = 2; from the authors' training checkpoint\n"
    assert result.stdout == said
    measured = dicface("evaluate", pack, "--model", ours, "--limit", "2", "--json")
    assert measured.returncode == 0, measured.stderr
    before = ours.read_bytes()
    again = dicface("convert", theirs, "-o", ours)
    assert again.returncode == 2
    assert "exists; add --overwrite to replace it" in again.stderr
    assert ours.read_bytes() == before
    assert "T = 4" in dicface("convert", theirs, "-o", ours, "--overwrite").stdout


def test_convert_refuses_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_text("<!DOCTYPE html>")
    out = tmp_path / "a.safetensors"
    result = dicface("convert", tmp_path / "page.pth", "-o", out)
    assert result.returncode == 1
    assert result.stderr == (
        "dicface: expected a file of torch.save, but 'page.pth' begins with b'<!DOCTYPE html>'; "
        "a download may have left a web page in its place\n"
    )
    assert dicface("convert", tmp_path / "none.pth", "-o", out).returncode == 1
    assert list(tmp_path.glob("*.safetensors")) == []
    result = dicface("convert", tmp_path / "page.pth", "-o", tmp_path / "a.onnx")
    assert result.returncode == 2
    assert result.stderr == "dicface: expected an output ending in .safetensors, got 'a.onnx'\n"


def test_train_leaves_weights_that_export(pack: Path, tmp_path: Path) -> None:
    config = Path(__file__).parent.parent.parent / "configs" / "lite.toml"
    sizes = ("features=4", "hourglass_width=8", "groups=2", "steps=2", "fusion_blocks=1")
    settings = ("run.steps=2", "run.validate_every=2", "run.landmark_weights=", *(f"network.{size}" for size in sizes))
    sets = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "dicface", "train", config, "--data", pack, "--out", tmp_path / "run", *sets]
    # Without -W error: Lightning warns of its own.
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert dicface("export", tmp_path / "run", "-o", tmp_path / "a.onnx").returncode == 0


def test_resume_and_decay_take_the_runs_own_config(pack: Path, tmp_path: Path) -> None:
    config = Path(__file__).parent.parent / "configs" / "finder.toml"

    def train(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dicface", "train", "--data", pack, *words]
        # Without -W error: Lightning warns of its own.
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)

    schedule = ("--set", "optimiser.schedule=constant-linear", "--set", "optimiser.warmup_steps=1")
    small = ("--set", "finder.width=4", "--set", "batch.size=2", "--set", "run.keep_every=2")
    first, fall = tmp_path / "run", tmp_path / "fall"
    begun = train(config, "--out", first, "--set", "run.steps=3", *schedule, *small)
    assert begun.returncode == 0, begun.stderr
    assert "Tip" not in begun.stderr
    kept = first / "step-00000002.ckpt"
    decayed = train("--decay-from", kept, "--out", fall, "--set", "optimiser.decay_steps=2")
    assert decayed.returncode == 0, decayed.stderr
    assert "dicface: optimiser.decay_steps: 0 -> 2\n" in decayed.stderr
    saved = json.loads((fall / "config.json").read_text())
    assert (saved["run"]["steps"], saved["finder"]["width"]) == (4, 4)
    kept.replace(first / "last.ckpt")
    resumed = train("--resume", "--out", first, "--set", "run.steps=4", "--set", "optimiser.learning_rate=0.5")
    assert resumed.returncode == 0, resumed.stderr
    said = [line for line in resumed.stderr.splitlines() if line.startswith("dicface: ")]
    assert said == ["dicface: run.steps: 3 -> 4", "dicface: optimiser.learning_rate: 0.002 -> 0.5"]
    optimiser = json.loads((first / "config.json").read_text())["optimiser"]
    assert (optimiser["learning_rate"], optimiser["schedule"]) == (0.5, "constant-linear")
    # A file replaces the run's config, its settings in this call included.
    refused = train(config, "--resume", "--out", first, "--set", "run.steps=5")
    assert refused.returncode == 2
    assert 'dicface: optimiser.schedule: "constant-linear" -> "cosine"\n' in refused.stderr
    assert "expected [finder] of the run to resume" in refused.stderr


def test_train_says_which_config_it_lacks(pack: Path, tmp_path: Path) -> None:
    for words in (["--out", tmp_path / "run"], ["--resume"]):
        result = dicface("train", "--data", pack, *words)
        assert result.returncode == 2
        assert (
            "expected CONFIG, the TOML file of the run; only with --out and --resume or --decay-from may it be left out"
            in result.stderr
        )
    both = dicface("train", "--data", pack, "--out", tmp_path, "--resume", "--decay-from", tmp_path / "last.ckpt")
    assert both.stderr == (
        "dicface: expected one of --resume and --decay-from; a stopped fall goes on with --resume alone\n"
    )


@pytest.mark.parametrize(
    "command",
    ["restore", "upscale", "models", "prepare", "train", "export", "convert", "evaluate", "benchmark", "serve"],
)
def test_every_command_has_help(command: str) -> None:
    result = dicface(command, "--help")
    assert result.returncode == 0
    assert "Usage: " in result.stdout


def test_odd_names(photo: Path, tmp_path: Path) -> None:
    no_text = os.fsdecode(b"\xff\xfe.png")
    names = ["with space.png", "ünï-çødé.png", "-dash.png", no_text, "line\nbreak.png"]
    for name in names:
        (photo.parent / name).write_bytes(b"broken" if "break" in name else photo.read_bytes())
    photo.unlink()
    result = dicface("restore", ".", "-o", tmp_path / "out", cwd=photo.parent)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names[:4])


def test_links_folders_and_paths_upwards(photo: Path, tmp_path: Path) -> None:
    folder = photo.parent
    (folder / "link.png").symlink_to(photo)
    (folder / "gone.png").symlink_to(folder / "nothing.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "a folder.png").mkdir()
    (folder / "-dash.png").write_bytes(photo.read_bytes())
    names = ("../in/photo.png", "link.png", "gone.png", "loop.png", "a folder.png", "-dash.png")
    result = dicface("restore", "-o", "../out", "--box", "43,21,64,43", "--scale", "1", "--", *names, cwd=folder)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["gone.png", "loop.png", "a folder.png"]
    assert "expected an image file, found nothing of that name" in lines[0]
    assert "found none in it" in lines[2]
    # Nothing goes beside the output folder, whatever the input's path says.
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["-dash.png", "link.png", "photo.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_link_in_the_way_is_a_result_that_exists(photo: Path, tmp_path: Path) -> None:
    """A result would go through the link to whatever it names."""
    (tmp_path / "precious.png").write_bytes(b"precious")
    (tmp_path / "link.png").symlink_to(tmp_path / "precious.png")
    box = ("--box", "43,21,64,43", "--scale", "1")
    assert "exists; add --overwrite" in dicface("restore", photo, "-o", tmp_path / "link.png", *box).stderr
    assert dicface("restore", photo, "-o", tmp_path / "link.png", *box, "--overwrite").returncode == 0
    assert (tmp_path / "precious.png").read_bytes() == b"precious"


@pytest.mark.parametrize("out", ["/proc/dicface/out.png", "/dev/full/out.png", "/dev/full"])
def test_an_output_nobody_can_write(photo: Path, out: str) -> None:
    result = dicface("restore", photo, "-o", out, "--box", "43,21,64,43", "--scale", "1")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "could not write" in result.stderr or "Not a directory" in result.stderr


def test_many_photos_at_once_give_what_each_gives_alone(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    with Image.open(photo) as image:
        for number in range(5):
            image.rotate(number).save(folder / f"{number}.png")
    (folder / "3.png").write_bytes(b"broken")
    together = dicface("restore", folder, "-o", tmp_path / "together", "--report", tmp_path / "r.json", "--verbose")
    assert together.returncode == 1
    said = [line for line in together.stdout.splitlines() if "->" in line]
    assert [Path(line.split(":")[0]).stem for line in said] == ["0", "1", "2", "4"]
    how, broken, stages = together.stderr.splitlines()
    assert how.startswith("dicface: lite runs in ")
    assert "3.png: " in broken
    assert stages.startswith("dicface: time by stage: read ")
    for number in (0, 4):
        alone = tmp_path / f"alone-{number}.png"
        assert dicface("restore", folder / f"{number}.png", "-o", alone).returncode == 0
        assert alone.read_bytes() == (tmp_path / "together" / f"{number}.png").read_bytes()
    photos = json.loads((tmp_path / "r.json").read_text())["photos"]
    assert [Path(made["input"]).stem for made in photos] == ["0", "1", "2", "4"]
    assert set(photos[0]["stages_s"]) == {"read", "detect", "restore", "paste", "write"}


def test_benchmark_says_what_failed_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(request: dict[str, Any]) -> dict[str, float]:
        if "peak" in request:
            return {"float32": 200.0, "bfloat16": 400.0}
        raise BenchmarkError("a measurement failed: no memory [/tmp/a]")

    monkeypatch.setattr("dicface.benchmark.run._ask", fail)
    with pytest.raises(typer.Exit) as ended:
        benchmark(model=["finder"], batch="1", json_file=tmp_path / "a.json")
    assert ended.value.exit_code == 1
    said = "finder, onnxruntime, float32, batch 1: a measurement failed: no memory [/tmp/a]"
    assert said in capsys.readouterr().err
    result = json.loads((tmp_path / "a.json").read_text())
    assert (result["rows"], result["failures"]) == ([], [said])


def test_benchmark_refuses_wrong_calls(tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    result = dicface("benchmark", "--json", tmp_path / "a.json")
    assert result.returncode == 2
    assert "a.json' exists; add --overwrite" in result.stderr
    result = dicface("benchmark", "--batch", "1,two")
    assert result.returncode == 2
    assert result.stderr == "dicface: expected --batch as whole numbers with commas between, got '1,two'\n"
    result = dicface("benchmark", "--batch", "0")
    assert result.returncode == 2
    assert result.stderr == "dicface: expected --batch from 1 up, got '0'\n"


def test_uncertainty_is_written_beside_the_result(photo: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out" / "photo.jpg", tmp_path / "report.json"
    result = dicface("restore", photo, "-o", out, "--uncertainty", "--report", report, "--scale", "2")
    assert result.returncode == 0, result.stderr
    said = [face["uncertainty"] for face in json.loads(report.read_text())["photos"][0]["faces"]]
    with Image.open(tmp_path / "out" / "photo.uncertainty.png") as image:
        assert (image.mode, image.size) == ("L", (242, 242))
        levels = np.asarray(image)
    # The face is at 43 to 64, 21 to 43 in the photo; elsewhere nothing was made up.
    assert levels[50:78, 94:120].mean() == pytest.approx(4 * said[0], rel=0.6)
    assert levels[:, 150:].max() == levels[130:].max() == 0
    assert all(doubtful is None for doubtful in said[1:])
    again = dicface("restore", photo, "-o", tmp_path / "out" / "photo.webp", "--uncertainty")
    assert again.returncode == 1
    assert "photo.uncertainty.png' exists; add --overwrite to replace it" in again.stderr
    assert not (tmp_path / "out" / "photo.webp").exists()


def test_maps_of_two_inputs_do_not_replace_each_other(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "a.bmp"):
        Image.linear_gradient("L").resize((16, 16)).save(tmp_path / "in" / name)
    result = dicface("upscale", tmp_path / "in", "-o", tmp_path / "out", "--uncertainty")
    assert result.returncode == 1
    assert "a.png: another input of this call was already written to" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.bmp", "a.uncertainty.png"]
    with Image.open(tmp_path / "out" / "a.uncertainty.png") as image:
        assert (image.mode, image.size) == ("L", (128, 128))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_batch_leaves_its_report(photo: Path, tmp_path: Path, how: signal.Signals) -> None:
    folder, report, count = tmp_path / "many", tmp_path / "report.json", 2000
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.png").hardlink_to(photo)
    command = [sys.executable, "-m", "dicface", "restore", folder, "-o", tmp_path / "out", "--report", report]
    # A process would go on ignoring SIGINT if the tests do, as everything in the background of a script does.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*map(str, command), "--box", "43,21,64,43", "--scale", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    signal.signal(signal.SIGINT, before)
    try:
        while not report.exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(how)
        assert process.wait(120) == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[how]
    finally:
        process.kill()
        process.communicate()
    written = json.loads(report.read_text())
    assert written["complete"] is False
    assert 0 < len(written["photos"]) < count
    assert all(Path(made["output"]).exists() for made in written["photos"])
    if how is not signal.SIGKILL:
        # What was in hand was finished first.
        assert len(written["photos"]) == len(list((tmp_path / "out").iterdir()))
