"""Embedded models are what their cards say."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from dicface.checkpoints.networks import load_network, save_network
from dicface.errors import UnknownModelError, UsageError
from dicface.networks.dic import LITE, DICNetwork
from dicface.runtime.cards import Calibration, Coefficients, RestorationResult, parse_card
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import embedded_models, find_model
from dicface.runtime.upscalers import open_model
from tests.support.networks import TINY


@pytest.mark.parametrize("name", embedded_models())
def test_cards_are_true(name: str) -> None:
    card = embedded_models()[name]
    for suffix, digest in card.sha256.items():
        assert hashlib.sha256(find_model(name, suffix, card.kind).read_bytes()).hexdigest() == digest
    for key in ("description", "data", "samples", "command", "commit", "results", "licence", "use"):
        assert getattr(card, key), f"the card of {name} says nothing of {key}"


def test_cards_are_parsed_once_and_hold_what_their_files_hold() -> None:
    card = embedded_models("restoration")["lite"]
    assert embedded_models()["lite"] is card
    (path,) = (path for path in find_model("lite").parent.glob("lite.json"))
    document = json.loads(path.read_text())
    assert card.as_json() == document
    row = next(row for row in card.results if isinstance(row, RestorationResult) and row.lr_size == 16)
    (wanted,) = (row for row in document["numbers"]["results"] if row["lr_size"] == 16)
    quality = row.protocols["y-crop8"]
    assert (quality.psnr, list(quality.steps_psnr)) == (wanted["y-crop8"]["psnr"], wanted["y-crop8"]["steps_psnr"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.samples = 0  # type: ignore[misc] - frozen, which is what is tested


@pytest.mark.parametrize("missing", ["licence", "numbers", "gflop_per_face"])
def test_a_card_that_lacks_something_is_refused(missing: str) -> None:
    document = embedded_models()["lite"].as_json()
    del document[missing]
    with pytest.raises(KeyError, match=missing):
        parse_card("lite", json.dumps(document))


def test_finders_alone_are_calibrated() -> None:
    for card in embedded_models().values():
        assert (card.calibration is not None) == (card.kind == "finder")
    document = embedded_models()["finder"].as_json()
    document["verification"] = {
        "threshold": 0.6,
        "coefficients": {
            "score alone": {"bias": 0.5, "score": 2.0},
            "lite": {"bias": -4.0, "score": 1.0, "confidence": 8.0},
        },
    }
    calibration = parse_card("finder", json.dumps(document)).calibration
    assert calibration == Calibration(Coefficients(0.5, 2), {"lite": Coefficients(-4, 1, 8)}, threshold=0.6)


def test_lite_is_the_preset() -> None:
    assert load_network(find_model("lite", ".safetensors")).config == LITE


def test_names_files_and_runs_alike(tmp_path: Path) -> None:
    """A run's folder stands for its weights."""
    run = tmp_path / "runs" / "own"
    run.mkdir(parents=True)
    with pytest.raises(UnknownModelError, match=r"or a run's folder, got '.*own' without weights"):
        FaceModel(str(run))
    save_network(DICNetwork(TINY), run / "weights.safetensors")
    crop = np.full((16, 16, 3), 90, np.uint8)
    for name in (run, run / "weights.safetensors"):
        for opened in (FaceModel(str(name)), open_model(str(name))):
            assert opened.backend == "torch"
            assert opened([crop])[0].sr.shape == (2, 128, 128, 3)
    assert find_model(str(run)) == run / "weights.safetensors"
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "last.ckpt").touch()
    with pytest.raises(UsageError, match=r"got '.*last.ckpt'; `dicface export` makes one of a run"):
        FaceModel(str(unfinished))
