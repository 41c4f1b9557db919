"""The whole way: photos -> prepare -> train -> export -> restore."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from dicface.data.packs import read_pack
from tests.support.command import dicface

CONFIG = Path(__file__).parent.parent / "configs" / "lite.toml"


@pytest.fixture(scope="module")
def photos(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait in five photos: as it is, turned, stretched, as a copy, and among grey; and two without a face."""
    folder = tmp_path_factory.mktemp("photos")
    image = Image.fromarray(portrait).crop((60, 0, 400, 300)).resize((425, 375), Image.Resampling.BICUBIC)
    image.save(folder / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = image.rotate(15, Image.Resampling.BICUBIC)
    turned.rotate(90, expand=True).save(folder / "b.jpg", exif=exif, quality=95)
    image.resize((510, 375)).save(folder / "c.png")
    ImageOps.mirror(image).resize((400, 353)).save(folder / "d.jpg", quality=60)
    wide = Image.new("RGB", (900, 400), (120, 120, 120))
    wide.paste(image.rotate(-15, Image.Resampling.BICUBIC), (10, 10))
    wide.paste(image.resize((360, 375)), (460, 10))
    wide.save(folder / "e.png")
    Image.new("RGB", (200, 200), (90, 120, 200)).save(folder / "sky.png")
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


def test_photos_to_restoration(photos: Path, tmp_path: Path, small_photo: np.ndarray) -> None:
    pack, sheet = tmp_path / "faces.parquet", tmp_path / "sheet.png"
    prepared = dicface("prepare", photos, "-o", pack, "--contact-sheet", sheet, "--source", "portrait", "--jobs", 1)
    assert prepared.returncode == 1
    assert prepared.stderr == (
        "dicface: broken.jpg: expected an image (JPEG, PNG, WEBP, AVIF, TIFF, BMP, GIF), got something else or a "
        "damaged header\n"
    )
    assert f"wrote {pack}: 5 faces\n" in prepared.stdout
    faces = read_pack(pack)
    names = ("a.png", "b.jpg", "c.png", "e.png")
    assert sorted({key.split("#")[0] for key in faces.keys}) == [f"portrait/{name}" for name in names]
    eyes = faces.landmarks[:, 42:48].mean(axis=1) - faces.landmarks[:, 36:42].mean(axis=1)
    assert (eyes[:, 0] > 30).all()
    with (tmp_path / "faces.skipped.csv").open(newline="") as file:
        reasons = {row["photo"]: row["reason"] for row in csv.DictReader(file) if row["reason"] != "landmarks unsure"}
    assert reasons["d.jpg"] == "nearly a duplicate"
    assert reasons["sky.png"] == "no face found"
    assert reasons["broken.jpg"] == "unreadable photo"
    with Image.open(sheet) as drawn:
        assert drawn.size == (5 * 144, 158)

    sizes = ("features=4", "hourglass_width=8", "groups=2", "steps=2", "fusion_blocks=1")
    settings = ["run.steps=3", "run.validate_every=3", "run.landmark_weights=", "batch.size=2"]
    sets = [part for setting in (*settings, *(f"network.{size}" for size in sizes)) for part in ("--set", setting)]
    run = tmp_path / "run"
    # Without -W error: Lightning warns of its own.
    command = [sys.executable, "-m", "dicface", "train", CONFIG, "--data", pack, "--validation", pack, "--out", run]
    trained = subprocess.run([str(part) for part in (*command, *sets)], capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stderr

    model = tmp_path / "model.onnx"
    exported = dicface("export", run, "-o", model, "--data", pack)
    assert exported.returncode == 0, exported.stderr
    measured = dicface("evaluate", pack, "--model", model, "--json")
    assert measured.returncode == 0, measured.stderr
    assert json.loads(measured.stdout)["n"] == 5

    Image.fromarray(small_photo).save(tmp_path / "small.png")
    restored = dicface("restore", tmp_path / "small.png", "-o", tmp_path / "out.png", "--model", model, "--force")
    assert restored.returncode == 0, restored.stderr
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (484, 484)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "d.csv"), "expected an output ending in .parquet, got 'd.csv'"),
        (("-o", "d.parquet", "--size", "100"), "expected an even size from 128 to 512 px, got 100"),
        (("-o", "d.parquet", "--format", "gif"), "expected a format, one of webp, webp-lossless, png, jpeg, got 'gif'"),
        (("-o", "d.parquet", "--split", "person"), "expected --split identity, file or a partition list, got 'person'"),
        (
            ("-o", "d.parquet", "--detector", "x"),
            "expected a detector, face, dlib, dlib-fast or dlib-thorough, got 'x'",
        ),
        (("-o", "taken.parquet"), "'taken.parquet' exists; add --overwrite to replace it, or choose another output"),
    ],
)
def test_wrong_calls_end_with_2(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "taken.parquet").touch()
    result = dicface("prepare", "a.png", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, f"dicface: {message}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "taken.parquet"]


def test_prepare_says_why_there_is_no_pack(tmp_path: Path) -> None:
    result = dicface("prepare", tmp_path / "none.jpg", "-o", tmp_path / "a.parquet", "--jobs", 1)
    assert result.returncode == 1
    assert result.stderr == (
        "dicface: none.jpg: expected an image file, found nothing of that name\n"
        "dicface: none of 1 photos gave a face to keep, so no pack was written\n"
    )


def test_prepare_has_help() -> None:
    result = dicface("prepare", "--help")
    assert result.returncode == 0
    for option in ("--landmarks", "--split", "--contact-sheet", "--min-crop", "--jobs"):
        assert option in result.stdout
