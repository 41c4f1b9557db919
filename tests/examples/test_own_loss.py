"""The example of a loss, a degradation and a callback of one's own does what it says."""

import json
import runpy
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from dicface.checkpoints.networks import load_run
from dicface.networks.resize import resize_bicubic, round_to_8_bits
from tests.support.packs import write_pack
from tests.support.training import shrinking

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "own_loss.py"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLE), run_name="own_loss")


def test_three_steps(tmp_path: Path, example: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path / "faces.parquet", 4)
    settings = [word for setting in shrinking("lite") for word in ("--set", setting)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's own deprecations
        remembered = example["main"]([str(pack), str(tmp_path / "run"), "--steps", "3", *settings])
    assert len(remembered.losses) == 3
    assert "the loss went from" in capsys.readouterr().out
    assert all(value.isfinite().all() for value in load_run(tmp_path / "run").state_dict().values())
    (start,) = json.loads((tmp_path / "run" / "run.json").read_text())["starts"]
    assert start["own_code"] == ["own_loss.CharbonnierTask", "own_loss.interlaced", "own_loss.RememberLosses"]


def test_the_degradation_moves_even_lines_alone(example: dict[str, Any]) -> None:
    torch.manual_seed(0)
    hr = torch.rand(2, 3, 128, 128)
    plain = resize_bicubic(hr, 16)
    moved = [example["interlaced"](hr, 16, torch.Generator().manual_seed(seed)) for seed in range(8)]
    assert all(torch.equal(lr[:, :, 1::2], plain[:, :, 1::2]) for lr in moved)
    assert any(not torch.equal(round_to_8_bits(lr), round_to_8_bits(plain)) for lr in moved)
