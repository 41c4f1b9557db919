"""`dicface convert`."""

from pathlib import Path

import pytest

from tests.support.command import dicface
from tests.support.recorded import recorded_state


@pytest.mark.slow
def test_convert_the_authors_weights(pack: Path, tmp_path: Path) -> None:
    import torch

    theirs, ours = tmp_path / "theirs.pth", tmp_path / "ours.safetensors"
    torch.save({"epoch": 7, "state_dict": recorded_state("dic_small")}, theirs)
    result = dicface("convert", theirs, "-o", ours, "--steps", "2")
    assert (result.returncode, result.stderr) == (0, "")
    said = f"wrote {ours}: DIC network, 0.32 M parameters, T = 2; from the authors' training checkpoint\n"
    assert result.stdout == said
    measured = dicface("evaluate", pack, "--model", ours, "--limit", "2", "--json")
    assert measured.returncode == 0, measured.stderr
    before = ours.read_bytes()
    again = dicface("convert", theirs, "-o", ours)
    assert again.returncode == 2
    assert "exists; add --overwrite to replace it" in again.stderr
    assert ours.read_bytes() == before
    assert "T = 4" in dicface("convert", theirs, "-o", ours, "--overwrite").stdout


def test_convert_refuses_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_text("<!DOCTYPE html>")
    out = tmp_path / "a.safetensors"
    result = dicface("convert", tmp_path / "page.pth", "-o", out)
    assert result.returncode == 1
    assert result.stderr == (
        "dicface: expected a file of torch.save, but 'page.pth' begins with b'<!DOCTYPE html>'; "
        "a download may have left a web page in its place\n"
    )
    assert dicface("convert", tmp_path / "none.pth", "-o", out).returncode == 1
    assert list(tmp_path.glob("*.safetensors")) == []
    result = dicface("convert", tmp_path / "page.pth", "-o", tmp_path / "a.onnx")
    assert result.returncode == 2
    assert result.stderr == "dicface: expected an output ending in .safetensors, got 'a.onnx'\n"
