"""Measuring upscalers: what is compared, how it is summed up, and what judges say."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from dicface.checkpoints.networks import write_tensors
from dicface.data.references import References
from dicface.errors import CheckpointError, UnknownModelError, UsageError
from dicface.evaluation.identity import Recogniser
from dicface.evaluation.measure import measure
from dicface.evaluation.protocols import Y_CROP8_RELEASED
from dicface.evaluation.report import report_page
from dicface.evaluation.scores import Judges
from dicface.evaluation.summary import summary
from dicface.evaluation.tables import result_grids
from dicface.images.pixels import resize
from dicface.networks.lightcnn import FaceRecogniser
from dicface.runtime.consistency import DataConsistency
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.image_model import open_enlargement
from dicface.runtime.landmark_model import LandmarkModel
from dicface.runtime.upscalers import open_models


class Truth:
    """An upscaler that knows the answers, in order."""

    name = "truth"
    backend = "numpy"
    sha256 = ""
    description = "what was there"
    lr_sizes = (16, 16)
    face_px = 128

    def __init__(self, hr: np.ndarray) -> None:
        self._left = list(hr)

    def __call__(self, crops: Sequence[np.ndarray]) -> list[FaceSteps]:
        taken, self._left = self._left[: len(crops)], self._left[len(crops) :]
        return [FaceSteps(face[None], np.empty((1, 0, 2), np.float32), np.empty((1, 0), np.float32)) for face in taken]


@pytest.fixture
def references(portrait: np.ndarray) -> References:
    """The portrait's face in four places, the first two and the last two being one person."""
    hr = np.stack([portrait[50 + y : 178 + y, 150 + x : 278 + x] for y, x in ((0, 0), (4, 6), (9, 3), (2, 12))])
    keys = tuple(f"portrait/{number}" for number in range(4))
    return References("portrait", keys, hr, None, np.array([0, 0, 1, 1]))


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Untrained face features."""
    torch.manual_seed(5)
    path = tmp_path / "features.safetensors"
    write_tensors(FaceRecogniser(8).state_dict(), path, {})
    return path


@pytest.mark.slow
def test_the_embedded_model_beats_bicubic(references: References) -> None:
    measured = measure(FaceModel("lite", backend="onnxruntime"), references, 16)
    result = summary(measured)
    assert (result["n"], result["data"], result["model"]) == (4, "portrait", "lite")
    assert set(result["protocols"]) == {"y-crop8", "rgb-crop8", "y"}
    gain = result["over_bicubic"]["psnr"]["y-crop8"]
    assert gain["difference"] > 1, "the embedded model no longer beats bicubic on the portrait"
    assert gain["win_rate"] == 1
    mean = result["protocols"]["y-crop8"]["psnr"]["mean"]
    assert gain["difference"] == pytest.approx(mean - result["bicubic"]["y-crop8"]["psnr"]["mean"])
    assert result["steps"]["y-crop8"][-1]["psnr"] == pytest.approx(mean)
    assert result == summary(measure(FaceModel("lite", backend="onnxruntime"), references, 16))
    assert "nrmse" not in result
    assert "against" not in result


def test_detail_is_shown_beside_bicubic(references: References) -> None:
    measured = measure(FaceModel("lite", backend="onnxruntime"), references, 16)
    detail = summary(measured)["detail"]
    assert list(detail) == ["bicubic", "lite"]
    assert detail["bicubic"]["share"] < detail["lite"]["share"] < 1
    assert detail["bicubic"]["stitch"] is None
    assert detail["lite"]["correlation"] > 0.5
    (grid,) = (grid for grid in result_grids(measured) if grid.title.startswith("detail that a crop of 16 px"))
    assert grid.header == ("", "share", "correlation", "stitch")
    assert [row[0] for row in grid.rows] == ["bicubic", "lite"]


@pytest.mark.slow
def test_damage_reaches_the_model_and_bicubic_alike(references: References) -> None:
    lite = FaceModel("lite", backend="onnxruntime")
    clean, noisy = (summary(measure(lite, references, 24, damage=name)) for name in ("", "noise18"))
    assert (clean["damage"], noisy["damage"]) == ("", "noise18")
    for result in (clean, noisy):
        assert result["over_bicubic"]["psnr"]["y"]["worse"] == 1 - result["over_bicubic"]["psnr"]["y"]["win_rate"]
    for side in ("protocols", "bicubic"):
        assert noisy[side]["y"]["psnr"]["mean"] < clean[side]["y"]["psnr"]["mean"] - 1
    assert clean["over_bicubic"]["psnr"]["y"]["worse"] == 0


def test_prints_are_compared_with_prints(references: References) -> None:
    grey = summary(measure(Truth(references.hr), references, 16, damage="grey"))
    assert grey["protocols"]["rgb-crop8"]["psnr"]["mean"] is not None, "the truth kept its colours"
    assert grey["bicubic"]["y"]["psnr"]["mean"] == pytest.approx(
        summary(measure(Truth(references.hr), references, 16))["bicubic"]["y"]["psnr"]["mean"], abs=0.5
    )


@pytest.mark.slow
def test_parts_are_put_together_in_order(references: References, monkeypatch: pytest.MonkeyPatch) -> None:
    judges = Judges(references, LandmarkModel())
    whole = measure(open_enlargement("lanczos"), references, 16, judges, damage="noise10")
    monkeypatch.setattr("dicface.evaluation.scores._PART", 3)
    parts = measure(open_enlargement("lanczos"), references, 16, judges, damage="noise10")
    assert summary(parts) == summary(whole)


def test_faces_that_come_back_exactly_leave_valid_json(references: References) -> None:
    result = summary(measure(Truth(references.hr), references, 16, Judges(references, LandmarkModel())))
    assert result["protocols"]["y-crop8"]["psnr"] == {"mean": None, "ci95": None}
    assert result["protocols"]["y-crop8"]["ssim"]["mean"] == pytest.approx(1)
    assert result["consistency"]["truth"] == {"mean": 0, "worst": 0}
    assert result["nrmse"] == {"width": 0, "outer_eye": 0, "inter_ocular": 0}
    assert result["over_bicubic"]["psnr"]["y"]["win_rate"] == 1
    json.dumps(result, allow_nan=False)


@pytest.mark.slow
def test_landmarks_are_worse_on_blurred_faces(references: References) -> None:
    judges = Judges(references, LandmarkModel())
    result = summary(measure(FaceModel("lite", backend="onnxruntime"), references, 12, judges))
    assert result["nrmse_reference"] == "found on the high-resolution faces"
    assert result["nrmse_hr"]["inter_ocular"] == 0
    assert 0 < result["nrmse"]["inter_ocular"] < result["nrmse_bicubic"]["inter_ocular"]
    low, high = result["nrmse_ci95"]["width"]
    assert low <= result["nrmse"]["width"] <= high


def test_landmarks_of_the_data_count_as_true(references: References) -> None:
    landmarks = LandmarkModel()
    found = landmarks(references.hr).points
    eyes = np.linalg.norm(found[:, 36:42].mean(axis=1) - found[:, 42:48].mean(axis=1), axis=1)
    moved = references._replace(landmarks=found + np.float32(2))
    result = summary(measure(Truth(references.hr), references, 16, Judges(moved, landmarks)))
    assert result["nrmse_reference"] == "portrait"
    assert result["nrmse"]["inter_ocular"] == pytest.approx(float((8**0.5 / eyes).mean()), rel=1e-4)


@pytest.mark.slow
def test_two_models_are_compared_face_by_face(references: References) -> None:
    lite = FaceModel("lite", backend="onnxruntime")
    result = summary(measure(DataConsistency(lite), references, 16, against=lite))
    assert result["model"] == "lite (consistent)"
    assert result["against"]["model"] == "lite"
    assert result["against"]["psnr"]["rgb-crop8"]["difference"] > 0, "projecting lost PSNR on RGB"
    assert result["consistency"]["lite (consistent)"]["worst"] == 0
    assert result["consistency"]["lite"]["worst"] > 0
    first, last = (step["psnr"] for step in result["steps"]["y-crop8"])
    assert first < last


def test_names_and_sizes_are_checked_before_anything_is_computed(references: References) -> None:
    lite = FaceModel("lite", backend="onnxruntime")
    with pytest.raises(UsageError, match="expected another model to compare with, got lite twice"):
        measure(lite, references, 16, against=lite)
    with pytest.raises(UsageError, match="expected a low-resolution side from 8 to 64 px for lite, got 65"):
        measure(lite, references, 65)
    with pytest.raises(UsageError, match="expected a low-resolution side of 16 px for truth, got 32"):
        measure(Truth(references.hr), references, 32)


def test_other_protocols_replace_the_three(references: References) -> None:
    result = summary(measure(open_enlargement("lanczos"), references, 16, protocols=(Y_CROP8_RELEASED,)))
    assert set(result["protocols"]) == set(result["steps"]) == {"y-crop8-released"}


@pytest.mark.slow
def test_identity_similarity(references: References, features: Path) -> None:
    recogniser = Recogniser(str(features))
    assert np.allclose(np.linalg.norm(recogniser(references.hr), axis=1), 1, atol=1e-5)
    measured = measure(Truth(references.hr), references, 16, Judges(references, LandmarkModel(), recogniser))
    similarity = measured.identity
    assert similarity is not None
    assert similarity.own["truth"].mean == pytest.approx(1, abs=1e-5)
    assert similarity.rank1_accuracy["truth"] == 1
    assert similarity.frechet["truth"] == pytest.approx(0, abs=1e-6)
    assert similarity.own["bicubic"].mean is not None
    assert similarity.own["bicubic"].mean < 1
    assert similarity.auc is not None
    assert 0 <= similarity.auc <= 1
    embeddings = recogniser(references.hr)
    assert similarity.others == pytest.approx(float((embeddings[:2] @ embeddings[2:].T).mean()), abs=1e-5)
    json.dumps(summary(measured), allow_nan=False)


@pytest.mark.slow
def test_embedded_features_say_how_good_they_are_and_unknown_people_do_not(references: References) -> None:
    strangers = references._replace(identities=np.full(4, -1))
    recogniser = Recogniser()
    measured = measure(open_enlargement("lanczos"), strangers, 16, Judges(strangers, LandmarkModel(), recogniser))
    assert measured.identity is not None
    assert measured.identity.auc is None
    assert recogniser.held_out == ("celeba-val.parquet", 59, 0.7535)
    assert summary(measured)["identity"]["auc_held_out"]["auc"] == 0.7535
    titles = [grid.title for grid in result_grids(measured)]
    assert any(title.endswith("against the landmarks found on the high-resolution faces") for title in titles)
    title = titles[-1]
    assert "0.753 on 59 identities outside their training (celeba-val.parquet); 0.5 is chance" in title


@pytest.mark.slow
def test_everything_is_computed_once(references: References, features: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON, tables and page are renderings: no interval is drawn and no face compared after the measurement."""
    judges = Judges(references, LandmarkModel(), Recogniser(str(features)))
    upscaler = open_enlargement("lanczos")
    measured = measure(upscaler, references, 16, judges, FaceModel("lite", backend="onnxruntime"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        measured.lr_size = 8  # type: ignore[misc] - frozen, which is what is tested

    def again(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("dicface.evaluation.statistics.bootstrap_interval", again)
    monkeypatch.setattr("dicface.evaluation.results.verification_auc", again)
    assert summary(measured) == summary(measured)
    assert len(result_grids(measured)) == 7
    report_page([measured], [upscaler, FaceModel("lite", backend="onnxruntime")])


def test_one_face_has_no_others_to_compare_with(references: References, features: Path) -> None:
    one = References("one", ("a",), references.hr[:1], None, np.array([-1]))
    measured = measure(Truth(one.hr), one, 16, Judges(one, LandmarkModel(), Recogniser(str(features))))
    similarity = measured.identity
    assert similarity is not None
    assert (similarity.others, similarity.held_out) == (None, None)
    assert set(similarity.rank1_accuracy.values()) == {None}
    assert len(result_grids(measured)[-1].rows) == 2


def test_bicubic_as_the_other_stands_once_in_tables(references: References) -> None:
    measured = measure(open_enlargement("lanczos"), references, 16, against=open_enlargement("bicubic"))
    assert [result.name for result in measured.results] == ["bicubic", "lanczos"]
    result = summary(measured)
    assert result["against"]["psnr"] == result["over_bicubic"]["psnr"]


def test_features_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="got 'no-such-features'"):
        Recogniser("no-such-features")
    other = tmp_path / "other.safetensors"
    write_tensors({"weight": torch.zeros(2)}, other, {})
    with pytest.raises(CheckpointError, match="expected the weights of a features run"):
        Recogniser(str(other))


@pytest.mark.slow
def test_models_of_two_sides_are_compared_on_the_larger(portrait: np.ndarray) -> None:
    hr = resize(portrait[45:185, 145:285], (256, 256))[None]
    references = References("portrait", ("portrait/0",), hr, None, np.array([0]))
    larger, lite, bicubic = open_models(["lite-256", "lite", "bicubic"])
    assert [one.face_px for one in (larger, lite, bicubic)] == [256, 128, 256]
    measured = measure(larger, references, 48, Judges(references, LandmarkModel()), lite)
    result = summary(measured)
    assert result["over_bicubic"]["psnr"]["y"]["difference"] > 0
    assert result["against"]["psnr"]["y"]["difference"] > 0
    assert result["nrmse"]["inter_ocular"] < 0.1
    assert 'viewBox="-0.5 -0.5 256 256"' in report_page([measured], [larger, lite])
