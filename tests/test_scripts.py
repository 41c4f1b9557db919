"""The demo runs, the comparison trains and measures, and the other scripts and experiments at least begin."""

import json
import warnings
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from dicface import Restorer
from dicface.checkpoints.networks import read_tensors
from dicface.data.references import References
from dicface.errors import CheckpointError, UsageError
from dicface.images.pixels import resize
from dicface.networks.dic import DICNetwork
from dicface.runtime.models import find_model
from dicface.runtime.spandrel import import_spandrel
from tests.support.clips import moving_face
from tests.support.command import script
from tests.support.packs import write_pack

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((*ROOT.glob("scripts/*.py"), *ROOT.glob("experiments/[!_]*.py")))
NO_COMMAND = {"damaged.py", "finder_scores.py", "people.py", "photos.py"}


@pytest.mark.slow
def test_the_demo_restores_the_face(tmp_path: Path) -> None:
    done = script(ROOT / "examples" / "demo.py", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "demo" / "restored.png") as image:
        assert image.size == (484, 484)
    outcomes = [face["outcome"] for face in json.loads((tmp_path / "demo" / "report.json").read_text())["faces"]]
    assert "restored" in outcomes


@pytest.mark.parametrize("path", [s for s in SCRIPTS if s.name not in NO_COMMAND], ids=lambda path: path.stem)
def test_scripts_say_how_they_are_called(path: Path) -> None:
    result = script(path, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Usage: " in result.stdout


@pytest.mark.slow
def test_general_networks_train_resume_and_load_in_spandrel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments import general_networks as networks

    write_pack(tmp_path / "faces.parquet", 4)
    tiny: dict[networks.Name, dict[str, int]] = {
        "rcan": {"n_feats": 16, "n_resgroups": 2, "n_resblocks": 1},
        "rrdb": {"num_filters": 4, "num_blocks": 2},
    }
    for name, settings in tiny.items():
        monkeypatch.setitem(networks.SETTINGS, name, networks.SETTINGS[name] | settings)

    def train(name: networks.Name, out: str, steps: int, resume: bool = False) -> None:
        overrides = ["batch.size=2", "run.precision=32-true", "run.validate_every=2", f"run.steps={steps}"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pack = tmp_path / "faces.parquet"
            networks.main(name, [pack], tmp_path / out, pack, overrides, resume=resume)

    train("rcan", "straight", 4)
    train("rrdb", "rrdb", 2)
    weights, notes = read_tensors(tmp_path / "straight" / "weights.safetensors")
    assert notes["architecture"] == "rcan"
    # A longer run of the same rate: warm-up lasts 200 steps.
    train("rcan", "parts", 2)
    train("rcan", "parts", 4, resume=True)
    again, _ = read_tensors(tmp_path / "parts" / "weights.safetensors")
    assert all(torch.equal(weights[key], again[key]) for key in weights)
    for folder, architecture in (("straight", "RCAN"), ("rrdb", "ESRGAN")):
        network = import_spandrel().ModelLoader().load_from_file(tmp_path / folder / "weights.safetensors")
        assert (network.architecture.id, network.scale) == (architecture, 8)


def test_general_networks_cost_what_lite_costs() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    from experiments import general_networks as networks

    for name in ("rcan", "rrdb"):
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            sr = networks.build_network(name)(torch.zeros(1, 3, 16, 16))
        assert sr.shape == (1, 3, 128, 128)
        assert counter.get_total_flops() / 1e9 == pytest.approx(4.0, abs=0.1)


@pytest.mark.slow
def test_the_comparison_measures_and_fills_its_page(
    tmp_path: Path, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments import comparison

    monkeypatch.setattr(comparison, "ROUND_S", 0.01)
    hr = np.stack([resize(portrait[74 + x : 194 + x, 164:284], (128, 128)) for x in (0, 3, 6)])
    faces = References("faces", ("a", "b", "c"), hr, None, np.full(3, -1))
    upscalers = comparison.entries([])
    assert [entry.name for entry in upscalers] == ["bicubic", "lanczos", "lite"]
    rows = {row["name"]: row for row in comparison.measured(upscalers, faces, rounds=1)}
    assert (rows["lite"]["parameters"], rows["lite"]["gflop"]) == (3735504, pytest.approx(3.31, abs=0.05))
    assert rows["bicubic"]["parameters"] is None
    for protocol in ("y-crop8", "rgb-crop8", "y"):
        ours, bicubic = (rows[name]["protocols"][protocol]["psnr"] for name in ("lite", "bicubic"))
        assert ours["to_reference"] == {"difference": 0, "ci95": [0, 0], "win_rate": 0.5, "worse": 0}
        pair = bicubic["to_reference"]
        assert pair["difference"] == pytest.approx(bicubic["mean"] - ours["mean"])
        assert pair["ci95"][0] <= pair["difference"] <= pair["ci95"][1] < 0
    page = tmp_path / "page.md"
    page.write_text(f"Before\n{comparison.BEGIN}\nold\n{comparison.END}\nAfter\n")
    comparison.write_between_markers(page, comparison.markdown(list(rows.values()), "faces", 3))
    text = page.read_text()
    assert text.startswith("Before\n")
    assert text.endswith("After\n")
    assert "old" not in text
    assert text.count("| lite |") == 4
    page.write_text("no marks")
    with pytest.raises(UsageError, match=r"expected '<!-- experiments/comparison.py writes from here -->' and"):
        comparison.write_between_markers(page, "")


def test_the_comparison_refuses_runs_of_different_budgets(tmp_path: Path) -> None:

    def run(name: str, steps: int, packs: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"run": {"steps": steps}, "batch": {"size": 8}}))
        data = [{"file": f"{pack}.parquet", "sha256": pack} for pack in packs]
        (folder / "run.json").write_text(json.dumps({"starts": [{"data": data}]}))
        (folder / "weights.safetensors").write_bytes(b"")
        return folder

    from experiments import comparison

    first, same = run("first", 10, "ab"), run("same", 10, "ba")
    assert comparison.common_budget([first, same]).faces_seen == 80
    with pytest.raises(CheckpointError, match=r"expected the folder of a training run, got '.*none'"):
        comparison.common_budget([first, tmp_path / "none"])
    with pytest.raises(CheckpointError, match=r"expected '.*fewer' to have learnt from the packs of '.*first'"):
        comparison.common_budget([first, run("fewer", 10, "a")])
    with pytest.raises(CheckpointError, match=r"expected runs that saw as many faces as '.*first', got \[80, 72\]"):
        comparison.common_budget([first, run("shorter", 9, "ab")])
    (same / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"expected a finished run .* --resume"):
        comparison.common_budget([first, same])


@pytest.mark.slow
def test_the_state_of_a_network_is_handed_from_frame_to_frame(portrait: np.ndarray) -> None:
    from experiments import video_recurrence as experiment

    file = find_model("lite", ".safetensors")
    restorer, network = Restorer(file, backend="torch"), DICNetwork.from_pretrained(file)
    crop = resize(portrait[74:194, 164:284], (24, 24))
    alone = experiment.restored_frame(network, crop, None, "none")
    (shipped,) = restorer.model([crop])
    assert np.abs(alone.steps.sr[-1].astype(int) - shipped.sr[-1]).max() <= 1
    assert np.abs(alone.steps.landmarks[-1] - shipped.landmarks[-1]).max() < 0.01
    own = experiment.restored_frame(network, crop, None, "mixed").state
    results = {
        how: experiment.restored_frame(network, crop, own, how).steps.sr[-1] for how in get_args(experiment.HandOver)
    }
    # The state of the same crop's first step is what the second step takes.
    assert np.array_equal(results["none"], alone.steps.sr[-1])
    for how in ("mixed", "handed on, one step"):
        assert np.abs(results[how].astype(int) - alone.steps.sr[-1]).max() <= 1
    assert np.abs(results["handed on"].astype(int) - alone.steps.sr[-1]).max() > 1
    work = experiment.HandingOn(restorer, network, how="mixed")
    frames = [work(frame) for frame in moving_face(portrait, 2)]
    assert [face.number for frame in frames for face in frame.faces] == [1, 1]
    assert len(work._states) == 1
