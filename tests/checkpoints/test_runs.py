"""Runs that are missing: every door to a model names the command that makes them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dicface.checkpoints.networks import load_run
from dicface.checkpoints.runs import how_to_make
from dicface.errors import DicfaceError
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import find_network
from dicface.runtime.upscalers import open_model
from dicface.training.resuming import read_origin
from dicface.training.weights import find_weights

DOORS: dict[str, Callable[[str], object]] = {
    "restore": FaceModel,
    "evaluate": open_model,
    "export": lambda name: load_run(Path(name)),
    "from_pretrained": find_network,
    "network_weights": find_weights,
    "decay from": lambda name: read_origin(Path(name)),
}


@pytest.mark.parametrize("file", ["", "/weights.safetensors", "/last.ckpt"])
@pytest.mark.parametrize("door", DOORS)
def test_a_missing_run_says_which_command_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, door: str, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DicfaceError, match=r"; `dicface train paper/dic-celeba` makes it$"):
        DOORS[door](f"runs/dic-celeba{file}")
    with pytest.raises(DicfaceError) as failed:
        DOORS[door](f"runs/my-own{file}")
    assert "dicface train" not in str(failed.value)


def test_what_no_config_makes_or_is_there_is_not_made(tmp_path: Path) -> None:
    assert how_to_make("lite") == how_to_make("runs/lite-2") == ""
    (tmp_path / "lite").mkdir()
    (tmp_path / "lite" / "weights.safetensors").touch()
    assert how_to_make(tmp_path / "lite" / "weights.safetensors") == ""
    assert how_to_make(tmp_path / "lite" / "best.ckpt") == "; `dicface train lite` makes it"
