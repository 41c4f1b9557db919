"""Models of `dicface-models`: what is taken, and what is left out with a reason."""

import importlib.metadata
import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicface import FaceModel
from dicface.errors import CheckpointError, UnknownModelError
from dicface.evaluation.protocols import Y_CROP8
from dicface.images.pixels import FACE_PX, resize
from dicface.restoration.quality import MIN_HEATMAP_CONFIDENCE
from dicface.runtime import additional_models as additional
from dicface.runtime.additional_models import check_hash, check_models
from dicface.runtime.cards import RestorationResult
from dicface.runtime.models import embedded_models, find_card, find_model, find_network
from dicface.version import __version__
from tests.support.models import write_card

HELD = Path(__file__).parent.parent.parent / "packages" / "dicface-models" / "src" / "dicface_models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model whose weights are any bytes."""
    (tmp_path / "large.safetensors").write_bytes(b"weights")
    write_card(tmp_path, "large")
    return tmp_path


def test_a_card_for_every_file_is_taken(folder: Path) -> None:
    (card,) = check_models(folder, {"lite"})
    assert (card.name, card.kind) == ("large", "restoration")
    check_hash(card, folder / "large.safetensors")


def test_the_models_of_this_repository_are_those_of_their_cards() -> None:
    cards = check_models(HELD, {"lite"})
    assert [card.name for card in cards] == ["dic", "dicgan"]
    for card in cards:
        check_hash(card, HELD / f"{card.name}.onnx")
        (result,) = card.results
        assert isinstance(result, RestorationResult)
        assert result.lr_size == 16
        assert result.protocols["y-crop8"].psnr > result.protocols["y-crop8"].bicubic_psnr + 2


@pytest.mark.parametrize("name", ["dic", "dicgan"])
def test_the_networks_of_the_paper_restore_a_face(portrait: np.ndarray, name: str) -> None:
    hr = resize(portrait[62:206, 172:316], (128, 128))
    crop = resize(hr, (16, 16))
    (result,) = FaceModel(HELD / f"{name}.onnx", backend="onnxruntime")([crop])
    assert result.sr.shape == (4, 128, 128, 3)
    psnr = Y_CROP8.psnr(np.stack([*result.sr, resize(crop, (128, 128))]), np.stack([hr] * 5))
    assert psnr[3] > psnr[4] + 1.5
    assert result.heatmap_confidence[-1].mean() > MIN_HEATMAP_CONFIDENCE[FACE_PX]


def test_a_changed_file_is_refused(folder: Path) -> None:
    (card,) = check_models(folder, ())
    (folder / "large.safetensors").write_bytes(b"others")
    with pytest.raises(CheckpointError, match=r"expected large\.safetensors to have the hash of its card"):
        check_hash(card, folder / "large.safetensors")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Large", {}, "expected a name in lower case"),
        ("large_1", {}, "expected a name in lower case"),
        ("lite", {}, "'lite' is a model inside dicface"),
        ("other", {"sha256": {".safetensors": "0" * 64}}, r"expected other\.safetensors beside its card"),
        ("other", {"sha256": {}}, r"expected hashes of \.onnx or \.safetensors in other\.json, got \[\]"),
        ("other", {"sha256": {"/../large.safetensors": "0" * 64}}, "expected hashes of"),
        ("other", {"sha256": {".safetensors": "0"}}, "expected a SHA-256 in hex"),
        ("other", {"numbers": {}}, r"expected a complete card in other\.json, could not read KeyError"),
    ],
)
def test_a_wrong_card_is_refused(folder: Path, name: str, changes: dict[str, Any], message: str) -> None:
    if not changes:
        (folder / f"{name}.safetensors").write_bytes(b"weights")
    write_card(folder, name, **changes)
    with pytest.raises(CheckpointError, match=message):
        check_models(folder, {"lite"})


def test_weights_without_a_card_and_too_many_of_them_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "stray.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"stray\.onnx has none"):
        check_models(folder, ())
    (folder / "stray.onnx").unlink()
    monkeypatch.setattr(additional, "MAX_MODELS_BYTES", 6)
    with pytest.raises(CheckpointError, match="expected at most 6e-06 MB of weights"):
        check_models(folder, ())


class TestInstalled:
    """As `dicface` sees the distribution where it is installed."""

    @pytest.fixture
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
        """Folder of the package's files, with metadata beside it."""
        package = tmp_path / "site" / "dicface_models"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise SystemExit('it is data and never imported')")
        (package / "large.safetensors").write_bytes(b"weights")
        write_card(package, "large")
        self.set_version(package, __version__)
        monkeypatch.syspath_prepend(package.parent)
        additional.additional_models.cache_clear()  # writing the card has looked
        yield package
        additional.additional_models.cache_clear()

    @staticmethod
    def set_version(package: Path, version: str) -> None:
        metadata = package.parent / "dicface_models-0.dist-info"
        metadata.mkdir(exist_ok=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.4\nName: dicface-models\nVersion: {version}\n")

    def test_its_models_are_listed_and_found(self, installed: Path) -> None:
        assert importlib.metadata.version("dicface-models") == __version__
        assert {"lite", "large"} <= embedded_models("restoration").keys()
        assert find_model("large", ".safetensors") == installed / "large.safetensors"
        assert find_network("large") == installed / "large.safetensors"
        assert find_card("large").description == "Generated by a test."
        assert find_model("lite").parent.name == "models"
        assert "dicface_models" not in sys.modules

    def test_a_file_that_it_lacks_is_said(self, installed: Path) -> None:
        with pytest.raises(UnknownModelError, match=r"a \.onnx file, large has \.safetensors only"):
            find_model("large")

    def test_a_changed_file_is_not_loaded(self, installed: Path) -> None:
        (installed / "large.safetensors").write_bytes(b"others")
        with pytest.raises(CheckpointError, match="install dicface-models again"):
            find_model("large", ".safetensors")
        assert find_model("lite").is_file()

    def test_another_version_is_left_out_with_a_reason(self, installed: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.set_version(installed, "99.0")
        assert "large" not in embedded_models()
        assert "dicface-models 99.0 does not fit" in caplog.text
        for find in (find_model, find_network, find_card):
            with pytest.raises(UnknownModelError, match=f"pip install dicface-models=={__version__}"):
                find("large")

    def test_a_damaged_card_leaves_out_all_and_breaks_nothing_else(self, installed: Path) -> None:
        card = json.loads((installed / "large.json").read_text())
        del card["licence"]
        (installed / "large.json").write_text(json.dumps(card))
        assert "large" not in embedded_models()
        assert find_model("lite").is_file()
        with pytest.raises(UnknownModelError, match="is damaged: expected a complete card"):
            find_model("large")


def test_without_the_distribution_nothing_is_said() -> None:
    with pytest.raises(UnknownModelError) as raised:
        find_model("large")
    assert "dicface-models" not in str(raised.value)
