"""Restoring at a sharpness: the last pass alone changes, and results say so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface import Box, FaceModel, RestoreBatch, Restorer, UpscaleBatch, UsageError, restore_file, upscale_file
from dicface.restoration.settings import restore_digest
from dicface.runtime.models import DEFAULT_SHARPNESS, find_model

FACE = Box(43.0, 21.0, 64.0, 43.0)


@pytest.fixture(scope="module")
def restorers() -> dict[float, Restorer]:
    return {sharpness: Restorer(backend="onnxruntime", sharpness=sharpness) for sharpness in (0.0, 1.0)}


def test_sharpness_changes_no_outcome(restorers: dict[float, Restorer], small_photo: np.ndarray) -> None:
    faithful, sharp = (restorers[sharpness].faces(small_photo, adaptive=False) for sharpness in (0.0, 1.0))
    assert [(face.number, face.outcome, face.probability, face.square) for face in faithful] == [
        (face.number, face.outcome, face.probability, face.square) for face in sharp
    ]
    assert faithful[0].steps is not None
    assert sharp[0].steps is not None
    assert not np.array_equal(faithful[0].steps[-1], sharp[0].steps[-1])
    assert (faithful[0].model, sharp[0].model) == ("", "lite at sharpness 1")
    little, much = (face.invented_detail or 0 for face in (faithful[0], sharp[0]))
    assert 0 < little < much
    weaker = replace(sharp[0], strength=0.5).invented_detail
    assert weaker == pytest.approx(0.25 * much), "half of the amplitude is a quarter of the energy"


def test_one_pass_is_sharp_too(restorers: dict[float, Restorer], small_photo: np.ndarray) -> None:
    (face,) = restorers[1.0].faces(small_photo, boxes=[FACE], only_boxes=True, passes=1)
    assert face.model == "lite at sharpness 1"


def test_the_mark_and_the_digest_say_the_sharpness(
    restorers: dict[float, Restorer], small_photo: np.ndarray, tmp_path: Path
) -> None:
    Image.fromarray(small_photo).save(tmp_path / "photo.png")
    result = restore_file(tmp_path / "photo.png", tmp_path / "out.png", restorer=restorers[1.0], scale=2)
    provenance = result.restoration.provenance
    assert provenance is not None
    assert provenance.model == "lite at sharpness 1"
    assert provenance.model_sha256 == FaceModel("lite", backend="onnxruntime", sharpness=1.0).sha256
    assert b"lite at sharpness 1" in (tmp_path / "out.png").read_bytes()
    (face,) = result.report_row()["faces"]
    assert face["invented_detail"] > 0.1
    assert f'InventedDetail="{face["invented_detail"]:.2f}"'.encode() in (tmp_path / "out.png").read_bytes()
    digests = {restore_digest(Restorer(backend="onnxruntime", sharpness=each)) for each in (0.0, 0.25, 0.5)}
    assert len(digests) == 3


@pytest.mark.slow
def test_results_are_sharp_by_default_where_they_can_be(small_photo: np.ndarray, tmp_path: Path) -> None:
    title = f"lite at sharpness {DEFAULT_SHARPNESS:g}"
    (face,) = Restorer(backend="onnxruntime").faces(small_photo, boxes=[FACE], only_boxes=True)
    assert face.model == title
    Image.fromarray(small_photo[20:40, 40:60]).save(tmp_path / "crop.png")
    provenance = upscale_file(tmp_path / "crop.png", tmp_path / "face.png").restoration.provenance
    assert provenance is not None
    assert provenance.model == title


def test_a_loaded_model_is_the_first_pass_of_a_sharp_result() -> None:
    model = FaceModel("lite", backend="onnxruntime")
    assert Restorer(model).model is model
    assert Restorer(model).settings["sharpness"] == DEFAULT_SHARPNESS
    assert Restorer(model, sharpness=0.0).settings["sharpness"] == 0


def test_what_has_no_twin_is_faithful_by_default(tmp_path: Path) -> None:
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(find_model("lite").read_bytes())
    assert Restorer(mine).settings["sharpness"] == 0
    assert Restorer(backend="torch").settings["sharpness"] == 0
    assert FaceModel("lite", backend="onnxruntime").sharpness == 0


def test_a_model_without_twin_has_no_sharpness(tmp_path: Path) -> None:
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(find_model("lite").read_bytes())
    for make in (Restorer, RestoreBatch, UpscaleBatch):
        with pytest.raises(UsageError, match="for a model without sharp twin"):
            make(mine, sharpness=0.5)


@pytest.mark.slow
def test_crops_are_sharp_too(restorers: dict[float, Restorer], portrait: np.ndarray) -> None:
    crops = np.asarray(Image.fromarray(portrait[50:178, 150:278]).resize((16, 16)))[None]
    faithful, sharp = (restorers[sharpness].upscale(crops) for sharpness in (0.0, 1.0))
    assert not np.array_equal(faithful, sharp)
    assert np.array_equal(sharp[0], FaceModel("lite", backend="onnxruntime", sharpness=1.0)(list(crops))[0].sr[-1])
    maps = [restorers[sharpness].uncertainty(crops) for sharpness in (0.0, 1.0)]
    assert maps[0].mean() < maps[1].mean(), "what is invented is less certain"
