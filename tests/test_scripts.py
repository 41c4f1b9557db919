"""The demo runs, general networks train, and the other scripts and benchmarks at least begin."""

import importlib.util
import json
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image

from dicface.checkpoints import read_tensors
from dicface.foreign.general import import_spandrel
from tests.conftest import write_pack

ROOT = Path(__file__).parent.parent
SCRIPTS = [
    *sorted((ROOT / "scripts").glob("*.py")),
    *(path for path in sorted((ROOT / "benchmarks").glob("*.py")) if path.stem != "photos"),
]


def test_the_demo_restores_the_face(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "demo" / "restored.png") as image:
        assert image.size == (484, 484)
    outcomes = [face["outcome"] for face in json.loads((tmp_path / "demo" / "report.json").read_text())["faces"]]
    assert "restored" in outcomes


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_say_how_they_are_called(script: Path) -> None:
    done = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_general_networks_train_resume_and_load_in_spandrel(tmp_path: Path) -> None:
    script = load_script(ROOT / "benchmarks" / "general_networks.py")
    write_pack(tmp_path / "faces.parquet", 4)
    tiny = {"rcan": {"n_feats": 16, "n_resgroups": 2, "n_resblocks": 1}, "rrdb": {"num_filters": 4, "num_blocks": 2}}
    for name, settings in tiny.items():
        script.SETTINGS[name] |= settings

    def train(name: str, out: str, steps: int, resume: bool = False) -> None:
        overrides = ["batch.size=2", "run.precision=32-true", "run.validate_every=2", f"run.steps={steps}"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pack = tmp_path / "faces.parquet"
            script.main(name, [pack], tmp_path / out, pack, overrides, resume)

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

    script = load_script(ROOT / "benchmarks" / "general_networks.py")
    for name in ("rcan", "rrdb"):
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            sr = script.build_network(name)(torch.zeros(1, 3, 16, 16))
        assert sr.shape == (1, 3, 128, 128)
        assert counter.get_total_flops() / 1e9 == pytest.approx(4.0, abs=0.1)
