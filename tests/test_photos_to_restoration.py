"""The whole way: photos -> prepare -> train -> export -> restore."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from dicface.data.packs import read_pack
from tests.support.command import dicface, train
from tests.support.training import CONFIGS, shrinking


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


@pytest.mark.slow
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

    settings = (*shrinking("lite"), "network.steps=1", "run.steps=3", "run.validate_every=3")
    sets = [part for setting in settings for part in ("--set", setting)]
    trained = train(CONFIGS / "lite.toml", "--data", pack, "--validation", pack, "--out", tmp_path / "run", *sets)
    assert trained.returncode == 0, trained.stderr

    model = tmp_path / "model.onnx"
    exported = dicface("export", tmp_path / "run", "-o", model, "--data", pack)
    assert exported.returncode == 0, exported.stderr
    measured = dicface("evaluate", pack, "--model", model, "--json")
    assert measured.returncode == 0, measured.stderr
    assert json.loads(measured.stdout)["n"] == 5

    Image.fromarray(small_photo).save(tmp_path / "small.png")
    restored = dicface("restore", tmp_path / "small.png", "-o", tmp_path / "out.png", "--model", model, "--force")
    assert restored.returncode == 0, restored.stderr
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (484, 484)
