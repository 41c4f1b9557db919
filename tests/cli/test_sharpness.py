"""`--sharpness` in restore and upscale."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface import UpscaleBatch
from tests.support.command import dicface


@pytest.mark.slow
def test_the_command_restores_and_upscales_at_a_sharpness(photo: Path, portrait: np.ndarray, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = dicface(
        *("restore", photo, "-o", tmp_path / "out.png", "--sharpness", "0.5", "--report", report, "--scale", "2")
    )
    assert result.returncode == 0, result.stderr
    (entry,) = json.loads(report.read_text())["photos"]
    assert {face["model"] for face in entry["faces"] if face["outcome"] == "restored"} == {"lite at sharpness 0.5"}
    Image.fromarray(portrait[50:178, 150:278]).resize((16, 16)).save(tmp_path / "face.png")
    pictures: list[bytes] = []
    for sharpness in ("0", "1"):
        target = tmp_path / f"{sharpness}.png"
        assert dicface("upscale", tmp_path / "face.png", "-o", target, "--sharpness", sharpness).returncode == 0
        with Image.open(target) as image:
            pictures.append(image.tobytes())
    assert pictures[0] != pictures[1]
    batch = UpscaleBatch(sharpness=1.0)({"bytes": [(tmp_path / "face.png").read_bytes()], "path": ["face.png"]})
    assert batch["bytes"] == [(tmp_path / "1.png").read_bytes()]


def test_a_wrong_sharpness_is_a_wrong_call(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out.png", "--sharpness", "2")
    assert result.returncode == 2
    assert "--sharpness" in result.stderr
    assert not (tmp_path / "out.png").exists()
