"""The demo runs, and the scripts and benchmarks at least begin."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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
