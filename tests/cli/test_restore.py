"""`dicface restore`: what it does to photos, and what it says."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.command import dicface


@pytest.mark.slow
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


def test_no_face_is_a_result(tmp_path: Path) -> None:
    Image.new("RGB", (60, 50), (90, 120, 200)).save(tmp_path / "sky.jpg")
    result = dicface("restore", tmp_path / "sky.jpg", "-o", tmp_path / "out.jpg", "--scale", "2")
    assert result.returncode == 0
    assert "no face found" in result.stdout
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (120, 100)


@pytest.mark.slow
def test_only_boxes_replaces_detection(photo: Path, tmp_path: Path) -> None:
    result = dicface(
        "restore", photo, "-o", tmp_path / "out.png", "--box", "43,21,64,43", "--only-boxes", "--show-landmarks"
    )
    assert result.returncode == 0, result.stderr
    assert "1 of 1 faces restored" in result.stdout


def test_the_threshold_decides_what_is_a_face(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out.png", "--detector-threshold", "1")
    assert result.returncode == 0, result.stderr
    # Not even perfect landmarks give a probability of 1.
    assert "no face found" in result.stdout
    wrong = dicface("restore", photo, "-o", tmp_path / "b.png", "--detector-threshold", "1.5")
    assert wrong.returncode == 2
    assert "Invalid value for '--detector-threshold'" in wrong.stderr


@pytest.mark.slow
def test_faces_left_alone_are_said_with_the_reason(tmp_path: Path, large_photo: np.ndarray) -> None:
    Image.fromarray(large_photo).save(tmp_path / "large.png")
    result = dicface(
        *("restore", tmp_path / "large.png", "-o", tmp_path / "out.png", "--scale", "1"),
        *("--box", "396,189,599,392", "--only-boxes"),
    )
    assert "0 of 1 faces restored, 1 left alone: already larger than the model can improve" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--model", "nope"),
            "expected one of lite, lite-256, a model file (.onnx, .safetensors) or a run's folder, got 'nope'",
        ),
        (("--only-boxes",), "expected --box with --only-boxes, got none"),
        (("--box", "1,2,3"), "expected --box X0,Y0,X1,Y1 in pixels of the photo, got '1,2,3'"),
        (("--box", "10,10,5,5"), "expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got '10,10,5,5'"),
        (("--box", "nan,1,2,3"), "expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got 'nan,1,2,3'"),
        (("--faces", "1,b"), "expected --faces 1,3 with numbers of the report or of --preview, got '1,b'"),
        (("--faces", "0"), "expected numbers of faces, 1 or more, in --faces, got 0"),
        (("--strength", "2"), "expected a --strength from 0 to 1, got 2"),
        (("--strength", "a=1"), "expected --strength 0.7, or --strength 3=0.7 for the face of number 3, got 'a=1'"),
        (("--strength", "3=1", "--strength", "3=0"), "expected one --strength for face 3, got 1 and '3=0'"),
        (("--min-face", "9", "--max-face", "8"), "expected --min-face not above --max-face, got 9 and 8"),
    ],
)
def test_wrong_calls_end_with_2(photo: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out.png", *arguments)
    assert result.returncode == 2
    assert result.stderr == f"dicface: {message}\n"
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("option", ["--backend", "--provider", "--detector"])
def test_a_choice_that_is_none_is_told_the_others(photo: Path, tmp_path: Path, option: str) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out.png", option, "haar")
    assert result.returncode == 2
    assert f"Invalid value for '{option}'" in result.stderr
    assert "'haar' is not one of" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_scale_is_auto_or_a_number(photo: Path, tmp_path: Path) -> None:
    for wrong in ("9", "large", "nan"):
        result = dicface("restore", photo, "-o", tmp_path / "out.png", "--scale", wrong)
        assert result.returncode == 2
        assert f"expected --scale auto or a number from 1 to 8, got '{wrong}'" in result.stderr


def test_faces_are_chosen_by_number_and_strength(photo: Path, tmp_path: Path) -> None:
    boxes = ("--only-boxes", "--box", "43,21,64,43", "--box", "41,20,63,42")
    report = tmp_path / "report.json"
    choice = ("--faces", "2,4", "--strength", "0.5", "--strength", "2=0.25", "--full-strength")
    result = dicface("restore", photo, "-o", tmp_path / "a.png", *boxes, *choice, "--report", report)
    assert result.returncode == 0, result.stderr
    said = "1 of 2 faces restored, scale 4, 1 left alone: not among the chosen faces, no face 4, "
    assert result.stdout.startswith(f"{photo}: {said}")
    faces = json.loads(report.read_text())["photos"][0]["faces"]
    assert [(face["number"], face["strength"], face["size_px"]) for face in faces] == [(1, 0, 22), (2, 0.25, 22)]
    assert faces[0]["reason"] == "left alone: not among the chosen faces"


def test_a_preview_restores_nothing(photo: Path, tmp_path: Path) -> None:
    boxes = ("--only-boxes", "--box", "43,21,64,43", "--box", "-100,-100,221,221")
    result = dicface("restore", photo, "--preview", tmp_path / "p.png", *boxes)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        f"{photo}: 1 of 2 faces would be restored, nothing restored -> {tmp_path / 'p.png'}\n"
        "  face 1: 22 px at 43,21, would be restored\n"
        "  face 2: 321 px at -100,-100, would be left alone: already larger than the model can improve\n"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"in", "p.png"}
    again = dicface("restore", photo, "--preview", tmp_path / "p.png", *boxes)
    assert (again.returncode, "exists; add --overwrite to replace it" in again.stderr) == (1, True)
    neither = dicface("restore", photo)
    assert neither.returncode == 2
    assert neither.stderr == (
        "dicface: expected --out, such as -o restored.png, or --preview to restore nothing, got neither\n"
    )


def test_a_preview_writes_no_report(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo, "--preview", tmp_path / "p.png", "--report", tmp_path / "r.json")
    assert result.returncode == 2
    assert result.stderr == "dicface: expected --preview or --report, got both; a preview writes no report\n"


def test_a_provider_that_is_not_there_is_said_with_its_option(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out.png", "--provider", "directml")
    assert result.returncode == 2
    assert result.stderr.startswith("dicface: --provider directml was asked for, but the installed ONNX Runtime has")


def test_a_box_outside_one_photo_fails_that_photo(photo: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 30)).save(photo.parent / "tiny.png")
    result = dicface("restore", photo.parent, "-o", tmp_path / "out", "--box", "43,21,64,43")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "tiny.png: expected --box whose centre lies in the photo of 30x30 px, got 43,21,64,43" in result.stderr
    assert (tmp_path / "out" / "photo.png").exists()


def test_a_grey_photo_stays_grey_and_alpha_is_kept(small_photo: np.ndarray, tmp_path: Path) -> None:
    image = Image.fromarray(small_photo)
    image.convert("L").save(tmp_path / "grey.png")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save(tmp_path / "alpha.png")
    result = dicface("restore", tmp_path / "grey.png", tmp_path / "alpha.png", "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "out" / "grey.png") as grey, Image.open(tmp_path / "out" / "alpha.png") as alpha:
        assert (grey.mode, alpha.mode) == ("L", "RGBA")


@pytest.mark.slow
def test_restore_says_that_a_face_is_strongly_compressed(small_photo: np.ndarray, tmp_path: Path) -> None:
    coarse = tmp_path / "coarse.jpg"
    Image.fromarray(small_photo).save(coarse, quality=40)
    result = dicface("restore", coarse, "-o", tmp_path / "plain.png", "--box", "43,21,64,43")
    assert (result.returncode, result.stderr) == (0, "")
    assert "face 1: strongly compressed" in result.stdout


@pytest.mark.slow
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


@pytest.mark.slow
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
