"""Digests of settings: equal for what means the same, different for what changes a result."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from dicface import Box, FaceModel, Output, Restorer, restore_file, upscale_file
from dicface.restoration.settings import restore_digest, stated_digest, upscale_digest
from dicface.runtime.models import find_model

BOX = Box(43, 21, 64, 43)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer()


@pytest.mark.parametrize(
    "same",
    [
        {"strength": {}},
        {"strength": {None: 1}},
        {"boxes": []},
        {"output": Output()},
        {"output": Output(overwrite=True, uncertainty=Path("map.png"))},
    ],
)
def test_the_same_meaning_has_one_digest(restorer: Restorer, same: dict[str, Any]) -> None:
    assert restore_digest(restorer, **same) == restore_digest(restorer)
    assert restore_digest(Restorer(restorer.model)) == restore_digest(restorer)
    assert restore_digest(restorer, scale=2, faces=[3, 1]) == restore_digest(restorer, scale=2.0, faces=(1, 3))


def test_what_changes_a_result_changes_the_digest(restorer: Restorer, tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {"scale": 2},
        {"boxes": [BOX]},
        {"boxes": [BOX], "only_boxes": True},
        {"strength": 0.5},
        {"strength": {3: 0.5}},
        {"min_face": 12},
        {"max_face": 12},
        {"faces": [1]},
        {"faces": []},
        {"adaptive": False},
        {"force": True},
        {"passes": 1},
        {"output": Output(metadata=False)},
        {"output": Output(gps=True)},
        {"output": Output(landmarks=True)},
    ]
    digests = [restore_digest(restorer, **each) for each in [{}, *changes]]
    digests.append(restore_digest(Restorer(restorer.model, detector_threshold=0.9)))
    graph = onnx.load(find_model("lite"))
    graph.producer_name = "another"
    onnx.save(graph, tmp_path / "another.onnx")
    digests.append(restore_digest(Restorer(FaceModel(str(tmp_path / "another.onnx")))))
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_a_result_states_its_digest(restorer: Restorer, small_photo: np.ndarray, tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / "a.png", tmp_path / f"out{suffix}"
    Image.fromarray(small_photo).save(source)
    result = restore_file(source, target, restorer=restorer, scale=1, boxes=[BOX], only_boxes=True)
    digest = restore_digest(restorer, scale=1, boxes=[BOX], only_boxes=True)
    assert stated_digest(target) == result.report_row()["settings_sha256"] == digest
    with target.open("rb") as file:
        assert stated_digest(file) == digest


def test_what_states_nothing(restorer: Restorer, tmp_path: Path) -> None:
    crop = tmp_path / "face.png"
    Image.linear_gradient("L").resize((16, 16)).convert("RGB").save(crop)
    upscale_file(crop, tmp_path / "marked.png", model=restorer.model)
    expected = upscale_digest(restorer.model.sha256, all_steps=False, consistent=False, strength=1, output=None)
    assert stated_digest(tmp_path / "marked.png") == expected
    upscale_file(crop, tmp_path / "unmarked.png", model=restorer.model, output=Output(mark=False))
    upscale_file(crop, tmp_path / "face.bmp", model=restorer.model)
    (tmp_path / "text.png").write_text("no picture")
    for name in ("face.png", "unmarked.png", "face.bmp", "text.png", "absent.png"):
        assert stated_digest(tmp_path / name) == ""
