"""Models at a sharpness: between a network and its twin, named so, and refused where there is none."""

from pathlib import Path

import numpy as np
import pytest

from dicface import FaceModel, UsageError
from dicface.evaluation.detail import detail_energies, detail_scores
from dicface.files import file_digest
from dicface.images.pixels import resize
from dicface.runtime.cards import SharpResult
from dicface.runtime.model_files import ModelFiles
from dicface.runtime.models import embedded_models, find_card, find_model, sharp_twin
from dicface.runtime.sharp_twins import invented_detail

SHARPNESSES = (0.0, 0.5, 1.0)


@pytest.fixture(scope="module")
def face(portrait: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(portrait[50:178, 150:278])


def test_more_sharpness_adds_more_detail(face: np.ndarray) -> None:
    crop = resize(face, (24, 24))
    shares: list[float] = []
    for sharpness in SHARPNESSES:
        (steps,) = FaceModel("lite", backend="onnxruntime", sharpness=sharpness)([crop])
        shares.append(detail_scores(detail_energies(steps.sr[-1][None], face[None], 24)).share)
    assert shares == sorted(shares)
    assert shares[-1] > 1.2 * shares[0]


def test_no_sharpness_is_the_model_itself(face: np.ndarray) -> None:
    crop = resize(face, (16, 16))
    (plain,), (none,) = FaceModel(backend="onnxruntime")([crop]), FaceModel(backend="onnxruntime", sharpness=0)([crop])
    assert np.array_equal(plain.sr, none.sr)


@pytest.mark.slow
def test_all_backends_mix_alike(face: np.ndarray) -> None:
    crop = resize(face, (16, 16))
    results = [FaceModel(backend=name, sharpness=1.0)([crop])[0].sr[-1] for name in ("onnxruntime", "openvino")]
    (faithful,) = FaceModel(backend="onnxruntime")([crop])
    apart = np.abs(results[0].astype(int) - results[1]).mean()
    assert apart < 0.5 * np.abs(results[0].astype(int) - faithful.sr[-1]).mean()


def test_a_sharpened_model_names_both_files() -> None:
    model = FaceModel("lite", backend="onnxruntime", sharpness=0.5)
    files = [file_digest(find_model("lite")), file_digest(find_model("lite-sharp", ".npz", "sharp"))]
    assert model.files == ModelFiles("lite at sharpness 0.5", " + ".join(files))
    assert (model.name, model.sharpness) == ("lite at sharpness 0.5", 0.5)


@pytest.mark.parametrize("name", embedded_models("sharp"))
def test_a_twin_belongs_to_the_file_that_is_shipped(name: str) -> None:
    card = find_card(name)
    faithful = card.as_json()["faithful"]
    assert sharp_twin(faithful["name"]) == name
    assert faithful["sha256"] == file_digest(find_model(faithful["name"]))
    rows = [row for row in card.results if isinstance(row, SharpResult)]
    assert {row.sharpness for row in rows} == {0.0, 0.25, 0.5, 0.75, 1.0}
    by_sharpness = [[row.invented for row in rows if row.lr_size == 32 and row.sharpness == each] for each in (0, 1)]
    assert by_sharpness[0] < by_sharpness[1]


@pytest.mark.parametrize("sharpness", [-0.1, 1.1, float("nan")])
def test_a_sharpness_out_of_its_range_is_refused(sharpness: float) -> None:
    with pytest.raises(UsageError, match="expected a `sharpness` from 0 to 1"):
        FaceModel(sharpness=sharpness)


def test_a_model_without_twin_is_refused(tmp_path: Path) -> None:
    copied = tmp_path / "mine.onnx"
    copied.write_bytes(find_model("lite").read_bytes())
    with pytest.raises(UsageError, match=r"expected `sharpness` 0 for a model without sharp twin, got 0.5"):
        FaceModel(copied, sharpness=0.5)


def test_torch_is_refused() -> None:
    with pytest.raises(UsageError, match="expected `sharpness` 0 for the torch backend"):
        FaceModel("lite", backend="torch", sharpness=0.5)


def test_invented_detail_runs_between_what_was_measured() -> None:
    def measured(side: int, sharpness: float, detail: float) -> SharpResult:
        return SharpResult(side, sharpness, 30.0, detail, 0.5**0.5, 1.0, 1.0, 0.03)

    rows = [measured(16, 0, 0.4), measured(16, 1, 0.8), measured(64, 0, 0.8), measured(64, 1, 1.2)]
    assert invented_detail(rows, 0.0, 16) == pytest.approx(0.2)
    assert invented_detail(rows, 0.5, 16) == pytest.approx(0.3)
    assert invented_detail(rows, 0.5, 32) == pytest.approx(0.4), "the middle between 16 and 64 px"
    assert invented_detail(rows, 1.0, 8) == pytest.approx(0.4), "that of the smallest size"
    assert invented_detail(rows, 1.0, 200) == pytest.approx(0.6), "that of the largest size"


@pytest.mark.slow
def test_a_model_says_what_it_invents() -> None:
    for name, side in (("lite", 24), ("lite-256", 48)):
        models = [FaceModel(name, backend="onnxruntime", sharpness=each) for each in SHARPNESSES]
        said = [model.invented_detail(side) or 0 for model in models]
        assert said == sorted(said)
        assert said[0] > 0
